"""Folding of branches and previews of parents in Chromium, on a desktop and on a phone."""

import pytest
from playwright.sync_api import expect

from comments.models import MAX_DEPTH, Comment
from tests.comments.in_a_browser import DESK, PHONE, SHIFTS, fold_all, import_thread, locate, open_story
from tests.factories import UserFactory, make_comment
from tests.helpers.browser import wait_for_fonts, wait_for_frames, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHIFTS_FROM_THE_START = SHIFTS.replace('"layout-shift"', '"layout-shift", buffered: true')


def test_a_tap_folds_only_on_the_round_button(browser, live_server, article):
    import_thread(article, roots=1, replies=12)
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_story(live_server, page, article)
    for box in [button.bounding_box() for button in page.locator(".fold:visible").all()]:
        assert (round(box["width"]) >= 24, box["height"]) == (True, pytest.approx(46.75, abs=3))
    button = page.locator(".fold").first
    box = button.bounding_box()
    button.tap()
    expect(button).to_have_text("12 replies")
    expect(button).to_be_visible()
    assert button.bounding_box()["width"] > box["width"]
    context.close()


def test_six_levels_are_indented_and_three_on_a_phone(live_server, page, article):
    import_thread(article, roots=1, replies=12)
    steps = """nodes => new Set(nodes.map((node) => Math.round(node.getBoundingClientRect().x))).size - 1"""
    for size, levels in ((DESK, 6), (PHONE, 3)):
        page.set_viewport_size(size)
        open_story(live_server, page, article)
        assert page.locator(".thread article").evaluate_all(steps) == levels
        expect(page.locator(".thread h3").last).to_have_text("Bo 11, replying to Bo 10")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_right_to_left_the_thread_is_mirrored(story_page, thread):
    story_page.evaluate("document.documentElement.dir = 'rtl'")
    outer, inner = (
        locate(story_page, thread.Marit).bounding_box(),
        locate(story_page, thread.Tollef).bounding_box(),
    )
    assert inner["x"] == outer["x"]
    assert inner["width"] < outer["width"]


def test_a_name_opens_and_closes_the_answered_comment(story_page, thread):
    link = locate(story_page, thread.Ada).get_by_role("link", name="Tollef")
    link.press("Enter")
    quote = locate(story_page, thread.Ada).locator(".quote")
    expect(quote).to_contain_text("Tollef has a word.")
    expect(link).to_have_attribute("aria-expanded", "true")

    quote.get_by_role("button", name="Close").click()
    expect(quote).to_have_count(0)
    expect(link).to_be_focused()

    link.click()
    quote.get_by_role("link", name="Go to this comment").click()
    expect(locate(story_page, thread.Tollef)).to_be_focused()
    assert story_page.url.endswith(f"#comment-{thread.Tollef.pk}")


def test_an_answered_comment_of_another_page_is_fetched(live_server, page, article):
    """At the deepest level a reply has the same parent as the comment it answers, which its page lacks."""
    import_thread(article, roots=1, replies=MAX_DEPTH - 1)
    answered = Comment.objects.filter(discussion=article.pk).latest("pk")
    last = make_comment(article, "And I.", parent=answered, author=UserFactory(name="Per"))
    page.set_viewport_size(DESK)
    open_story(live_server, page, article, f"comments/{last.pk}/")
    link = locate(page, last).get_by_role("link", name=answered.author_name, exact=True)
    expect(link).to_have_attribute("href", f"../../comments/{answered.pk}/")
    expect(locate(page, answered)).to_have_count(0)
    link.click()
    expect(locate(page, last).locator(".quote")).to_contain_text(answered.body)


@pytest.mark.parametrize(("status", "is_quoted"), [(410, True), (503, False)])
def test_an_answered_comment_that_cannot_be_fetched_is_opened_unless_it_is_removed(
    live_server, page, article, status, is_quoted
):
    import_thread(article, roots=1, replies=MAX_DEPTH - 1)
    answered = Comment.objects.filter(discussion=article.pk).latest("pk")
    last = make_comment(article, "And I.", parent=answered, author=UserFactory(name="Per"))
    open_story(live_server, page, article, f"comments/{last.pk}/")
    url = f"**/comments/{answered.pk}/"
    page.route(url, lambda route: route.fulfill(status=status, body="<p>Not this comment.</p>"))
    locate(page, last).get_by_role("link", name=answered.author_name, exact=True).click()
    if is_quoted:
        expect(locate(page, last).locator(".quote")).to_contain_text("can’t be shown")
    else:
        page.wait_for_url(url)


