"""Drafts of members, stored on the site and in the browser, and drafts of guests, in the browser only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from articles.models import Article
from comments.models import MAX_IMPORTED_BODY_LENGTH, Comment, CommentDraft, Discussion, State
from comments.policy import Submission
from comments.services.drafts import DRAFT_RETENTION, MAX_DRAFTS, delete_old_comment_drafts, save_draft
from comments.services.posting import post_comment
from comments.services.states import change_states
from tests.comments.views.helpers import url
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy_without_moderation")]

TEXT = "The boat was late.\n\nIt was wet, too."
PAUSE = 2_100  # milliseconds without a key, after which static/js/format.js saves a draft


@pytest.fixture
def ida(db: None) -> User:
    return UserFactory.create(name="Ida")


def save(client: Client, article: Article, parent: Comment | None = None, body: str = TEXT) -> HttpResponse:
    return client.post(url(article, parent), {"body": body, "nonce": uuid4(), "draft": "1"})


def page_of(client: Client, article: Article) -> str:
    return client.get(article.get_absolute_url()).content.decode()


def test_a_draft_is_offered_on_another_device(ida_client: Client, article: Article, ida: User) -> None:
    first = make_comment(article, "When?")
    assert "You have a draft" not in page_of(ida_client, article)
    assert save(ida_client, article, first).status_code == 204
    elsewhere = client_of(ida)
    for _time in range(2):  # the second one is made from parts that are stored
        page = page_of(elsewhere, article)
        assert "You have a draft from" in page
        assert f'<a class="btn" href="{url(article, first)}" rel="nofollow">Continue</a>' in page
    form = elsewhere.get(url(article, first)).content.decode()
    assert f">\n{TEXT}</textarea>" in form
    assert TEXT not in elsewhere.get(url(article)).content.decode()
    assert not Comment.objects.exclude(pk=first.pk).exists()


def test_drafts_are_visible_only_to_their_author(
    ida_client: Client, article: Article, emil: User, maria: User
) -> None:
    save(ida_client, article)
    for other in (Client(), client_of(UserFactory.create()), client_of(emil), client_of(maria)):
        assert "You have a draft" not in page_of(other, article)
        assert "The boat was late." not in other.get(url(article)).content.decode()
    other.post(url(article), {"discard": "1"})
    assert CommentDraft.objects.count() == 1


def test_staff_get_their_own_draft(article: Article, emil: User) -> None:
    client = client_of(emil)
    save(client, article)
    assert "You have a draft from" in page_of(client, article)


def test_a_preview_stores_the_draft(ida_client: Client, article: Article) -> None:
    ida_client.post(
        url(article), {"body": TEXT.replace("\n", "\r\n"), "nonce": uuid4(), "preview": "Preview"}
    )
    assert CommentDraft.objects.get().body == TEXT


def test_posting_deletes_the_draft(ida_client: Client, article: Article) -> None:
    save(ida_client, article)
    nonce = uuid4()
    ida_client.post(url(article), {"body": TEXT, "nonce": nonce})
    assert not CommentDraft.objects.exists()
    late = {"body": TEXT, "nonce": nonce, "draft": "1"}  # this request was sent before the comment was posted
    assert ida_client.post(url(article), late).status_code == 204
    assert not CommentDraft.objects.exists()


def test_posting_deletes_a_draft_that_was_saved_meanwhile(
    ida_client: Client, article: Article, ida: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first draft of a form may be saved after the request that posts it has read the drafts."""
    first, nonce = make_comment(article), uuid4()
    save(ida_client, article)

    def save_and_post(submission: Submission, **values: Any) -> Comment:
        save_draft(user=ida, article=article, parent=first, body=TEXT, nonce=nonce)
        return post_comment(submission, **values)

    monkeypatch.setattr("comments.views.writing.post_comment", save_and_post)
    assert ida_client.post(url(article, first), {"body": TEXT, "nonce": nonce}).status_code == 302
    assert CommentDraft.objects.get().parent is None  # that of the other form stays


