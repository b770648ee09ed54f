"""Which updates count as seen: those on the notifications page, and those on a page of their discussion."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.following import seen
from comments.following.mails import notify_followers
from comments.following.update_search import MAX_COUNTED_UPDATES, note_updates
from comments.models import UNDO_WINDOW, Follow, State
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states
from comments.thread.pages import COMMENTS_PER_PAGE, REPLIES_PER_TREE
from tests.comments.following.conftest import follow, reply_to, send_due
from tests.factories import make_article, make_comment
from tests.helpers.waiting import PATIENCE

pytestmark = pytest.mark.django_db
Later = Callable[..., datetime]


def test_notifications_are_counted_and_seen(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article, "replies")
    own = make_comment(article, "Who has seen it?", author=jane)
    reply_to(own, kofi, "I have seen it.")
    later()
    notify_followers()
    assert badge(jane_client) == "1 new"
    page = jane_client.get("/account/notifications/").content.decode()
    assert "I have seen it." in page
    assert "replied to you" in page
    story = jane_client.get(article.get_absolute_url()).content.decode()
    assert " new</span>" not in story  # the page shows the updates
    assert Follow.objects.get().first_unread_at is None
    assert "Nothing new" in jane_client.get("/account/notifications/").content.decode()


def badge(client: Client, url: str = "/") -> str:
    """Return the text of the badge of the account menu."""
    summary = client.get(url).content.decode().partition('<details name="menu" class="account menu">')[2]
    found = re.search(r'<span class="badge accent">(.*?)</span></summary>', summary, re.DOTALL)
    return "" if found is None else re.sub("<[^>]+>", "", found[1])


@pytest.mark.django_db(transaction=True)  # a page's time is that of its transaction
def test_the_badge_counts_updates_and_not_follows(jane_client: Client, article: Article, jane: User) -> None:
    def search() -> None:
        note_updates(timezone.now() + UNDO_WINDOW, ZoneInfo("UTC"))

    other, read = make_article("Another story"), make_article("A story that is read")
    for one in (article, other, read):
        follow(jane, one)
    for _number in range(3):
        make_comment(article)
    make_comment(read)
    search()
    assert badge(jane_client) == "4 new"
    search()  # the search includes the last minutes again
    assert badge(jane_client) == "4 new"
    assert badge(jane_client, read.get_absolute_url()) == "3 new"
    make_comment(article)
    make_comment(other)
    search()
    assert badge(jane_client) == "5 new"
    for _number in range(5):
        make_comment(other)
    search()
    assert badge(jane_client) == "9+ new"
    for _number in range(20):
        make_comment(article)
    search()
    assert Follow.objects.get(article=article).unread_count == MAX_COUNTED_UPDATES
    jane_client.get(article.get_absolute_url())
    assert badge(jane_client) == "6 new"
    assert Follow.objects.get(article=article).unread_count == 0


@pytest.mark.django_db(transaction=True)  # a page's time is that of its transaction
def test_a_page_without_the_last_replies_has_not_shown_all_updates(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    root = make_comment(article, author=kofi)
    for _number in range(REPLIES_PER_TREE + 1):
        reply_to(root, kofi)
    later()
    notify_followers()
    for query in ("", "?order=newest"):
        page = jane_client.get(f"{article.get_absolute_url()}{query}").content.decode()
        assert "Show 1 more reply" in page
        own = Follow.objects.get()
        assert (own.unread_count, bool(own.first_unread_at)) == (1, True), query
        assert badge(jane_client) == "1 new"


@pytest.mark.parametrize("first", [0, 1])
def test_an_answer_is_seen_once_it_is_opened(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later, first: int
) -> None:
    """Answers that the story's page does not show are seen on their own pages, in any order."""
    follow(jane, article, "replies")
    root = make_comment(article, author=kofi)
    for _number in range(REPLIES_PER_TREE + 1):
        reply_to(root, kofi)
    own = make_comment(article, "Who has seen it?", author=jane, parent=root)
    answers = [reply_to(own, kofi, "I have."), reply_to(own, kofi, "Twice.")]
    later()
    notify_followers()
    assert badge(jane_client) == "2 new"
    jane_client.get(article.get_absolute_url())
    assert badge(jane_client) == "2 new"
    opened, other = answers[first], answers[1 - first]
    assert badge(jane_client, opened.get_absolute_url()) == "1 new"
    assert badge(jane_client, opened.get_absolute_url()) == "1 new"
    notify_followers()
    assert badge(jane_client) == "1 new"
    page = jane_client.get("/account/notifications/").content.decode()
    assert other.get_absolute_url() in page
    assert opened.get_absolute_url() not in page
    assert badge(jane_client, other.get_absolute_url()) == ""
    assert "Nothing new" in jane_client.get("/account/notifications/").content.decode()


