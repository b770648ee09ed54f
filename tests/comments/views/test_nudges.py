"""Sentences that a writer reads once before a comment is posted: on its length, links and duplicates."""

import re
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Guest, User
from articles.models import Article
from comments.models import Comment, Discussion, State
from comments.services.states import change_states
from moderation.models import Sanction
from moderation.people.profiles import Person
from moderation.people.sanctions import impose
from moderation.screening.nudges import SOFT_LENGTH
from moderation.screening.rate_limits import DEFAULT_KNOWN_LIMIT
from tests.factories import UserFactory, confirm_email, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]

LONG = "We saw it from the pier. " * 100  # 2,500 characters
LINKS = "See https://a.example/one and https://b.example/two."
FERRY = (
    "The ferry left the eastern landing before sunrise, and nobody on the upper deck noticed that the "
    "harbour master had forgotten to raise the signal. Fishermen along the breakwater waved their lanterns "
    "instead, shouting across the water until the captain understood and turned the vessel around."
)


def publish(article: Article, body: str, **fields: Any) -> Comment:
    """Return a comment that a moderator has approved."""
    comment = make_comment(article, body, **fields)
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=None)
    return comment


@pytest.fixture
def ida(db: None) -> User:
    """Return a member whose comments are published at once."""
    user = confirm_email(UserFactory.create(name="Ida", email="ida@example.org"))
    publish(make_article("Earlier"), "An earlier comment.", author=user)
    return user


def send(client: Client, article: Article, body: str, **fields: Any) -> HttpResponse:
    return client.post(f"{article.get_absolute_url()}reply/", {"body": body, "nonce": uuid4(), **fields})


def hidden_fields(response: HttpResponse) -> dict[str, str]:
    """Return the hidden fields of the form, as the browser sends them again."""
    inputs = re.findall(r"<input[^>]*>", response.content.decode())
    found = [dict(re.findall(r'(\w+)="([^"]*)"', text)) for text in inputs]
    return {one["name"]: one["value"] for one in found if one.get("name") in {"nonce", "nudged"}}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (LONG, "Your comment has 2,500 characters: it fills more than one screen."),
        (LINKS, "Your comment has 2 links. With so many, a moderator reads it before it appears."),
        (FERRY.upper(), "A comment in this discussion has the same text."),
        (FERRY.replace("sunrise", "dawn"), "A comment in this discussion has almost the same text."),
    ],
    ids=["long", "links", "same", "almost the same"],
)
def test_a_nudge_keeps_the_text_and_is_shown_once(
    ida_client: Client, article: Article, body: str, sentence: str
) -> None:
    publish(article, FERRY)
    response = send(ida_client, article, body)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert f">\n{body}</textarea>" in page
    assert 'value="Post anyway"' in page
    assert "Post comment" not in page
    assert "is-invalid" not in page
    assert Comment.objects.filter(author__name="Ida", discussion=article.pk).count() == 0

    assert send(ida_client, article, body, **hidden_fields(response)).status_code == 302
    assert Comment.objects.get(author__name="Ida", discussion=article.pk).body == body


def test_an_ordinary_comment_is_posted_at_once(ida_client: Client, article: Article) -> None:
    publish(article, FERRY)
    assert send(ida_client, article, "I saw it at https://a.example/one. " + "x" * 1_900).status_code == 302


def test_another_nudge_about_a_changed_text(ida_client: Client, article: Article) -> None:
    first = send(ida_client, article, LONG)
    second = send(ida_client, article, LONG + LINKS, **hidden_fields(first))
    page = second.content.decode()
    assert "2 links" in page
    assert "fills more than one screen" not in page  # the writer has read that
    assert send(ida_client, article, LONG + LINKS, **hidden_fields(second)).status_code == 302


def test_only_comments_that_readers_of_the_discussion_see_are_duplicates(
    ida_client: Client, article: Article
) -> None:
    publish(make_article("Another"), FERRY)
    removed = publish(article, FERRY)
    change_states(ids=[removed.pk], to=State.REJECTED, reason="other", actor=None)
    assert send(ida_client, article, FERRY).status_code == 302


@pytest.mark.parametrize(
    ("again", "sentence"),
    [
        (FERRY, "Your comment with this text is waiting for review."),
        (
            FERRY.replace("sunrise", "dawn"),
            "Your comment with almost the same text is waiting for review.",
        ),
    ],
    ids=["same", "almost the same"],
)
def test_ones_own_comment_that_waits_is_a_duplicate_too(
    client: Client, article: Article, again: str, sentence: str, jane: User
) -> None:
    """A first comment waits for review. Somebody who thinks that it was lost sends it once more."""
    kofi = UserFactory.create(name="Kofi")
    client.force_login(kofi)
    assert send(client, article, FERRY).status_code == 302
    assert Comment.objects.get(author=kofi).state == State.PENDING
    page = send(client, article, again).content.decode()
    assert sentence in page
    assert "A comment in this discussion has" not in page
    assert send(client, make_article("Another"), again).status_code == 302
    client.force_login(jane)  # nobody else learns that it waits
    assert send(client, article, again).status_code == 302


def test_a_guests_own_comment_that_waits_is_a_duplicate_too(client: Client, article: Article) -> None:
    person = {"name": "Ann", "email": "ann@example.org"}
    assert send(client, article, FERRY, **person).status_code == 302
    page = send(client, article, FERRY, **person).content.decode()
    assert "Your comment with this text is waiting for review." in page
    assert send(Client(), article, FERRY, **person).status_code == 302