def test_a_draft_is_discarded(ida_client: Client, article: Article) -> None:
    save(ida_client, article)
    response = ida_client.post(url(article), {"discard": "1"})
    assert response.url == f"{article.get_absolute_url()}#comments"
    assert not CommentDraft.objects.exists()


def test_the_newest_draft_of_a_discussion_is_offered(ida_client: Client, article: Article) -> None:
    first = make_comment(article)
    save(ida_client, article)
    save(ida_client, article, first, "To you.")
    assert f'href="{url(article, first)}" rel="nofollow">Continue' in page_of(ida_client, article)
    save(ida_client, article, body="To all.")
    assert f'href="{url(article)}" rel="nofollow">Continue' in page_of(ida_client, article)
    assert set(CommentDraft.objects.values_list("parent", "body")) == {
        (None, "To all."),
        (first.pk, "To you."),
    }
    save(ida_client, article, body=" ")  # everything was deleted
    assert CommentDraft.objects.get().body == "To you."


@pytest.mark.parametrize("obstacle", ["closed", "removed"])
def test_a_draft_can_be_read_when_it_can_not_be_posted(
    ida_client: Client, article: Article, obstacle: str
) -> None:
    first = make_comment(article)
    save(ida_client, article, first)
    if obstacle == "closed":
        Discussion.objects.update(status="closed")
    else:
        change_states(ids=[first.pk], to=State.REJECTED, reason="other", actor=None)
    assert f">\n{TEXT}</textarea>" in ida_client.get(url(article, first)).content.decode()
    response = ida_client.post(url(article, first), {"body": TEXT, "nonce": uuid4()})
    assert response.status_code == 422
    assert f">\n{TEXT}</textarea>" in response.content.decode()
    assert CommentDraft.objects.exists()


def test_a_guest_stores_nothing(client: Client, article: Article) -> None:
    assert save(client, article).status_code == 422
    client.post(url(article), {"body": TEXT, "nonce": uuid4(), "preview": ""})
    assert not CommentDraft.objects.exists()


def test_texts_of_any_length_are_kept(ida_client: Client, article: Article) -> None:
    save(ida_client, article, body="x" * 60_000)
    assert len(CommentDraft.objects.get().body) == 60_000


def test_a_member_has_only_so_many_drafts(ida_client: Client, article: Article, ida: User) -> None:
    first = make_comment(article)
    stories = Article.objects.bulk_create(
        Article(title="A", slug=f"a-{n}", body="A", body_html="A") for n in range(MAX_DRAFTS - 2)
    )
    CommentDraft.objects.bulk_create(CommentDraft(user=ida, article=story, body="A") for story in stories)
    assert save(ida_client, article).status_code == 204
    assert save(ida_client, article, first).status_code == 204
    assert save(ida_client, make_article("Another")).status_code == 409
    for parent in (None, first):
        assert save(ida_client, article, parent, "A later text.").status_code == 204
    assert CommentDraft.objects.count() == MAX_DRAFTS
    assert CommentDraft.objects.filter(body="A later text.").count() == 2


def test_a_text_that_is_too_long_to_be_stored_is_refused(ida_client: Client, article: Article) -> None:
    save(ida_client, article)
    assert save(ida_client, article, body="x" * (MAX_IMPORTED_BODY_LENGTH + 1)).status_code == 409
    assert CommentDraft.objects.get().body == TEXT


def test_old_drafts_are_deleted(article: Article, ida: User) -> None:
    at = timezone.now() - DRAFT_RETENTION
    CommentDraft.objects.create(user=ida, article=article, body="A", at=at - timedelta(minutes=1))
    CommentDraft.objects.create(
        user=UserFactory.create(), article=article, body="B", at=at + timedelta(hours=1)
    )
    assert delete_old_comment_drafts() == 1
    assert CommentDraft.objects.get().body == "B"


# In a browser


def open_phone(browser: Browser, live_server: LiveServer, user: User | None = None, **options: Any) -> Page:
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True, **options)
    context.clock.install()
    if user:
        log_in(context, live_server, user)
    return context.new_page()