@pytest.mark.django_db(transaction=True)  # comments of one transaction have the same time
def test_only_comments_after_the_first_unread_one_are_stored_as_seen(
    jane_client: Client,
    article: Article,
    jane: User,
    kofi: User,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seen, "OVERLAP", timedelta(0))
    follow(jane, article)
    root = make_comment(article, author=kofi)
    for _number in range(REPLIES_PER_TREE):
        reply_to(root, kofi)
    first, second, third = [reply_to(root, kofi) for _number in range(3)]
    later()
    notify_followers()
    for opened, stored in ((second, [second.pk]), (article, [second.pk]), (first, []), (third, [])):
        jane_client.get(opened.get_absolute_url())
        assert Follow.objects.get().seen_comments == stored
    assert Follow.objects.get().unread_count == 0


def test_a_page_of_the_newest_comments_leaves_the_earlier_ones_unread(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    first, *_others = [make_comment(article, author=kofi) for _number in range(COMMENTS_PER_PAGE + 1)]
    later()
    notify_followers()
    before = Follow.objects.get()
    page = jane_client.get(f"{article.get_absolute_url()}?order=newest").content.decode()
    assert f'id="comment-{first.pk}"' not in page
    own = Follow.objects.get()
    assert (own.seen_at, own.first_unread_at, own.unread_count) == (
        before.seen_at,
        before.first_unread_at,
        MAX_COUNTED_UPDATES,
    )
    assert badge(jane_client) == "9+ new"


def test_both_are_mailed_though_one_was_opened(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    root = make_comment(article, author=kofi)
    for _number in range(REPLIES_PER_TREE + 1):
        last = reply_to(root, kofi)
    later()
    notify_followers()
    jane_client.get(last.get_absolute_url())
    assert Follow.objects.get().seen_comments == [root.pk, last.pk]  # the page shows both
    (message,) = send_due()
    assert message.subject == f"{REPLIES_PER_TREE + 2} new comments on “The slip closes”"


@pytest.mark.django_db(transaction=True)  # a page's time is that of its transaction
def test_a_comment_read_at_once_is_no_update_later_but_is_mailed(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    make_comment(article, author=kofi)
    jane_client.get(article.get_absolute_url())
    later()
    notify_followers()
    assert badge(jane_client) == ""
    assert len(send_due()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["", "?order=oldest"])
@pytest.mark.parametrize("is_noted", [True, False])
def test_a_comment_that_is_committed_after_the_page_is_unread(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later, query: str, is_noted: bool
) -> None:
    """It is dated before the page, with the start of its transaction."""
    follow(jane, article)
    shown = make_comment(article, author=kofi)
    if is_noted:
        note_updates(timezone.now() + UNDO_WINDOW, ZoneInfo("UTC"))
    with transaction.atomic():
        missing = make_comment(article, author=kofi)
        page = read_beside(jane_client, f"{article.get_absolute_url()}{query}")
        assert f'id="comment-{shown.pk}"' in page
        assert f'id="comment-{missing.pk}"' not in page
    later()
    notify_followers()
    assert badge(jane_client) == "1 new"
    notifications = jane_client.get("/account/notifications/").content.decode()
    assert missing.get_absolute_url() in notifications
    assert shown.get_absolute_url() not in notifications
    assert badge(jane_client, article.get_absolute_url()) == ""


@pytest.mark.django_db(transaction=True)
def test_a_reply_that_is_committed_after_the_page_of_another_is_unread(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    root = make_comment(article, author=kofi)
    last = [reply_to(root, kofi) for _number in range(REPLIES_PER_TREE + 1)][-1]
    note_updates(timezone.now() + UNDO_WINDOW, ZoneInfo("UTC"))
    assert badge(jane_client, article.get_absolute_url()) == "1 new"
    with transaction.atomic():
        missing = reply_to(root, kofi)
        assert f'id="comment-{missing.pk}"' not in read_beside(jane_client, last.get_absolute_url())
    assert badge(jane_client) == ""
    later()
    notify_followers()
    assert badge(jane_client) == "1 new"
    assert missing.get_absolute_url() in jane_client.get("/account/notifications/").content.decode()


def read_beside(client: Client, url: str) -> str:
    """Return a page that another connection reads while this one has a transaction open."""

    def read() -> HttpResponse:
        try:
            return client.get(url)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as reader:
        return reader.submit(read).result(timeout=PATIENCE).content.decode()


def test_a_removed_comment_is_not_counted_any_more(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article)
    gone, _kept = make_comment(article, author=kofi), make_comment(article, author=kofi)
    later()
    notify_followers()
    change_states(ids=[gone.pk], to=State.REJECTED, reason="other", actor=None)
    assert badge(jane_client) == "2 new"
    assert badge(jane_client, "/account/notifications/") == "1 new"
    assert badge(jane_client) == "1 new"


def test_a_prefetched_page_was_not_seen(
    jane_client: Client, article: Article, jane: User, later: Later
) -> None:
    follow(jane, article)
    make_comment(article)
    later()
    notify_followers()
    jane_client.get(article.get_absolute_url(), headers={"Sec-Purpose": "prefetch"})
    jane_client.head(article.get_absolute_url())
    assert Follow.objects.get().first_unread_at


def test_all_are_marked_as_read(jane_client: Client, article: Article, jane: User, later: Later) -> None:
    follow(jane, article)
    make_comment(article)
    later()
    notify_followers()
    page = jane_client.get("/account/notifications/").content.decode()
    shown = dict(re.findall(r'<input type="hidden" name="(until|follows)" value="([^"]+)">', page))
    other = follow(jane, make_article("Another story"), first_unread_at=timezone.now())  # after the page
    jane_client.post("/account/notifications/", shown)
    assert list(Follow.objects.unread()) == [other]


def test_what_the_page_did_not_show_stays_unread(
    jane_client: Client, article: Article, jane: User, kofi: User, later: Later
) -> None:
    followed = follow(jane, article)
    make_comment(article, "The first one.", author=kofi)
    time_of_page = timezone.now()
    make_comment(article, "A later one.", author=kofi)
    later()
    notify_followers()
    due_at = Follow.objects.get().due_at
    shown = {"follows": str(followed.pk), "until": time_of_page.isoformat()}
    jane_client.post("/account/notifications/", shown)
    (left,) = Follow.objects.unread()
    assert (left.unread_count, left.due_at, left.mailed_at) == (1, due_at, time_of_page)
    page = jane_client.get("/account/notifications/").content.decode()
    assert "A later one." in page
    assert "The first one." not in page
    assert len(send_due()) == 1


def test_a_large_discussion_is_not_seen_by_opening_its_first_page(
    jane_client: Client, article: Article, jane: User, later: Later
) -> None:
    follow(jane, article)
    comment = make_comment(article)
    at = timezone.now() - timedelta(days=1)
    others = [ImportedComment(str(n), "Ann", f"Text {n}.", at) for n in range(COMMENTS_PER_PAGE + 1)]
    import_comments(article=article, comments=others, actor=None, action_id=uuid4())
    later()
    notify_followers()
    jane_client.get(article.get_absolute_url())
    jane_client.get(comment.get_absolute_url())
    assert Follow.objects.get().first_unread_at


def test_a_mail_is_sent_although_the_page_was_opened(
    jane_client: Client, article: Article, jane: User, later: Later
) -> None:
    follow(jane, article)
    make_comment(article)
    later()
    notify_followers()
    jane_client.get(article.get_absolute_url())
    assert Follow.objects.get().first_unread_at is None
    assert len(send_due()) == 1
