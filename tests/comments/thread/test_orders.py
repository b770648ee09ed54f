"""/stories/<slug>/?order= and /stories/<slug>/order/<order>/: the four orders and their pages."""

import re
from html import unescape

import pytest
from django.conf import settings

from comments.models import Comment, Discussion
from comments.services.discussions import change_discussion
from comments.services.recommendations import recommend
from comments.tasks import count_recommendations
from comments.thread.pages import COMMENTS_PER_PAGE, Order, ThreadCursor
from tests.comments.thread.helpers import BAD_CURSORS, ids, read
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import import_thread, remove, set_pending

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread():
    """Return an article with three top-level comments: the second has replies, the third is recommended."""
    article = make_article()
    first, second, third = make_comment(article), make_comment(article), make_comment(article)
    answer = make_comment(article, parent=second)
    make_comment(article, parent=answer)
    make_comment(article, parent=first)
    for _ in range(2):
        recommend(comment=third, user=UserFactory.create(), is_given=True)
    recommend(comment=first, user=UserFactory.create(), is_given=True)
    count_recommendations.func()
    return article, [first.pk, second.pk, third.pk]


def roots(markup: str) -> list[int]:
    found = ids(markup)
    return [pk for pk in found if pk in set(Comment.objects.filter(parent=None).values_list("pk", flat=True))]


@pytest.mark.parametrize(
    ("order", "places"),
    [("newest", [2, 1, 0]), ("oldest", [0, 1, 2]), ("recommended", [2, 0, 1]), ("discussed", [1, 0, 2])],
)
def test_top_level_comments_are_in_the_requested_order(client, thread, order, places):
    article, made = thread
    page = read(client, article, f"?order={order}")
    assert roots(page) == [made[n] for n in places]
    assert re.search(rf'href="order/{order}/" aria-current="true"', page)
    assert page.count("aria-current") - page.count('aria-current="page"') == 1


def test_an_open_discussion_has_the_newest_first_and_a_closed_one_the_oldest(client, thread):
    article, made = thread
    replies = [make_comment(article, parent=Comment.objects.get(pk=made[0])).pk for _ in range(2)]
    page = read(client, article)
    assert roots(page) == made[::-1]
    assert [pk for pk in ids(page) if pk in replies] == replies  # the oldest first, in both

    change_discussion(article=article, status=Discussion.Status.CLOSED)
    page = read(client, article)
    assert roots(page) == made
    assert [pk for pk in ids(page) if pk in replies] == replies


def test_a_single_comment_has_no_choice_of_orders(client):
    article = make_article()
    make_comment(article)
    assert 'href="order/' not in read(client, article)


@pytest.mark.parametrize("order", Order.values)
def test_pages_of_each_order_follow_one_another_without_hole_or_repeat(client, order):
    article = make_article()
    import_thread(article, COMMENTS_PER_PAGE + 60)
    for n, pk in enumerate(Comment.objects.values_list("pk", flat=True)):
        Comment.objects.filter(pk=pk).update(recommend_count=n % 3, reply_count=0)
    first = read(client, article, f"?order={order}")
    following = unescape(re.search(r'class="more" href="([^"#]*)#comments" rel="next', first)[1])
    second = read(client, article, following)

    assert len(ids(first)) == COMMENTS_PER_PAGE
    assert len(ids(second)) == 60
    assert len({*ids(first), *ids(second)}) == COMMENTS_PER_PAGE + 60
    assert "Back to the start" in second
    assert f'href="?order={order}#comments"' in second
    assert "Back to the start" not in first
    assert 'rel="next' not in second


@pytest.mark.parametrize("order", list(Order))
def test_a_page_can_start_at_a_position_or_after_it(client, thread, order):
    article, _ = thread
    everything = roots(read(client, article, f"?order={order}"))
    middle = Comment.objects.get(pk=everything[1])
    key = {"recommended": middle.recommend_count, "discussed": middle.reply_count}
    cursor = ThreadCursor.of(key.get(order.value, middle.created_at), middle.pk)

    assert roots(read(client, article, f"?order={order}&from={cursor}")) == everything[1:]
    assert roots(read(client, article, f"?order={order}&after={cursor}")) == everything[2:]
    assert roots(read(client, article, f"?order={order}&after={cursor}&from=x")) == everything[2:]


