"""The walkthrough of a commenter on a phone, as a person whom a reader has muted, and paused or banned."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from articles.models import Article
from comments.following.mails import notify_followers
from comments.models import Comment, CommentDraft, Follow, LastUpdateSearch, Reason, State
from comments.services.states import change_states
from moderation.models import Sanction
from moderation.people.profiles import Person
from moderation.people.sanctions import end, impose
from tests.factories import UserFactory, confirm_email, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]

OpenPhone = Callable[[User], Page]


@pytest.fixture
def article(transactional_db: None) -> Article:
    return make_article("The slip closes")


@pytest.fixture
def ylva(transactional_db: None) -> User:
    return confirm_email(UserFactory.create(name="Ylva", email="ylva@example.org"))


@pytest.fixture
def bo(transactional_db: None) -> User:
    return confirm_email(UserFactory.create(name="Bo", email="bo@example.org"))


@pytest.fixture
def open_phone(browser: Browser, live_server: LiveServer, article: Article) -> Iterator[OpenPhone]:
    """Return a function that opens the story on the phone of a member."""
    opened: list[BrowserContext] = []

    def open_for(user: User) -> Page:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, bypass_csp=True
        )
        opened.append(context)
        log_in(context, live_server, user)
        page = context.new_page()
        page.goto(live_server.url + article.get_absolute_url())
        return page

    yield open_for
    for context in opened:
        context.close()


def publish(article: Article, text: str, author: User) -> Comment:
    """Return a comment that a moderator has approved: further ones by this person are published at once."""
    comment = make_comment(article, text, author=author)
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    return comment


def answer(page: Page, comment: Comment, text: str) -> Locator:
    """Write a reply to a comment and press "Post comment". Returns the place of the form."""
    place = page.locator(f"#comment-{comment.pk}")
    place.get_by_role("link", name="Reply").tap()
    form = place.locator(".reply-form")
    form.get_by_label("Your comment").fill(text)
    form.get_by_role("button", name="Post comment").tap()
    return form


def test_a_muted_person_notices_nothing(
    open_phone: OpenPhone,
    live_server: LiveServer,
    article: Article,
    ylva: User,
    bo: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hers = publish(article, "Who has seen the ferry?", ylva)
    his = publish(article, "It never comes.", bo)
    LastUpdateSearch.objects.update_or_create(pk=1, defaults={"until": timezone.now() - timedelta(hours=1)})
    since = timezone.now() - timedelta(hours=1)
    Follow.objects.create(user=ylva, article=article, kind="replies", delivery="site", seen_at=since)
    Follow.objects.create(user=ylva, kind="recommended", delivery="site", seen_at=since)

    reader = open_phone(ylva)
    comment = reader.locator(f"#comment-{his.pk}")
    comment.locator(".menu summary").tap()
    comment.get_by_role("link", name="Mute").tap()
    reader.get_by_role("button", name="Mute").tap()
    expect(reader.get_by_text("You muted this person.")).to_be_visible()
    expect(comment.get_by_text("It never comes.")).to_be_hidden()

    muted = open_phone(bo)
    expect(muted.locator(f"#comment-{his.pk}")).to_contain_text("It never comes.")
    muted.locator(f"#comment-{hers.pk}").get_by_role("button", name="Recommend").tap()
    expect(muted.locator(f"#comment-{hers.pk} button[aria-pressed=true]")).to_be_visible()
    answer(muted, hers, "I have not seen it.")
    own = muted.locator(".thread article", has_text="I have not seen it.")
    expect(own).to_be_focused()
    expect(own.get_by_text("I have not seen it.")).to_be_visible()
    for path in ("/account/notifications/", "/account/status/", "/account/my-comments/"):
        muted.goto(live_server.url + path)
        expect(muted.get_by_role("heading", level=1)).to_be_visible()
        assert "Ylva" not in muted.locator("main").inner_text()

    # The reader sees that there is an answer, not what it says, and is not notified of it.
    reader.goto(live_server.url + article.get_absolute_url())
    reply = Comment.objects.get(body="I have not seen it.")
    place = reader.locator(f"#comment-{reply.pk}")
    expect(place.get_by_text("I have not seen it.")).to_be_hidden()
    assert faults(reader) == []
    place.get_by_text("Comment by a person you muted.").tap()
    expect(place.get_by_text("I have not seen it.")).to_be_visible()
    later = timezone.now() + timedelta(minutes=2)
    with monkeypatch.context() as clock:
        clock.setattr("django.utils.timezone.now", lambda: later)
        assert notify_followers() == 0
    reader.goto(live_server.url + "/account/notifications/")
    expect(reader.get_by_text("Nothing new")).to_be_visible()


@pytest.mark.parametrize("kind", ["pause", "ban"])
def test_a_paused_or_banned_person_appeals_and_writes_on(
    open_phone: OpenPhone,
    live_server: LiveServer,
    article: Article,
    ylva: User,
    bo: User,
    maria: User,
    kind: str,
) -> None:
    hers = publish(article, "Who has seen the ferry?", ylva)
    publish(make_article("Earlier"), "An earlier comment.", bo)
    phone = open_phone(bo)
    until = timezone.now() + timedelta(days=3) if kind == "pause" else None
    impose(person=Person(user=bo), kind=kind, reason="insult", actor=maria, until=until, message="Be kind.")
    sentence = (
        "You are paused from commenting until" if kind == "pause" else "You are banned from commenting."
    )

    # The sentence is read above the form when it opens, and again when it is sent. The text stays.
    form = answer(phone, hers, "I have not seen it.")
    alert = form.locator(".alert-danger:not([hidden])")
    expect(alert).to_contain_text(sentence)
    expect(alert).to_contain_text("Reason: insult. “Be kind.”")
    expect(form.get_by_label("Your comment")).to_have_value("I have not seen it.")
    assert faults(phone) == []
    assert not Comment.objects.filter(author=bo, discussion=article.pk).exists()

    alert.get_by_role("link", name="Account status, and how to appeal").tap()
    expect(phone.get_by_role("heading", name="Account status")).to_be_visible()
    expect(phone.locator("main")).to_contain_text(sentence)
    phone.locator("summary", has_text="Appeal this decision").tap()
    phone.locator("main textarea").fill("I was quoting her.")
    phone.locator("main").get_by_role("button", name="Appeal this decision").tap()
    expect(phone.locator("main")).to_contain_text("You will see the answer here.")
    assert Sanction.objects.get().appeal_text == "I was quoting her."
    assert faults(phone) == []

    # The text is still there, and is posted once the appeal was granted.
    phone.goto(live_server.url + article.get_absolute_url())
    field = phone.locator(f"#comment-{hers.pk} .reply-form").get_by_label("Your comment")
    expect(field).to_have_value("I have not seen it.")
    end(sanction=Sanction.objects.get(), actor=maria)
    phone.locator(".reply-form").get_by_role("button", name="Post comment").tap()
    expect(phone.locator(".thread article", has_text="I have not seen it.")).to_be_focused()
    assert not CommentDraft.objects.exists()