def write(page: Page, live_server: LiveServer, article: Article, text: str) -> None:
    """Write in the form above the thread."""
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".compose > a").click()
    page.get_by_label("Your comment").press_sequentially(text)


@contextmanager
def saved(page: Page, status: int = 204) -> Iterator[None]:
    """Advance the clock by the pause before a draft is saved, and wait for the response with this status."""
    with page.expect_response(lambda response: response.status == status):
        yield
        page.locator(".reply-form .tools").wait_for()  # the script that saves has started
        page.clock.run_for(PAUSE)


@pytest.mark.browser
def test_a_text_is_continued_on_another_device(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    phone = open_phone(browser, live_server, ida)
    with saved(phone):
        write(phone, live_server, article, "Seen from the pier")
    laptop = open_phone(browser, live_server, ida)
    laptop.goto(live_server.url + article.get_absolute_url())
    notice = laptop.locator(".draft")
    expect(notice).to_contain_text("You have a draft from")
    assert faults(laptop) == []
    notice.get_by_role("link", name="Continue").click()
    field = laptop.get_by_label("Your comment")
    expect(field).to_have_value("Seen from the pier")
    expect(field).to_be_focused()
    expect(notice).to_have_count(0)
    with saved(laptop):
        field.press_sequentially(".")  # at the end
    phone.reload()  # the browser's own text is older
    expect(phone.get_by_label("Your comment")).to_have_value("Seen from the pier.")
    phone.get_by_role("button", name="Post comment").click()
    expect(phone.locator(".thread article")).to_have_count(1)
    laptop.goto(live_server.url + "/")
    laptop.goto(live_server.url + article.get_absolute_url())
    expect(laptop.locator(".thread article")).to_have_count(1)
    expect(laptop.locator(".draft")).to_have_count(0)
    phone.context.close()
    laptop.context.close()


@pytest.mark.browser
def test_without_scripts_a_draft_is_continued_and_discarded(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    page = open_phone(browser, live_server, ida, java_script_enabled=False)
    page.goto(live_server.url + url(article))
    page.get_by_label("Your comment").fill(TEXT)
    page.get_by_role("button", name="Preview").click()
    page.goto(live_server.url + article.get_absolute_url())
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_label("Your comment")).to_have_value(TEXT)
    page.go_back()
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(".draft")).to_have_count(0)
    page.goto(live_server.url + url(article))
    expect(page.get_by_label("Your comment")).to_have_value("")
    page.context.close()


