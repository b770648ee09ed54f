"""The switch between the restored reply structure and the one that was saved."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment
from comments.services.imports import ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.thread import pages
from comments.thread.pages import Order, PageStart, read_page
from comments.thread.reader import Reader
from moderation.actions.decisions import undo
from moderation.reply_structure.decisions import accept
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db

SWITCH = re.compile(r'<nav class="structure" aria-label="Reply structure">.*?</nav>', re.DOTALL)


def story_url(story):
    return story.article.get_absolute_url()


def body(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def thread_of(page):
    """Return the thread's part of a page, without the switch above it."""
    return page[page.index('<div class="thread">') : page.index("</section>")]


def shape(article, order=Order.OLDEST, **options):
    """Return the levels and numbers of the comments of a page."""
    rows = read_page(article, Reader(), order, **options).rows
    numbers = dict(Comment.objects.filter(discussion=article.pk).values_list("pk", "source_number"))
    return [(row.level, numbers[row.id] or row.id) for row in rows]


SAVED = [(0, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (0, 8)]
RESTORED = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (1, 7), (0, 8)]


def test_as_saved_shows_the_original_structure(client, capped, maria):
    url = story_url(capped)
    before = body(client.get(url, {"order": "oldest"}))
    assert not SWITCH.search(before)
    action = accept(article=capped.article, actor=maria)
    restored = body(client.get(url, {"order": "oldest"}))
    saved = body(client.get(url, {"order": "oldest", "replies": "saved"}))
    assert thread_of(restored) != thread_of(before)
    assert thread_of(saved) == thread_of(before)
    assert "replying to <a" in thread_of(restored)
    undo(action=action, actor=maria)
    assert thread_of(body(client.get(url, {"order": "oldest"}))) == thread_of(before)
    assert not SWITCH.search(body(client.get(url)))


def test_the_restored_headings_name_the_answered_author(client, capped, maria):
    accept(article=capped.article, actor=maria)
    page = " ".join(re.sub(r"<[^>]+>", "", body(client.get(story_url(capped)))).split())
    for heading in (
        "Jim, replying to Eben",
        "Safe haven!??, replying to Jim",
        "Jim, replying to Safe haven!??",
    ):
        assert heading in page
    page = " ".join(re.sub(r"<[^>]+>", "", body(client.get(story_url(capped), {"replies": "saved"}))).split())
    assert "Jim, replying to Root" in page
    assert "replying to Eben" not in page


def test_the_switch_links_both_structures_and_the_variant_is_not_indexed(client, capped, maria):
    accept(article=capped.article, actor=maria)
    url = story_url(capped)
    restored, saved = body(client.get(url)), body(client.get(url, {"replies": "saved"}))
    links = [f'href="{url}#comments" rel="nofollow"', 'href="?replies=saved#comments" rel="nofollow"']
    for page, current in ((restored, 0), (saved, 1)):
        switch = SWITCH.search(page)[0]
        assert f'{links[current]} aria-current="true">' in switch
        assert f"{links[1 - current]}>" in switch
    noindex = '<meta name="robots" content="noindex">'
    assert noindex in saved
    assert 'href="order/newest/?replies=saved"' in saved
    answer = client.get(f"{url}order/newest/?replies=saved")
    assert answer.url == f"{url}?order=newest&replies=saved#comments"
    assert client.get(url, {"replies": "other"}).status_code == 404


def test_each_order_sorts_the_saved_structure(capped, maria):
    accept(article=capped.article, actor=maria)
    assert shape(capped.article) == RESTORED
    assert shape(capped.article, is_as_saved=True) == SAVED
    assert shape(capped.article, Order.NEWEST, is_as_saved=True) == [SAVED[-1], *SAVED[:-1]]


def test_replies_written_here_stay_under_their_parents(capped, maria, policy_without_moderation):
    own = make_comment(capped.article, "I am new.", parent=capped.comment(4))
    accept(article=capped.article, actor=maria)
    assert shape(capped.article, is_as_saved=True) == [*SAVED[:4], (2, own.pk), *SAVED[4:]]


def test_a_flat_discussion_is_flat_again(maria):
    article, at = make_article(source_key=str(uuid4())), timezone.now() - timedelta(days=1)
    thread = [
        ImportedComment(str(n), f"Person {n}", f"Words {n}.", at + timedelta(minutes=n), number=n)
        for n in range(1, 5)
    ]
    import_comments(article=article, comments=thread, actor=None, action_id=uuid4())
    first, _second, third, fourth = Comment.objects.filter(discussion=article.pk).order_by("pk")
    move_comment(comment=third, parent=first, actor=maria)
    move_comment(comment=fourth, parent=third, actor=maria)
    assert shape(article) == [(0, 1), (1, 3), (2, 4), (0, 2)]
    assert shape(article, is_as_saved=True) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert shape(article, Order.NEWEST, is_as_saved=True) == [(0, 4), (0, 3), (0, 2), (0, 1)]


def test_a_saved_parent_that_is_not_on_the_page_leaves_the_reply_where_it_is(capped, maria):
    move_comment(comment=capped.comment(4), parent=capped.comment(8), actor=maria)
    assert shape(capped.article, is_as_saved=True) == SAVED  # both trees are on the page
    move_comment(comment=capped.comment(1), parent=capped.comment(4), actor=maria)
    # 1 is a reply of its own saved reply now; saved, it is at the top again.
    assert shape(capped.article, is_as_saved=True) == SAVED


def test_a_page_as_saved_keeps_to_the_budget(capped, maria, monkeypatch):
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", 7)
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 2)
    accept(article=capped.article, actor=maria)
    assert shape(capped.article) == [*RESTORED[:3], RESTORED[-1]], (
        "2 replies of the first tree, and the second"
    )
    assert shape(capped.article, is_as_saved=True) == SAVED[:-1], "all 6 replies, which fill the page"
    page = read_page(capped.article, Reader(), Order.OLDEST, is_as_saved=True)
    assert page.next
    start = PageStart(page.next, is_included=False)
    assert shape(capped.article, start=start, is_as_saved=True) == SAVED[-1:]


def test_the_variant_takes_one_statement_more(client, capped, maria, django_assert_num_queries):
    accept(article=capped.article, actor=maria)
    url = story_url(capped)
    client.get(url)
    with CaptureQueriesContext(connection) as restored:
        client.get(url, {"order": "oldest"})
    with django_assert_num_queries(len(restored) + 1):
        client.get(url, {"order": "oldest", "replies": "saved"})
