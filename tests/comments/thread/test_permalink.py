"""/stories/<slug>/comments/<pk>/: the permalink of a comment, or why it was removed."""

import re
from html import unescape

import pytest

from comments.models import MAX_DEPTH, Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states, delete_comment
from comments.thread.pages import COMMENTS_PER_PAGE, MAX_COUNTED_REPLIES, REPLIES_PER_TREE, Order
from tests.comments.thread.helpers import ids, levels
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import import_thread, remove, set_pending

pytestmark = pytest.mark.django_db


def link(article, pk) -> str:
    return f"{article.get_absolute_url()}comments/{pk}/"


def test_a_comment_on_the_first_page_is_shown_there(client):
    article = make_article()
    root = make_comment(article)
    answer = make_comment(article, parent=root)
    response = client.get(link(article, answer.pk))
    assert (response.status_code, response["Location"]) == (
        302,
        f"{article.get_absolute_url()}#comment-{answer.pk}",
    )
    assert response["Cache-Control"] == "public, no-cache, max-age=0"
    assert client.post(link(article, answer.pk)).status_code == 405


def test_a_reply_far_down_has_a_page_of_its_branch(client):
    article = make_article()
    root, *replies = import_thread(article, 1, REPLIES_PER_TREE + 5)
    page = client.get(link(article, replies[-1])).content.decode()
    assert levels(page) == [(root, 1), (replies[-1], 2)]
    assert f'id="comment-{replies[-1]}" class="focus"' in page
    assert f'href="../../comments/{replies[-1]}/"' in page
    assert f"{article.get_absolute_url()}#comments" in page
    assert 'content="noindex"' in page


def test_a_comment_of_a_later_page_is_shown_with_its_replies(client):
    article = make_article()
    created = import_thread(article, COMMENTS_PER_PAGE, 1)
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    *_, root, reply = created
    page = client.get(link(article, root)).content.decode()
    assert levels(page) == [(root, 1), (reply, 2)]


@pytest.mark.parametrize("order", Order.values)
def test_every_comment_of_any_page_is_found_in_its_place(client, order):
    """Each permalink leads to the comment, and so does "View in thread" on its own page."""
    article = make_article()
    big = import_thread(article, COMMENTS_PER_PAGE + 40)
    root = Comment.objects.get(pk=big[100])
    replies = [make_comment(article, parent=root) for _ in range(REPLIES_PER_TREE + 3)]
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    client.cookies["order"] = order
    first_page = ids(client.get(article.get_absolute_url()).content.decode())

    for pk in [*big[::40], big[-1], root.pk, *(reply.pk for reply in replies[:: REPLIES_PER_TREE + 2])]:
        response = client.get(link(article, pk))
        if pk in first_page:
            assert response["Location"] == f"{article.get_absolute_url()}#comment-{pk}"
            continue
        page = response.content.decode()
        assert f'id="comment-{pk}" class="focus"' in page
        target = unescape(re.search(r'href="([^"]*)">View in thread', page)[1])
        assert target.endswith(f"#comment-{pk}")
        shown = ids(client.get(target).content.decode())
        assert pk in shown
        is_in_story = "/comments/" not in target
        assert is_in_story == (pk != replies[-1].pk)
        assert shown[0] == (root.pk if pk in {reply.pk for reply in replies} else pk)


def test_the_position_of_comments_that_only_their_author_sees(client):
    article, author = make_article(), UserFactory.create()
    import_thread(article, COMMENTS_PER_PAGE + 5)
    waiting = make_comment(article, author=author)
    set_pending(waiting)
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    client.force_login(author)
    page = client.get(link(article, waiting.pk)).content.decode()
    target = unescape(re.search(r'href="([^"]*)">View in thread', page)[1])
    assert ids(client.get(target).content.decode()) == [waiting.pk]


def test_the_link_to_the_answered_comment_opens_the_page_that_has_it(client):
    """On the last page of a long tree, the parent of a reply at the deepest level is on an earlier page."""
    article = make_article()
    line = [make_comment(article)]
    for _ in range(MAX_DEPTH - 1):
        line.append(make_comment(article, parent=line[-1]))
    beside = [make_comment(article, parent=line[-1]) for _ in range(2)]
    root = link(article, line[0].pk)
    page = client.get(f"{root}?after={beside[0].pk}").content.decode()
    assert ids(page)[-1] == beside[1].pk
    assert line[-1].pk not in ids(page)
    assert f'href="../../comments/{line[-1].pk}/"><bdi>{line[-1].author_name}</bdi></a>' in page
    assert f'href="#comment-{line[5].pk}"><bdi>' in page


def test_show_more_replies_goes_through_a_long_tree_without_hole_or_repeat(client):
    article = make_article()
    root, *replies = import_thread(article, 1, 600)
    page = client.get(article.get_absolute_url()).content.decode()
    seen, base = ids(page), article.get_absolute_url()

    for _ in range(3):
        more = re.search(r'class="more" href="(?:../../)?([^"]*)">Show (\d+) more', page)
        assert int(more[2]) == len(replies) + 1 - len(seen)
        page = client.get(base + more[1]).content.decode()
        first, last_seen, *new = ids(page)
        assert (first, last_seen) == (root, seen[-1]), "where it goes on is said"
        seen += new

    assert seen == [root, *replies]
    assert 'class="more"' not in page


