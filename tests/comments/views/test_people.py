"""/people/<pk>/: the public page of a member's comments."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from comments.views.people import PAGE_SIZE
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture
def ida():
    return UserFactory.create(name="Ida <b>", has_page=True)


def url_of(member):
    return f"/people/{member.pk}/"


def bodies(response):
    return [comment.body_html for comment in response.context["comments"]]


def test_the_page_lists_published_comments_newest_first(client, ida):
    article, other = make_article("The slip"), make_article("The pier")
    first = make_comment(article, "The first.", author=ida)
    make_comment(other, "The second.", author=ida)
    make_comment(article, "Somebody else's.", author=UserFactory.create(has_page=True))

    response = client.get(url_of(ida))
    page = response.content.decode()

    assert bodies(response) == ["<p>The second.</p>\n", "<p>The first.</p>\n"]
    assert "Ida &lt;b&gt;" in page
    assert f'href="{first.get_absolute_url()}">The slip</a>' in page
    assert '<meta name="robots" content="noindex">' in page
    assert ida.email not in page
    assert "no-store" in response["Cache-Control"]


def test_only_comments_that_readers_can_open(client, ida):
    article, draft, hidden = make_article(), make_article(), make_article()
    removed, waiting = (
        make_comment(article, "Removed.", author=ida),
        make_comment(article, "Waiting.", author=ida),
    )
    make_comment(draft, "Under a draft.", author=ida)
    make_comment(hidden, "Hidden.", author=ida)
    change_states(ids=[removed.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    draft.published_at = None
    draft.save()
    change_discussion(article=hidden, status=Discussion.Status.HIDDEN)
    client.force_login(ida)  # members see on it only what others see
    assert bodies(client.get(url_of(ida))) == []


@pytest.mark.parametrize("fields", [{"has_page": False}, {"is_active": False}])
def test_404_if_switched_off_or_inactive(client, ida, fields):
    assert client.get(url_of(ida)).status_code == 200
    User.objects.update(**fields)
    assert client.get(url_of(ida)).status_code == 404


def test_the_page_is_off_by_default(client):
    assert client.get(url_of(UserFactory.create())).status_code == 404


def test_a_guest_and_an_imported_name_have_no_page_and_no_feed(client, ida):
    article, guest = make_article(), GuestFactory.create(pk=ida.pk, name="Gwen", confirmed_at=timezone.now())
    make_comment(article, "As a guest.", guest=guest)
    Comment.objects.filter(pk=make_comment(article, "Imported.").pk).update(guest=None)
    assert bodies(client.get(url_of(ida))) == []  # the page of the member with the same number
    assert "/people/" not in client.get(article.get_absolute_url()).text
    for url in ("/people/gwen/", f"/people/g{guest.pk}/", "/authors/gwen/", f"{url_of(ida)}feed/"):
        assert client.get(url).status_code == 404


@pytest.mark.parametrize("key", ["0", "999999999999999999", "9999999999999999999", "-1", "x", "1%00"])
def test_an_unknown_member_is_404(client, key):
    assert client.get(f"/people/{key}/").status_code == 404


def test_the_page_is_paged_without_gap_or_repeat_and_bounded(client, ida):
    article = make_article()
    for number in range(2 * PAGE_SIZE + 3):
        make_comment(article, f"Comment {number}.", author=ida)
    seen, url = [], url_of(ida)
    while url:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url)
        assert len(queries) <= 4, [query["sql"] for query in queries]
        seen += bodies(response)
        url = response.context["next_url"]
    assert seen == [f"<p>Comment {n}.</p>\n" for n in reversed(range(2 * PAGE_SIZE + 3))]


def test_a_damaged_cursor_is_404(client, ida):
    assert client.get(url_of(ida), {"before": "nonsense"}).status_code == 404


def test_the_page_is_read_only(client, ida):
    assert client.head(url_of(ida)).content == b""
    assert client.head(url_of(ida)).status_code == 200
    assert client.post(url_of(ida)).status_code == 405