@pytest.mark.browser
def test_a_guests_draft_stays_through_reloads_and_logging_in(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    page = open_phone(browser, live_server)
    write(page, live_server, article, "As a guest")
    page.reload()
    expect(page.get_by_label("Your comment")).to_have_value("As a guest")
    log_in(page.context, live_server, ida)
    with saved(page):
        page.reload()
    expect(page.get_by_label("Your comment")).to_have_value("As a guest")
    assert CommentDraft.objects.get().user == ida
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("is_member", [True, False])
def test_after_cancel_a_draft_is_offered(
    browser: Browser, live_server: LiveServer, article: Article, ida: User, is_member: bool
) -> None:
    page = open_phone(browser, live_server, ida if is_member else None)
    if is_member:
        with saved(page):
            write(page, live_server, article, "For later")
    else:
        write(page, live_server, article, "For later")
    page.get_by_role("link", name="Cancel").click()
    for _visit in range(2):
        page.goto(live_server.url + article.get_absolute_url())
        notice = page.locator(".draft")
        expect(notice).to_contain_text("You have a draft")
        expect(page.get_by_label("Your comment")).to_have_count(0)
    assert faults(page) == []
    notice.get_by_role("link", name="Continue").click()
    expect(page.get_by_label("Your comment")).to_have_value("For later")
    expect(notice).to_have_count(0)
    page.get_by_role("link", name="Cancel").click()
    page.reload()
    notice.get_by_role("button", name="Discard").click()
    expect(notice).to_have_count(0)
    page.locator(".compose > a").click()
    expect(page.get_by_label("Your comment")).to_have_value("")
    assert not CommentDraft.objects.exists()
    page.context.close()


@pytest.mark.browser
def test_a_draft_that_was_posted_elsewhere_does_not_return(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    phone = open_phone(browser, live_server, ida)
    with saved(phone):
        write(phone, live_server, article, "Posted")
    assert client_of(ida).post(url(article), {"body": "Posted", "nonce": uuid4()}).status_code == 302
    phone.reload()
    expect(phone.locator(".thread article")).to_have_count(1)
    expect(phone.locator(".draft")).to_have_count(0)
    phone.locator(".compose > a").click()
    expect(phone.get_by_label("Your comment")).to_have_value("")
    phone.context.close()


@pytest.mark.browser
def test_after_a_log_out_nobody_gets_the_draft_of_another(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    page = open_phone(browser, live_server, ida)
    with saved(page):
        write(page, live_server, article, "A secret")
    page.get_by_label("Account of Ida").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    for user in (None, UserFactory.create(name="Bo")):
        if user:
            log_in(page.context, live_server, user)
        page.goto(live_server.url + article.get_absolute_url())
        page.locator(".compose > a").click()
        expect(page.get_by_label("Your comment")).to_have_value("")
    log_in(page.context, live_server, ida)
    page.goto(live_server.url + article.get_absolute_url())
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_label("Your comment")).to_have_value("A secret")
    page.context.close()


@pytest.mark.browser
def test_logging_out_keeps_text_that_the_site_has_not_stored(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=409)
        else:
            route.continue_()

    page = open_phone(browser, live_server, ida)
    page.route("**/reply/", refuse)
    with saved(page, status=409):
        write(page, live_server, article, "Not stored")
    page.get_by_label("Account of Ida").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    page.unroute_all()
    page.goto(live_server.url + url(article))
    expect(page.get_by_label("Your comment")).to_have_value("")
    log_in(page.context, live_server, ida)
    with saved(page):
        page.goto(live_server.url + url(article))
    expect(page.get_by_label("Your comment")).to_have_value("Not stored")
    assert CommentDraft.objects.get().body == "Not stored"
    page.context.close()


@pytest.mark.browser
def test_a_log_out_after_a_preview_leaves_nothing(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    page = open_phone(browser, live_server, ida)
    page.goto(live_server.url + url(article))
    page.get_by_label("Your comment").fill("A secret")
    with saved(page):
        page.get_by_role("button", name="Preview").click()
    page.get_by_label("Account of Ida").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    assert CommentDraft.objects.get().body == "A secret"
    page.context.close()


@pytest.mark.browser
def test_after_an_expired_session_the_draft_waits_for_its_writer(
    browser: Browser, live_server: LiveServer, article: Article, ida: User
) -> None:
    page = open_phone(browser, live_server, ida)
    write(page, live_server, article, "Not yet saved")
    context: BrowserContext = page.context
    context.clear_cookies()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".compose > a").click()
    expect(page.get_by_label("Your comment")).to_have_value("")
    log_in(context, live_server, ida)
    page.reload()
    expect(page.get_by_label("Your comment")).to_have_value("Not yet saved")
    context.close()


@pytest.mark.browser
def test_a_member_whose_session_ends_while_writing_posts_after_a_log_in(
    browser: Browser, live_server: LiveServer, article: Article
) -> None:
    ida = UserFactory.create(name="Ida", password="pw")
    page = open_phone(browser, live_server, ida)
    write(page, live_server, article, "Written before the session ended")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Post comment").click()
    notice = page.get_by_role("alert").filter(has_text="You are logged out")
    expect(notice).to_be_focused()
    expect(page.get_by_label("Your comment")).to_have_value("Written before the session ended")

    notice.get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail").fill(ida.email)
    page.get_by_label("Password").fill("pw")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_label("Your comment")).to_have_value("Written before the session ended")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator("article", has_text="Written before the session ended")).to_be_visible()
    page.context.close()