def test_ones_own_comment_that_waits_comes_before_one_that_is_published(
    client: Client, article: Article
) -> None:
    publish(article, FERRY)
    kofi = UserFactory.create(name="Kofi")
    assert make_comment(article, FERRY, author=kofi).state == State.PENDING
    client.force_login(kofi)
    page = send(client, article, FERRY).content.decode()
    assert "Your comment with this text is waiting for review." in page


def test_a_later_duplicate_of_this_discussion_counts(ida_client: Client, article: Article) -> None:
    publish(make_article("Another"), FERRY)
    publish(article, FERRY)
    assert "has the same text" in send(ida_client, article, FERRY).content.decode()


def test_links_that_let_nobody_wait_are_not_mentioned(
    ida_client: Client, article: Article, emil: User
) -> None:
    Discussion.objects.create(article=article, moderation=Discussion.Moderation.POST)
    assert send(ida_client, article, LINKS).status_code == 302


@pytest.mark.parametrize(
    ("moderation", "is_mentioned"),
    [(Discussion.Moderation.POST, False), (Discussion.Moderation.CONDITIONAL, True)],
)
@pytest.mark.parametrize("is_spam", [True, False])
@pytest.mark.parametrize("button", [{"preview": ""}, {}], ids=["preview", "post"])
def test_no_nudge_shows_the_verdict_of_the_spam_filter(
    client: Client,
    article: Article,
    monkeypatch: pytest.MonkeyPatch,
    moderation: str,
    is_mentioned: bool,
    is_spam: bool,
    button: dict[str, str],
) -> None:
    Discussion.objects.create(article=article, moderation=moderation)
    prediction = SimpleNamespace(is_spam=is_spam)
    monkeypatch.setattr("moderation.policy.score_submission", lambda *_arguments: (prediction, []))
    person = {"name": "Ann", "email": "ann@example.org"}
    page = send(client, article, LINKS, **person, **button).content.decode()
    assert ("a moderator reads it before it appears" in page) == is_mentioned


def test_a_preview_asks_no_spam_filter(
    ida_client: Client, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(*_arguments: Any) -> None:
        pytest.fail("The filter was asked.")

    monkeypatch.setattr("moderation.policy.score_submission", score)
    assert "2 links" in send(ida_client, article, LINKS, preview="").content.decode()


@pytest.mark.usefixtures("rate_limits_on")
def test_a_preview_above_the_rate_limit_shows_the_text_only(ida_client: Client, article: Article) -> None:
    assert "fills more than one screen" in send(ida_client, article, LONG, preview="").content.decode()
    for number in range(DEFAULT_KNOWN_LIMIT - 1):  # the earlier comment also counts
        make_comment(article, f"Comment number {number}.", author=User.objects.get(name="Ida"))
    preview = send(ida_client, article, LONG, preview="")
    assert preview.status_code == 200
    assert 'class="preview"' in preview.content.decode()
    assert "fills more than one screen" not in preview.content.decode()
    assert send(ida_client, article, LONG).status_code == 429


def test_a_guest_is_stored_with_the_comment_only(client: Client, article: Article) -> None:
    person = {"name": "Ann", "email": "ann@example.org"}
    response = send(client, article, LONG, **person)
    assert "fills more than one screen" in response.content.decode()
    assert not Guest.objects.exists()
    assert send(client, article, LONG, **person, **hidden_fields(response)).status_code == 302
    assert Guest.objects.count() == 1


def test_a_banned_person_reads_of_the_ban_first(
    ida_client: Client, article: Article, ida: User, maria: User
) -> None:
    impose(person=Person(user=ida), kind=Sanction.Kind.BAN, reason="insult", actor=maria)
    page = send(ida_client, article, LONG).content.decode()
    assert "fills more than one screen" not in page
    assert LONG in page
    assert "fills more than one screen" not in send(ida_client, article, LONG, preview="").content.decode()


def test_a_preview_nudges_too(ida_client: Client, article: Article) -> None:
    publish(article, FERRY)
    preview = send(ida_client, article, FERRY, preview="Preview")
    page = preview.content.decode()
    assert preview.status_code == 200
    assert 'class="preview"' in page
    assert "A comment in this discussion has the same text." in page
    assert 'value="Post anyway"' in page
    again = send(ida_client, article, FERRY, preview="Preview", **hidden_fields(preview))
    assert "has the same text" not in again.content.decode()
    assert send(ida_client, article, FERRY, **hidden_fields(again)).status_code == 302


def test_a_preview_without_a_nonce_nudges_too(client: Client, article: Article) -> None:
    page = client.post(f"{article.get_absolute_url()}reply/", {"body": LONG, "preview": ""}).content.decode()
    assert "fills more than one screen" in page


def test_the_soft_length_itself_is_not_long(ida_client: Client, article: Article) -> None:
    assert send(ida_client, article, "x" * SOFT_LENGTH).status_code == 302


@pytest.mark.browser
@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_post_anyway_on_a_phone(
    browser: Browser, live_server: LiveServer, article: Article, ida: User, has_scripts: bool
) -> None:
    publish(article, FERRY)
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, bypass_csp=True, java_script_enabled=has_scripts
    )
    log_in(context, live_server, ida)
    page: Page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".compose").get_by_role("link").first.click()
    field = page.get_by_label("Your comment")
    field.fill(FERRY)
    page.get_by_role("button", name="Post comment").click()
    nudge = page.locator(".reply-form .alert-warning")
    expect(nudge).to_contain_text("A comment in this discussion has the same text.")
    expect(nudge).to_be_focused()
    expect(field).to_have_value(FERRY)
    if has_scripts:
        assert faults(page) == []
    page.get_by_role("button", name="Post anyway").click()
    expect(page.locator(".thread article")).to_have_count(2)
    context.close()