def test_the_count_of_replies_in_a_long_tree_is_bounded(client):
    article = make_article()
    root, *replies = import_thread(article, 1, COMMENTS_PER_PAGE + MAX_COUNTED_REPLIES + 100)
    page = client.get(f"{link(article, root)}?after={replies[9]}").content.decode()
    assert len(ids(page)) == 2 + COMMENTS_PER_PAGE
    assert f"Show {MAX_COUNTED_REPLIES} more" in page
    page = client.get(f"{link(article, root)}?after={replies[199]}").content.decode()
    assert f"Show {len(replies) - 200 - COMMENTS_PER_PAGE} more" in page


def test_a_deep_reply_is_shown_with_its_ancestors(client):
    article = make_article()
    line = [make_comment(article)]
    for _ in range(REPLIES_PER_TREE + 4):
        line.append(make_comment(article, parent=line[-1]))
    page = client.get(link(article, line[-1].pk)).content.decode()
    assert levels(page) == [(c.pk, n + 1) for n, c in enumerate(line)]


@pytest.mark.parametrize(
    ("to", "reason", "what"),
    [
        (State.REJECTED, Reason.INSULT, "Removed by a moderator: insult"),
        (State.REJECTED, Reason.OTHER, "Removed by a moderator."),
        (State.SPAM, Reason.SPAM, "Removed by a moderator: spam"),
        (State.DELETED, Reason.IMPORT_UNDONE, "Import undone"),
    ],
)
@pytest.mark.parametrize("is_answered", [True, False])
def test_a_removed_comment_answers_410_with_the_reason(client, to, reason, what, is_answered):
    article = make_article()
    comment = make_comment(article, "Loud words.")
    if is_answered:
        make_comment(article, parent=comment)
    if reason == Reason.IMPORT_UNDONE:
        Discussion.objects.update(imported_count=1)  # the discussion counts as imported
    remove(comment, to, reason)

    response = client.get(link(article, comment.pk))

    page = response.content.decode()
    assert response.status_code == 410
    assert what in page
    assert "Loud words" not in page
    assert comment.author_name not in page
    assert article.get_absolute_url() + (f"#comment-{comment.pk}" if is_answered else "#comments") in page


def test_a_deleted_comment_is_gone_for_its_author_as_well(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, "Rash words.", author=author)
    delete_comment(comment=comment, user=author, guest=None)
    client.force_login(author)
    response = client.get(link(article, comment.pk))
    assert response.status_code == 410
    assert "Deleted by its author." in response.content.decode()
    assert "Rash words" not in response.content.decode()


def test_a_pending_comment_is_404_for_others(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, author=author)
    set_pending(comment)
    assert client.get(link(article, comment.pk)).status_code == 404
    client.force_login(UserFactory.create())
    assert client.get(link(article, comment.pk)).status_code == 404

    for allowed in (author, UserFactory.create(roles=("Moderator",))):
        client.force_login(allowed)
        assert client.get(link(article, comment.pk))["Location"].endswith(f"#comment-{comment.pk}")


def test_the_author_and_moderators_are_redirected_to_a_removed_comment(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, "Loud words.", author=author)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    client.force_login(author)
    page = client.get(link(article, comment.pk), follow=True).content.decode()
    assert "Removed by a moderator: insult. You wrote it." in page
    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert ids(client.get(link(article, comment.pk)).content.decode()) == [comment.pk]


def test_moderators_see_the_place_of_a_removed_reply(client):
    article = make_article()
    root = make_comment(article, "A word.")
    reply = make_comment(article, "Loud words.", parent=root)
    change_states(ids=[reply.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    client.force_login(UserFactory.create(roles=("Moderator",)))
    response = client.get(link(article, reply.pk))
    assert reply.pk in ids(response.content.decode())
    assert "Removed by a moderator: insult" in response.content.decode()


@pytest.mark.parametrize("query", ["x", "-1", "0", str(2**63), "1%00", "²"])
def test_a_bad_cursor_is_404(client, query):
    article = make_article()
    comment, other = make_comment(article), make_comment(article)
    assert client.get(link(article, comment.pk) + f"?after={query}").status_code == 404
    assert client.get(link(article, comment.pk) + f"?after={other.pk}").status_code == 404


def test_a_comment_of_another_story_is_not_found(client):
    comment = make_comment(make_article())
    for url in (
        link(make_article("Another"), comment.pk),
        link(comment.discussion.article, comment.pk + 1),
        link(comment.discussion.article, 2**63),
    ):
        assert client.get(url).status_code == 404


def test_the_statements_do_not_grow_with_the_branch(client, django_assert_num_queries):
    for title, replies in (("Short", REPLIES_PER_TREE + 3), ("Long", 300)):
        article = make_article(title)
        _, *made = import_thread(article, 1, replies)
        with django_assert_num_queries(6):
            assert client.get(link(article, made[-1])).status_code == 200