@pytest.mark.parametrize("key", ["after", "from"])
@pytest.mark.parametrize("cursor", [*BAD_CURSORS, "%00.1", "x" * 10_000, "9" * 10_000 + ".1", "١.١"])
@pytest.mark.parametrize("order", ["newest", "discussed"])
def test_an_invalid_cursor_is_404(client, key, cursor, order):
    read(client, make_article(), f"?order={order}&{key}={cursor}", status=404)


@pytest.mark.parametrize("order", ["", "NEWEST", "x" * 10_000, "%00", "-1", str(2**63), "newest&order=best"])
def test_an_invalid_order_is_404(client, order):
    read(client, make_article(), f"?order={order}", status=404)


@pytest.mark.parametrize(
    "query", ["?page=-1", "?utm_source=x", "?" + "a=1&" * 50, "?order=best&order=newest", "?%00=%00"]
)
def test_unknown_parameters_are_ignored(client, query):
    article = make_article()
    comment = make_comment(article)
    assert ids(read(client, article, query)) == [comment.pk]


def test_the_chosen_order_is_remembered_on_every_story(client, thread):
    article, made = thread
    response = client.get(f"{article.get_absolute_url()}order/discussed/")
    assert (response.status_code, response["Location"]) == (
        302,
        f"{article.get_absolute_url()}?order=discussed#comments",
    )
    cookie = response.cookies["order"]
    assert (cookie.value, cookie["samesite"], cookie["max-age"]) == ("discussed", "Lax", 365 * 24 * 3600)

    assert roots(read(client, article))[0] == made[1]
    assert roots(read(client, article, "?order=oldest"))[0] == made[0], "what the URL says comes first"
    other = make_article("Another")
    assert 'href="order/discussed/"' not in read(client, other)
    make_comment(other)
    make_comment(other)
    assert 'href="order/discussed/" aria-current' in read(client, other)


@pytest.mark.parametrize("remembered", ["best", "", "x" * 5000, "newest; DROP"])
def test_a_forged_order_cookie_is_ignored(client, remembered):
    article = make_article()
    first, second = make_comment(article), make_comment(article)
    client.cookies["order"] = remembered
    assert ids(read(client, article)) == [second.pk, first.pk]


def test_methods_and_unknown_orders_are_refused(client):
    article = make_article()
    assert client.post(f"{article.get_absolute_url()}order/newest/").status_code == 405
    assert client.get(f"{article.get_absolute_url()}order/best/").status_code == 404


@pytest.mark.parametrize(
    ("query", "is_indexed", "canonical"),
    [
        ("", True, ""),
        ("?utm_source=x", True, ""),
        ("?order=newest", False, ""),
        ("?after=1.1&utm_source=x", False, "?order=newest&amp;after=1.1"),
        ("?from=1.1&order=oldest", False, "?order=oldest&amp;from=1.1"),
    ],
)
def test_only_the_story_itself_is_for_search_engines(client, query, is_indexed, canonical):
    article = make_article()
    page = read(client, article, query)
    assert ('content="noindex"' not in page) is is_indexed
    assert f'rel="canonical" href="{settings.SITE_URL}{article.get_absolute_url()}{canonical}"' in page


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("role", ["Reader", "Moderator"])
def test_comments_visible_only_to_this_reader_are_placed_in_each_order(client, order, role):
    article, author = make_article(), UserFactory.create()
    first = make_comment(article)
    waiting = make_comment(article, "Let me in.", author=author)
    removed = make_comment(article, "Loud words.")
    hung = make_comment(article, "Below.", parent=removed, author=author)
    last = make_comment(article)
    set_pending(waiting, hung)
    remove(removed)
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    client.force_login(author if role == "Reader" else UserFactory.create(roles=(role,)))

    page = read(client, article, f"?order={order}")

    up = [first.pk, waiting.pk, removed.pk, hung.pk, last.pk]
    down = [last.pk, removed.pk, hung.pk, waiting.pk, first.pk]
    assert ids(page) == (up if order == Order.OLDEST else down)
    assert "Loud words." not in page
