"""Folding of branches and previews of parents in Chromium, on a desktop and on a phone."""

import pytest
from playwright.sync_api import expect

from comments.models import Comment
from comments.thread import pages
from tests.comments.in_a_browser import DESK, PHONE, SHIFTS, at, fold_all, import_thread, open_story
from tests.helpers.browser import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHIFTS_FROM_THE_START = SHIFTS.replace('"layout-shift"', '"layout-shift", buffered: true')


def test_a_thumb_folds_by_the_round_button_only(browser, live_server, article):
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


def test_right_to_left_the_thread_is_mirrored(reading, talk):
    reading.evaluate("document.documentElement.dir = 'rtl'")
    outer, inner = at(reading, talk.Marit).bounding_box(), at(reading, talk.Tollef).bounding_box()
    assert inner["x"] == outer["x"]
    assert inner["width"] < outer["width"]


def test_a_name_opens_and_closes_the_answered_comment(reading, talk):
    link = at(reading, talk.Ada).get_by_role("link", name="Tollef")
    link.press("Enter")
    quote = at(reading, talk.Ada).locator(".quote")
    expect(quote).to_contain_text("Tollef has a word.")
    expect(link).to_have_attribute("aria-expanded", "true")

    quote.get_by_role("button", name="Close").click()
    expect(quote).to_have_count(0)
    expect(link).to_be_focused()

    link.click()
    quote.get_by_role("link", name="Go to this comment").click()
    expect(at(reading, talk.Tollef)).to_be_focused()
    assert reading.url.endswith(f"#comment-{talk.Tollef.pk}")


def test_an_answered_comment_of_another_page_is_fetched(live_server, page, article, monkeypatch):
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 2)
    import_thread(article, roots=1, replies=6)
    page.set_viewport_size(DESK)
    last = Comment.objects.filter(discussion=article.pk).latest("pk")
    open_story(live_server, page, article, f"comments/{last.pk}/")
    page.locator("article").first.wait_for()
    far = page.locator(".thread h3 a:not([href^='#'])")
    if far.count() == 0:  # all ancestors are here: make one of them another page's
        above = page.locator(f"#comment-{last.parent_id}")
        link = page.locator(f"#comment-{last.pk} h3 a")
        link.evaluate(f"(a) => a.setAttribute('href', '../../comments/{last.parent_id}/')")
        above.evaluate("(node) => { node.id = 'elsewhere'; }")
        far = link
    far.last.click()
    expect(page.locator(".quote")).to_contain_text("Reply 4")


def test_without_scripts_a_name_links_to_the_answered_comment(browser, live_server, article, talk):
    page = browser.new_context(java_script_enabled=False).new_page()
    open_story(live_server, page, article)
    at(page, talk.Ada).get_by_role("link", name="Tollef").click()
    assert page.url.endswith(f"#comment-{talk.Tollef.pk}")
    assert page.locator(".fold, .orders button:visible").count() == 0
    page.context.close()


def test_a_branch_folds_with_one_press_and_stays_so(live_server, reading, article, talk):
    button = reading.get_by_role("button", name="2 replies to Tollef")
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(at(reading, talk.Ada)).not_to_be_visible()
    expect(at(reading, talk.Tollef)).to_be_visible()

    reading.reload()
    expect(at(reading, talk.Ada)).not_to_be_visible()
    reading.get_by_role("button", name="2 replies to Tollef").click()
    expect(at(reading, talk.Ada)).to_be_visible()
    assert reading.evaluate("localStorage.folded") is None


def test_all_fold_and_unfold(reading, talk):
    fold_all(reading)
    expect(at(reading, talk.Tollef)).not_to_be_visible()
    expect(at(reading, talk.Marit)).to_be_visible()
    fold_all(reading, "Unfold all")
    expect(at(reading, talk.Jun)).to_be_visible()


def test_a_link_to_a_folded_comment_unfolds_it(live_server, reading, article, talk):
    fold_all(reading)
    reading.evaluate(f"location.hash = 'comment-{talk.Jun.pk}'")
    expect(at(reading, talk.Jun)).to_be_visible()
    expect(at(reading, talk.Jun)).to_be_focused()

    fold_all(reading)
    reading.goto("about:blank")
    open_story(live_server, reading, article, f"#comment-{talk.Jun.pk}")
    expect(at(reading, talk.Jun)).to_be_in_viewport()


def test_the_stored_folding_state_is_bounded(reading):
    reading.evaluate(
        """() => {
          const kept = {};
          for (let n = 0; n < 80; n++) kept[`/stories/${n}/`] = [n, 1, 2];
          localStorage.setItem("folded", JSON.stringify(kept));
        }"""
    )
    fold_all(reading)
    assert reading.evaluate("Object.keys(JSON.parse(localStorage.folded)).length") == 50


def test_folding_inserts_no_layout_shift(live_server, page, article, talk):
    page.add_init_script(SHIFTS_FROM_THE_START)
    for size in (DESK, PHONE):
        page.goto("about:blank")
        page.set_viewport_size(size)
        open_story(live_server, page, article, "#comments")
        page.locator(".fold").first.wait_for()
        assert_stands_still(page)


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("rest", ["", "#comments"])
def test_fonts_that_arrive_late_shift_nothing(live_server, page, article, talk, size, rest):
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
    page.evaluate("document.fonts.ready.then(() => true)")
    page.wait_for_timeout(200)
    assert page.evaluate("document.fonts.check('1rem \"Soundoff Sans\"')")
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") > 0
    assert page.evaluate("shifts.reduce((sum, shift) => sum + shift, 0)") < 0.005
