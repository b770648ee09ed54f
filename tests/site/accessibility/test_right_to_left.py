"""The walkthrough "In Cairo": a phone with a slow line, an Arabic interface from right to left."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR, MODERATOR
from articles.models import Site
from comments.models import Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.people import sanctions
from moderation.people.profiles import Person
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.browser import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("policy_without_moderation"),
]

PHONE = {"width": 390, "height": 844}
QUOTATION = "The morning boat stays, said the council!"
TITLE = "The council votes!"
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
# A function that returns whether a text runs from left to right, with its last sign at the right. That sign
# has no direction itself.
RUNS_LEFT_TO_RIGHT = """(node) => {
  const text = document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode();
  const left = (at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  };
  return left(0) < left(1) && left(text.length - 2) < left(text.length - 1);
}"""


@pytest.fixture
def article():
    Site.objects.update(language="ar", time_zone="Africa/Cairo", name="المركب")
    article = make_article(
        "المركب يبقى",
        standfirst="لم يتغيّر شيء في الميناء.",
        body=f"قال المجلس كلمته أمس.\n\n> {QUOTATION}\n\nثم انصرف الجميع.",
        published_at=datetime(2026, 1, 15, 12, 40, tzinfo=UTC),
    )
    make_comment(make_article(TITLE, standfirst=QUOTATION), "Good.")
    ahmad = GuestFactory.create(name="أحمد")
    make_comment(article, f"رأيت المركب صباحًا مع أحمد.\n\n{QUOTATION}", guest=ahmad)
    waiting = make_comment(article, "كلمة أخرى.")
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    return article


@pytest.fixture
def phone(browser, live_server):
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, locale="ar-EG", base_url=live_server.url
    )
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_LINE)
    yield page
    context.close()


def check_right_to_left(page) -> None:
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_reader_uses_the_site_in_arabic_on_a_phone(phone, article, live_server):
    # The front page, with a story in English between those in Arabic.
    phone.goto("/")
    check_right_to_left(phone)
    expect(phone.get_by_role("link", name="انتقل إلى المحتوى")).to_be_attached()
    expect(phone.locator("html")).to_have_attribute("lang", "ar")
    assert phone.locator(".standfirst", has_text=QUOTATION).evaluate(RUNS_LEFT_TO_RIGHT)

    # An English quotation runs from left to right in the story and in a comment, and times have their zone.
    phone.get_by_role("link", name="المركب يبقى", exact=True).first.tap()
    expect(phone.get_by_role("heading", level=1, name="المركب يبقى")).to_be_visible()
    check_right_to_left(phone)
    quotations = phone.locator("blockquote p, .thread p", has_text=QUOTATION)
    assert quotations.evaluate_all(f"(nodes) => nodes.map({RUNS_LEFT_TO_RIGHT})") == [True, True]
    expect(phone.locator(".byline .meta")).to_contain_text("15 يناير 2026، 14:40 EET")
    expect(phone.locator("h2#comments")).to_contain_text("تعليق واحد")
    expect(phone.locator(".thread time[title$=' EET'], .thread time[title$=' EEST']")).to_have_count(1)

    # A reply opens in its place. Its error is Arabic, and so are the countdown and the time of scripts.
    comment = phone.locator(".thread article").first
    comment.get_by_role("link", name="رد").tap()
    form = phone.locator(".reply-form")
    expect(form).to_be_visible()
    form.get_by_label("الاسم").fill("منى")
    form.get_by_label("البريد الإلكتروني").fill("mona@example.org")
    form.get_by_label("تعليقك").fill(" ")
    form.get_by_role("button", name="نشر التعليق").tap()
    expect(form).to_contain_text("اكتب شيئًا أولًا.")
    form.get_by_label("تعليقك").fill("كلمة " * 1990)
    expect(form).to_contain_text("بقي 50 حرفًا")
    form.get_by_label("تعليقك").fill("هذا رد من القاهرة.")
    form.get_by_role("button", name="نشر التعليق").tap()
    expect(phone.locator(".thread")).to_contain_text("هذا رد من القاهرة.")
    expect(phone.locator(".thread article time", has_text="الآن")).not_to_have_count(0)

    # An English title runs from left to right where it is not the heading: above a form, and among results.
    phone.goto("/stories/the-council-votes/reply/")
    check_right_to_left(phone)
    assert phone.locator(".kicker a").evaluate(RUNS_LEFT_TO_RIGHT)
    phone.goto("/search/?q=council")
    assert phone.locator("h3 a", has_text=TITLE).evaluate(RUNS_LEFT_TO_RIGHT)

    # Searching for احمد finds أحمد.
    phone.goto("/search/")
    phone.get_by_role("searchbox").fill("احمد")
    phone.locator("[name=q]").press("Enter")
    expect(phone.locator("main mark")).to_have_text(["أحمد"])
    check_right_to_left(phone)

    # Moderation and the editor, which are not translated.
    log_in(phone.context, live_server, UserFactory.create(name="Mona", roles=(MODERATOR, EDITOR)))
    for path in ("/moderation/", "/admin/", "/admin/articles/article/add/"):
        phone.goto(path)
        expect(phone.locator("html[lang=en]")).to_have_attribute("dir", "ltr")
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    phone.goto("/moderation/discussions/")
    assert phone.locator("h2 a", has_text=TITLE).evaluate(RUNS_LEFT_TO_RIGHT)


def test_the_avatar_covers_no_name(phone, article, live_server):
    mona = UserFactory.create(name="منى")
    own = make_comment(article, "كلمة.", author=mona)
    change_states(ids=[own.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    log_in(phone.context, live_server, mona)
    phone.goto(article.get_absolute_url())
    picture = phone.locator(".thread .waiting .av").bounding_box()
    heading = phone.locator(".thread .waiting h3").bounding_box()
    assert heading["x"] + heading["width"] <= picture["x"]


def test_an_english_message_of_a_moderator_runs_from_left_to_right(phone, article, live_server, maria):
    mona = UserFactory.create(name="منى")
    own = make_comment(article, "كلمة.", author=mona)
    decide(ids=[own.pk], to=State.REJECTED, reason="insult", actor=maria, message=QUOTATION)
    sanctions.impose(person=Person(user=mona), kind="warn", reason="insult", actor=maria, message=QUOTATION)
    log_in(phone.context, live_server, mona)
    for path in ("/account/status/", "/account/comments/", f"/comments/{own.pk}/decision/"):
        phone.goto(path)
        assert phone.locator("main bdi", has_text=QUOTATION).evaluate(RUNS_LEFT_TO_RIGHT), path


def test_a_quoted_comment_begins_with_its_author_at_the_right(phone, article):
    comment = make_comment(article, QUOTATION, guest=GuestFactory.create(name="Jim"))
    phone.goto(f"{article.get_absolute_url()}reply/{comment.pk}/")
    author, time = phone.locator(".answered > .meta > span").evaluate_all(
        "parts => parts.map(part => part.getBoundingClientRect().left)"
    )
    assert author > time
