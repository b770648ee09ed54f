"""/stories/<slug>/version/ and /stories/<slug>/new/: polling for new comments."""

import pytest

from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.moves import move_comment
from comments.services.states import change_states, delete_comment
from comments.thread.new_comments import MAX_NEW_IDS
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import import_thread, remove, set_pending

pytestmark = pytest.mark.django_db


def version(client, article) -> dict[str, int]:
    return client.get(f"{article.get_absolute_url()}version/").json()


def new(client, article, since) -> int:
    return client.get(f"{article.get_absolute_url()}new/?since={since}").json()["count"]


def approve(*comments):
    change_states(ids=[c.pk for c in comments], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)


def test_the_version_is_that_of_the_page(client):
    article = make_article()
    assert version(client, article) == {"version": 0, "seq": 0}
    make_comment(article)
    answer = version(client, article)
    assert answer == {"version": 1, "seq": 1}
    page = client.get(article.get_absolute_url()).content.decode()
    assert 'data-version="1" data-seq="1"' in page


def test_comments_published_since_are_new(client):
    article = make_article()
    old = make_comment(article)
    since = version(client, article)["seq"]
    assert new(client, article, since) == 0
    make_comment(article, parent=old)
    make_comment(article)
    assert new(client, article, since) == 2
    assert new(client, article, version(client, article)["seq"]) == 0
    assert new(client, article, 0) == 3


def test_the_latest_new_comments_are_listed_in_order(client):
    article = make_article()
    make_comment(article)
    since = version(client, article)["seq"]
    ids = [make_comment(article).pk for _ in range(MAX_NEW_IDS + 3)]
    answer = client.get(f"{article.get_absolute_url()}new/?since={since}").json()
    assert answer == {"count": len(ids), "ids": ids[3:]}
    assert client.get(f"{article.get_absolute_url()}new/?since=999").json() == {"count": 0, "ids": []}


def test_a_late_approval_is_new_and_a_pending_comment_is_not(client):
    article = make_article()
    waits, approved = make_comment(article), make_comment(article)
    set_pending(waits, approved)
    make_comment(article)
    since = version(client, article)["seq"]
    approve(approved)
    assert new(client, article, since) == 1


def test_comments_that_were_on_the_page_already_are_not_new(client):
    """Comments that were removed and restored, edited, moved or confirmed are not new."""
    article, author = make_article(), UserFactory.create()
    restored, edited, moved, confirmed = (
        make_comment(article),
        make_comment(article, author=author),
        make_comment(article),
        make_comment(article),
    )
    gone = make_comment(article)
    remove(gone)
    since = version(client, article)["seq"]

    remove(restored)
    approve(restored)
    edit_comment(comment=edited, body="Other words.", user=author, guest=None)
    move_comment(comment=moved, parent=confirmed, actor=None)
    approve(confirmed)
    assert new(client, article, since) == 0
    approve(gone)
    remove(gone)
    assert new(client, article, since) == 0
    approve(gone)
    assert new(client, article, since) == 1, "it was not there when the page was made"


def test_the_readers_own_comment_is_not_new(client):
    article, member, guest = make_article(), UserFactory.create(), GuestFactory.create()
    make_comment(article, author=member)
    make_comment(article, guest=guest)
    client.force_login(member)
    assert new(client, article, 0) == 1
    taken_back = make_comment(article)
    assert new(client, article, 0) == 2
    delete_comment(comment=taken_back, user=None, guest=taken_back.guest)
    assert new(client, article, 0) == 1


def test_more_than_99_are_not_counted(client):
    article = make_article()
    import_thread(article, 120)
    assert new(client, article, 0) == 99


@pytest.mark.parametrize(
    "since", ["", "x", "-1", "1.5", str(2**63), "9" * 10_000, "%00", "²", "١", "1&since=x"]
)
def test_an_invalid_number_is_not_found(client, since):
    article = make_article()
    make_comment(article)
    assert client.get(f"{article.get_absolute_url()}new/?since={since}").status_code == 404
    assert client.get(f"{article.get_absolute_url()}new/").status_code == 404


def test_a_future_log_number_has_no_new_comments(client):
    article = make_article()
    make_comment(article)
    assert new(client, article, "9" * 18) == 0


def test_versions_and_new_comments_of_hidden_stories_are_404(client):
    article, draft = make_article(), make_article("A draft", published_at=None)
    make_comment(article)
    change_discussion(article=article, status=Discussion.Status.HIDDEN)
    for hidden in (article, draft):
        for name in ("version/", "new/?since=0"):
            assert client.get(f"{hidden.get_absolute_url()}{name}").status_code == 404


def test_polling_takes_two_statements_at_any_size(client, django_assert_num_queries):
    article = make_article()
    import_thread(article, 300)
    for name in ("version/", "new/?since=0", "new/?since=299"):
        with django_assert_num_queries(2):
            assert client.get(f"{article.get_absolute_url()}{name}").status_code == 200