def test_without_scripts_a_name_links_to_the_answered_comment(browser, live_server, article, thread):
    page = browser.new_context(java_script_enabled=False).new_page()
    open_story(live_server, page, article)
    locate(page, thread.Ada).get_by_role("link", name="Tollef").click()
    assert page.url.endswith(f"#comment-{thread.Tollef.pk}")
    assert page.locator(".fold, .orders button:visible").count() == 0
    page.context.close()


def test_a_branch_folds_with_one_press_and_stays_so(live_server, story_page, article, thread):
    button = story_page.get_by_role("button", name="2 replies to Tollef")
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(locate(story_page, thread.Ada)).not_to_be_visible()
    expect(locate(story_page, thread.Tollef)).to_be_visible()

    story_page.reload()
    expect(locate(story_page, thread.Ada)).not_to_be_visible()
    story_page.get_by_role("button", name="2 replies to Tollef").click()
    expect(locate(story_page, thread.Ada)).to_be_visible()
    assert story_page.evaluate("localStorage.folded") is None


def test_all_fold_and_unfold(story_page, thread):
    fold_all(story_page)
    expect(locate(story_page, thread.Tollef)).not_to_be_visible()
    expect(locate(story_page, thread.Marit)).to_be_visible()
    fold_all(story_page, "Unfold all")
    expect(locate(story_page, thread.Jun)).to_be_visible()


def test_a_link_to_a_folded_comment_unfolds_it(live_server, story_page, article, thread):
    fold_all(story_page)
    story_page.evaluate(f"location.hash = 'comment-{thread.Jun.pk}'")
    expect(locate(story_page, thread.Jun)).to_be_visible()
    expect(locate(story_page, thread.Jun)).to_be_focused()

    fold_all(story_page)
    story_page.goto("about:blank")
    open_story(live_server, story_page, article, f"#comment-{thread.Jun.pk}")
    expect(locate(story_page, thread.Jun)).to_be_in_viewport()


def test_the_stored_folding_state_is_bounded(story_page):
    story_page.evaluate(
        """() => {
          const kept = {};
          for (let n = 0; n < 80; n++) kept[`/stories/${n}/`] = [n, 1, 2];
          localStorage.setItem("folded", JSON.stringify(kept));
        }"""
    )
    fold_all(story_page)
    assert story_page.evaluate("Object.keys(JSON.parse(localStorage.folded)).length") == 50


def test_folding_inserts_no_layout_shift(live_server, page, article, thread):
    page.add_init_script(SHIFTS_FROM_THE_START)
    for size in (DESK, PHONE):
        page.goto("about:blank")
        page.set_viewport_size(size)
        open_story(live_server, page, article, "#comments")
        page.locator(".fold").first.wait_for()
        assert_stands_still(page)


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("rest", ["", "#comments"])
def test_fonts_that_arrive_late_shift_nothing(live_server, page, article, thread, size, rest):
    page.add_init_script(SHIFTS_FROM_THE_START)
    page.set_viewport_size(size)
    fonts = []
    page.route("**/*.woff2", lambda route: fonts.append(route))
    page.goto(live_server.url + article.get_absolute_url() + rest, wait_until="commit")
    page.locator(".fold").first.wait_for()
    wait_until(page, lambda: page.evaluate("performance.getEntriesByName('first-contentful-paint').length"))
    page.wait_for_timeout(200)
    assert page.evaluate("document.fonts.status") == "loading"
    for route in fonts:
        route.continue_()
    assert_stands_still(page)


def assert_stands_still(page):
    """Assert that what has shifted since the start, the fonts included, is less than the eye sees."""
    page.wait_for_load_state()
    wait_for_fonts(page)
    wait_for_frames(page)
    assert page.evaluate("document.fonts.check('1rem \"Soundoff Sans\"')")
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") > 0
    assert page.evaluate("shifts.reduce((sum, shift) => sum + shift, 0)") < 0.005
