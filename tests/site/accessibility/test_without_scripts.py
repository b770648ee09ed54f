"""Tests of all reader functions without JavaScript, in Chromium."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from articles.models import Topic
from comments.models import Comment, Discussion
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.thread import pages
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.browser

START = datetime(2024, 5, 31, 9, tzinfo=UTC)
PER_PAGE = 40  # comments: fewer than else, for short pages
ROOTS = PER_PAGE + 10


@pytest.fixture
def story(transactional_db, policy_without_moderation, monkeypatch):
    """Make two pages of top-level comments, from Reader 0 on. The newest has more replies than are shown."""
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", PER_PAGE)
    article = make_article("The last ferry", source_key="ferry", published_at=START)
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    change_discussion(
        article=article,
        status=Discussion.Status.OPEN,
        moderation=Discussion.Moderation.POST,
        closes_at=timezone.now() + timedelta(days=9),
    )
    roots = [(f"Reader {n}", None) for n in range(ROOTS)]
    replies = [(f"Reply {n}", ROOTS - 1) for n in range(pages.REPLIES_PER_TREE + 5)]
    comments = [
        ImportedComment(str(n), name, f"{name} on the ferry.", START + timedelta(minutes=n), parent)
        for n, (name, parent) in enumerate(roots + replies)
    ]
    import_comments(article=article, comments=comments, actor=None, action_id=uuid4())
    return article


@pytest.fixture
def page(browser, story) -> Page:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


@pytest.fixture
def url(live_server, story) -> str:
    return live_server.url + story.get_absolute_url()


def comment_by(name: str) -> Comment:
    return Comment.objects.get(author_name=name)


def locate_comment(page: Page, name: str) -> Locator:
    return page.locator(f"#comment-{comment_by(name).pk}")


def follow(page: Page, name: str, within: Locator | None = None) -> None:
    (within or page).get_by_role("link", name=name, exact=True).first.click()


def assert_arrived(comment: Locator) -> None:
    """Assert that the comment is in view and highlighted."""
    expect(comment).to_be_in_viewport()
    assert comment.evaluate("node => node.matches(':target') || node.classList.contains('focus')")
    assert comment.evaluate("node => getComputedStyle(node).backgroundColor") != "rgba(0, 0, 0, 0)"


def test_orders_are_chosen_and_remembered(page, url):
    page.goto(url)
    first = page.locator(".thread article").first
    expect(first).to_contain_text(f"Reader {ROOTS - 1}")
    page.locator(".orders summary").click()
    follow(page, "Oldest first")
    assert page.url == f"{url}?order=oldest#comments"
    expect(first).to_contain_text("Reader 0")
    page.goto(url)
    expect(first).to_contain_text("Reader 0")
    page.locator(".orders summary").click()
    expect(page.get_by_role("link", name="Oldest first")).to_have_attribute("aria-current", "true")
    follow(page, "Most discussed")
    expect(first).to_contain_text(f"Reader {ROOTS - 1}")
    page.locator(".orders summary").click()
    expect(page.get_by_role("link", name="Oldest first")).to_be_visible()
    assert page.get_by_role("button", name="Fold all").count() == 0  # works only with scripts


def test_pages_and_permalinks_lead_to_comments(page, url):
    page.goto(url)
    follow(page, "More comments")
    expect(page.get_by_text("This is a later part of the discussion.")).to_be_visible()
    late = locate_comment(page, "Reader 5")
    late.locator("h3 ~ a").click()
    assert page.url == f"{url}comments/{comment_by('Reader 5').pk}/"
    expect(page.get_by_role("heading", level=1)).to_have_text("Part of the discussion")
    assert_arrived(late)
    follow(page, "View in thread")
    assert_arrived(late)
    expect(locate_comment(page, "Reader 4")).to_be_visible()
    follow(page, "Back to the start")
    expect(page.locator(".thread article").first).to_contain_text(f"Reader {ROOTS - 1}")

    early = locate_comment(page, f"Reader {ROOTS - 9}")
    early.locator("h3 ~ a").click()
    assert page.url == f"{url}#comment-{comment_by(f'Reader {ROOTS - 9}').pk}"
    assert_arrived(early)


def test_more_replies_and_answered_comments_are_opened(page, url):
    page.goto(url)
    follow(page, "Show 5 more replies")
    expect(locate_comment(page, f"Reply {pages.REPLIES_PER_TREE + 4}")).to_be_visible()
    expect(locate_comment(page, f"Reader {ROOTS - 1}")).to_be_visible()  # the parent of the replies
    last = locate_comment(page, f"Reply {pages.REPLIES_PER_TREE + 4}")
    follow(page, f"Reader {ROOTS - 1}", last)
    assert_arrived(locate_comment(page, f"Reader {ROOTS - 1}"))
    last.locator("h3 ~ a").click()
    assert_arrived(last)
    follow(page, "All comments")
    assert page.url == f"{url}#comments"


def test_a_reply_with_errors_keeps_its_text(page, url):
    page.goto(url)
    follow(page, "Reply", locate_comment(page, "Reply 3"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Reply to Reply 3")
    page.get_by_label("Name").fill("Ines")
    page.get_by_label("E-mail").fill("ines@quay")
    page.get_by_label("Your comment").fill("I have oiled it.\n\nI did not touch the hands.")
    page.get_by_role("button", name="Post comment").click()

    email = page.get_by_label("E-mail")
    expect(email).to_have_attribute("aria-invalid", "true")
    for target in email.get_attribute("aria-describedby").split():
        expect(page.locator(f"#{target}")).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_value("I have oiled it.\n\nI did not touch the hands.")
    email.fill("ines@quay.example")
    page.get_by_role("button", name="Post comment").click()

    own = comment_by("Ines")
    assert own.parent == comment_by("Reply 3")
    assert_arrived(page.locator(f"#comment-{own.pk}"))
    expect(page.get_by_role("status")).to_contain_text("We will send you a link")


def test_words_are_found_in_the_discussion_and_on_the_site(page, url):
    page.goto(url)
    page.locator(".find summary").click()
    page.get_by_role("searchbox", name="Find in this discussion").fill("“Reader 7 on”")
    page.get_by_role("searchbox", name="Find in this discussion").press("Enter")
    expect(page.get_by_role("main").get_by_role("heading", level=2)).to_contain_text("1 comment mentions")
    expect(page.locator("mark").first).to_be_visible()
    follow(page, "Reader 7")
    assert_arrived(locate_comment(page, "Reader 7"))

    follow(page, "Search", page.get_by_role("banner"))
    page.get_by_label("Search stories and comments").fill("ferry -voice -reply")
    page.get_by_label("Topic", exact=True).select_option("Harbour")
    page.get_by_label("Year").fill("2024")
    page.get_by_role("button", name="Search").click()
    follow(page, "The last ferry", page.get_by_role("main"))
    assert page.url == url


def test_a_story_is_found_in_the_archive(page, live_server, url):
    page.goto(live_server.url)
    follow(page, "Archive", page.get_by_role("contentinfo"))
    follow(page, "2024")
    follow(page, "May")
    expect(page.get_by_role("heading", level=1)).to_have_text("May 2024")
    follow(page, "The last ferry")
    assert page.url == url
    follow(page, "Harbour")
    follow(page, "The last ferry")
    assert page.url == url


def test_colours_are_chosen_and_remembered(page, url):
    page.emulate_media(color_scheme="light")
    page.goto(f"{url}?order=oldest")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    root = page.locator("html")
    light = root.evaluate(f"() => {paper}")
    page.get_by_role("button", name="dark").click()
    assert page.url.startswith(url)
    expect(root).to_have_attribute("data-theme", "dark")
    assert root.evaluate(f"() => {paper}") != light
    follow(page, "Archive", page.get_by_role("contentinfo"))
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="System").click()
    assert root.get_attribute("data-theme") is None
    assert root.evaluate(f"() => {paper}") == light


def test_a_member_recommends_and_has_a_page(page, live_server, url, story):
    member = UserFactory.create(name="Nadia", email="nadia@example.org", password="four o'clock")
    make_comment(story, "I only came to ask when it goes.", author=member)
    page.goto(f"{url}recommend/{comment_by('Reader 3').pk}/")
    follow(page, "Log in", page.get_by_role("main"))
    page.get_by_label(re.compile("e-?mail", re.I)).fill("nadia@example.org")
    page.get_by_label("Password").fill("four o'clock")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("button", name="Recommend").click()
    assert_arrived(locate_comment(page, "Reader 3"))

    page.goto(f"{url}?order=oldest")
    given = locate_comment(page, "Reader 3").get_by_role("button", name="Recommend 1")
    expect(given).to_have_attribute("aria-pressed", "true")
    given.click()
    expect(locate_comment(page, "Reader 3").get_by_role("button", name="Recommend")).to_have_attribute(
        "aria-pressed", "false"
    )

    page.locator(".account summary").click()
    follow(page, "Public page")
    page.get_by_role("button", name="Switch it on").click()
    page.locator(f"main a[href='/people/{member.pk}/']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nadia")
    expect(page.get_by_role("article")).to_contain_text("I only came to ask when it goes.")
    follow(page, "The last ferry")
    assert_arrived(locate_comment(page, "Nadia"))
    page.locator(".account summary").click()
    follow(page, "Public page")
    page.get_by_role("button", name="Switch it off").click()
    assert page.goto(f"{live_server.url}/people/{member.pk}/").status == 404
