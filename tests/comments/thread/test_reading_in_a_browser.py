"""Reading a thread in Chromium: orders, further pages, keyboard, offline and print."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from comments.models import Comment
from comments.services.states import set_comment_field
from comments.thread import pages
from tests.comments.in_a_browser import (
    DESK,
    PHONE,
    choose_order,
    fold_all,
    import_thread,
    locate,
    open_story,
    order_of,
)
from tests.factories import UserFactory, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("with_scripts", [True, False])
def test_an_order_is_chosen_remembered_and_left_by_back(browser, live_server, article, thread, with_scripts):
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    open_story(live_server, page, article)
    if with_scripts:
        page.evaluate("window.same = true")
    assert order_of(page)[0] == thread.Bo.pk

    choose_order(page, "Oldest first")
    page.wait_for_url("**/?order=oldest*")
    expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{thread.Marit.pk}")
    expect(page.locator(".orders [aria-current]")).to_have_text("Oldest first")
    if with_scripts:
        assert page.evaluate("window.same")
        expect(page.locator(".orders summary")).to_be_focused()

        page.go_back()
        expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{thread.Bo.pk}")
        page.go_forward()
        expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{thread.Marit.pk}")

    open_story(live_server, page, article)
    assert order_of(page)[0] == thread.Marit.pk
    context.close()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_more_comments_and_more_replies(browser, live_server, article, monkeypatch, with_scripts):
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", 6)
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 2)
    import_thread(article, roots=9, replies=7)
    every = set(Comment.objects.filter(discussion=article.pk).values_list("pk", flat=True))
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    open_story(live_server, page, article, "?order=oldest")
    seen = set(order_of(page))

    for _ in range(10):
        if not (link := page.locator(".more").first).count():
            break
        before = len(order_of(page))
        link.click()
        if with_scripts:
            page.locator(".thread article").nth(before).wait_for(state="attached")
            expect(page.locator(".thread article:focus")).to_have_count(1)
            assert len(order_of(page)) == len(set(order_of(page)))
        page.wait_for_load_state()
        seen |= set(order_of(page))
        if not with_scripts and "after=" in page.url and "comments/" in page.url:
            page.get_by_role("link", name="All comments").click()
            page.goto(page.url.split("#")[0] + "?order=oldest")
            page.locator(".part > .more").click()
            page.wait_for_load_state()
            seen |= set(order_of(page))
            break
    if with_scripts:
        assert set(order_of(page)) == every
        roots = page.locator(".thread > ol > li > article").evaluate_all("nodes => nodes.map((n) => n.id)")
        assert roots == sorted(roots, key=lambda key: int(key.removeprefix("comment-")))
        assert page.url.endswith("?order=oldest")  # the URL of the page is still that of its start
        last = page.locator(".thread > ol > li > article").last
        last.scroll_into_view_if_needed()
        page.reload()
        expect(page.locator(".more")).to_have_count(0)
        assert set(order_of(page)) == every  # all loaded comments stay
        expect(last).to_be_in_viewport()
        choose_order(page, "Newest first")
        page.wait_for_url("**/?order=newest*")
        page.go_back()
        expect(page.locator(".orders [aria-current]")).to_have_text("Oldest first")
        expect(page.locator(".more")).to_have_count(0)
        assert set(order_of(page)) == every
        assert page.failures == []
    else:
        assert len(seen) > 9
    context.close()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_comments_own_page_opens_at_it(browser, live_server, article, monkeypatch, with_scripts):
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 2)
    import_thread(article, roots=1, replies=14)
    last = Comment.objects.filter(discussion=article.pk).latest("pk")
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    page = context.new_page()
    if with_scripts:
        open_story(live_server, page, article)
        fold_all(page)
        expect(page.locator(".orders button")).to_have_text("Unfold all")
    open_story(live_server, page, article, f"comments/{last.pk}/")
    own = locate(page, last)
    expect(own).to_be_in_viewport()
    expect(own).to_be_focused()
    if with_scripts:
        assert own.evaluate("node => node.ariaLabel") == "Bo 13, replying to Bo 12"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # the words that were sent
    expect(own.locator("h3 ~ a")).to_have_text(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
    context.close()


def test_offline_a_reply_says_so_and_opens_once_the_site_is_back(live_server, page, article, thread):
    open_story(live_server, page, article)
    reply = locate(page, thread.Olav).get_by_role("link", name="Reply")
    page.context.set_offline(True)
    reply.click()
    alert = locate(page, thread.Olav).get_by_role("alert")
    expect(alert).to_contain_text("The site can’t be reached")
    reply.click()
    expect(alert).to_have_count(1)
    page.context.set_offline(False)
    reply.click()
    page.get_by_label("Your comment").wait_for()
    expect(alert.filter(has_text="be reached").filter(visible=True)).to_have_count(0)


def test_offline_more_comments_says_so_and_stays(live_server, page, article, monkeypatch):
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", 3)
    import_thread(article, roots=6, replies=0)
    open_story(live_server, page, article)
    page.context.set_offline(True)
    link = page.get_by_role("link", name="More comments")
    link.click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The site can’t be reached")
    assert page.url.endswith(article.get_absolute_url())
    page.context.set_offline(False)
    link.click()
    expect(page.locator(".thread article")).to_have_count(6)
    expect(alert).to_have_count(0)


def test_the_scroll_position_stays_after_choosing_a_theme(story_page):
    story_page.get_by_role("button", name="dark").click()
    story_page.wait_for_url("**/#foot")
    expect(story_page.get_by_role("button", name="dark")).to_be_in_viewport()


def test_a_thread_is_used_by_keyboard_alone(live_server, page, article, thread):
    """Read, fold, unfold, quote, reply and open a deeper reply; check the focus after each step."""
    page.set_viewport_size(DESK)
    open_story(live_server, page, article)
    where = """() => {
      const node = document.activeElement, comment = node.closest("article");
      const by = comment?.querySelector("h3 > bdi")?.textContent;
      const label = node.ariaLabel || node.labels?.[0]?.textContent;
      const name = (label || node.textContent || node.value).trim();
      return [name.slice(0, 30), by ?? ""];
    }"""
    steps = []

    def press(key, until=None):
        for _ in range(40):
            page.keyboard.press(key)
            page.wait_for_timeout(20)
            name = page.evaluate(where)
            if until is None or name[0].startswith(until):
                break
        steps.append(tuple(name))

    press("Tab", "Skip to the comments")
    press("Enter")
    press("Tab", "Order of the comments")
    press("Enter")
    press("Tab", "Fold all")
    expect(page.get_by_role("button", name="Fold all")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("button", name="Fold all")).not_to_be_visible()
    press("Tab", "Find in this discussion")
    press("Tab", "Add to the discussion")
    press("Tab", "3 replies to Marit")
    press("Enter")
    expect(locate(page, thread.Tollef)).not_to_be_visible()
    press("Enter")
    expect(locate(page, thread.Tollef)).to_be_visible()
    press("Tab", "Marit")
    press("Enter")
    expect(locate(page, thread.Tollef).locator(".quote")).to_be_visible()
    press("Escape")
    press("Tab", "Reply")
    page.keyboard.press("Enter")
    page.get_by_label("Your comment").wait_for()
    expect(page.get_by_label("Your comment")).to_be_focused()
    steps.append(tuple(page.evaluate(where)))
    page.keyboard.type("A word by hand.")
    press("Tab", "Name")
    page.keyboard.type("Nadia")
    press("Tab", "E-mail")
    page.keyboard.type("nadia@example.org")
    press("Tab", "Post comment")
    page.keyboard.press("Enter")
    page.get_by_text("A word by hand.").wait_for()
    own = Comment.objects.get(author_name="Nadia")
    expect(locate(page, own)).to_be_focused()
    assert own.parent == thread.Tollef
    assert steps == [
        ("Skip to the comments", ""),
        ("6 comments", ""),
        ("Order of the comments: Newest ", ""),
        ("Order of the comments: Newest ", ""),
        ("Fold all", ""),
        ("Order of the comments: Newest ", ""),
        ("Find in this discussion", ""),
        ("Add to the discussion…", ""),
        ("3 replies to Marit", ""),
        ("3 replies to Marit", ""),
        ("3 replies to Marit", ""),
        ("Marit", "Tollef"),
        ("Marit", "Tollef"),
        ("Marit", "Tollef"),
        ("Reply to Tollef", "Tollef"),
        ("Your comment*", "Tollef"),
        ("Name*", "Tollef"),
        ("E-mail*", "Tollef"),
        ("Post comment", "Tollef"),
    ]


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_member_recommends_and_takes_it_back(browser, live_server, client, article, thread, with_scripts):
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    log_in(context, live_server, UserFactory(name="Ruth"))
    open_story(live_server, page, article)
    button = locate(page, thread.Olav).get_by_role("button", name="Recommend")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    if with_scripts:
        expect(button).to_have_text("Recommend 1")
        expect(button).to_be_focused()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    context.close()


def test_a_stranger_sees_a_count_and_no_button(live_server, page, article, thread):
    Comment.objects.filter(pk=thread.Olav.pk).update(recommend_count=12)
    open_story(live_server, page, article)
    expect(locate(page, thread.Olav)).to_contain_text("12 recommendations")
    assert page.get_by_role("button", name="Recommend").count() == 0


def test_a_line_of_a_story_has_60_to_75_characters(story_page):
    lengths = {}
    for width in WIDTHS:
        story_page.set_viewport_size({"width": width, "height": 900})
        lengths[width] = story_page.locator(".prose p").first.evaluate(
            """paragraph => {
              const text = paragraph.firstChild, range = document.createRange(), lines = new Map();
              for (let n = 0; n < text.length; n++) {
                range.setStart(text, n);
                range.setEnd(text, n + 1);
                const y = Math.round(range.getBoundingClientRect().top);
                lines.set(y, (lines.get(y) ?? 0) + 1);
              }
              return [...lines.values()].slice(0, -1);
            }"""
        )
    phone, desktop = (sum(each) / len(each) for each in lengths.values())
    assert 30 <= phone <= 50  # as wide as the phone is
    assert 60 <= desktop <= 75
    assert max(lengths[1280]) <= 80


def test_print_shows_only_the_story_and_the_thread(story_page, thread):
    fold_all(story_page)
    story_page.locator("details.menu").evaluate_all("menus => menus.forEach((menu) => { menu.open = true })")
    story_page.emulate_media(media="print")
    for kept in (
        ".story h1",
        ".prose p",
        "#comments",
        f"#comment-{thread.Marit.pk} h3",
        f"#comment-{thread.Jun.pk} h3",
    ):
        expect(story_page.locator(kept).first).to_be_visible()
    outside = ".masthead, .account, .foot, .orders, .find, .compose"
    furniture = f"{outside}, .fold, .menu > *, .skip, .notice-bar, .thread footer a"
    assert (
        story_page.locator(furniture).evaluate_all("nodes => nodes.filter((n) => n.checkVisibility()).length")
        == 0
    )
    assert (
        locate(story_page, thread.Jun).bounding_box()["x"]
        > locate(story_page, thread.Marit).bounding_box()["x"]
    )


def test_the_author_of_a_pick_is_printed_below_its_text(live_server, page, article):
    picked = make_comment(article, "A long sentence about the boat. " * 10, author=UserFactory(name="Per"))
    set_comment_field(field="is_pick", values={picked.pk: True})
    open_story(live_server, page, article)
    page.emulate_media(media="print")
    text, author = (page.locator(f".pick-of {part}").bounding_box() for part in ("blockquote", "figcaption"))
    assert author["y"] >= text["y"] + text["height"]
    assert author["width"] > text["width"] / 2


def test_a_comment_is_of_just_now_for_a_minute_although_its_time_has_no_seconds(live_server, page, article):
    made = timezone.now().replace(second=50, microsecond=0) - timedelta(hours=1)
    comment = make_comment(article, "At once.", author=UserFactory(name="Per"))
    Comment.objects.filter(pk=comment.pk).update(created_at=made)
    for seconds, words in ((0, "just now"), (59, "just now"), (75, "1 minute ago"), (1810, "30 minutes ago")):
        page.clock.set_fixed_time(made + timedelta(seconds=seconds))
        open_story(live_server, page, article)
        expect(page.locator(".thread time")).to_have_text(words)


def test_a_page_that_is_open_for_a_day_has_the_dates_of_its_comments_again(live_server, page, article):
    made = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    comment = make_comment(article, "At once.", author=UserFactory(name="Per"))
    Comment.objects.filter(pk=comment.pk).update(created_at=made)
    page.clock.set_fixed_time(made + timedelta(hours=23, minutes=30))
    open_story(live_server, page, article)
    link = locate(page, comment).locator("h3 ~ a")
    expect(link).to_have_accessible_name("23 hours ago, comment by Per")

    page.clock.set_fixed_time(made + timedelta(hours=25))
    page.evaluate("dispatchEvent(new Event('afterprint'))")  # one of the events after which times are updated

    expect(link.locator("time")).to_have_text(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
    expect(link).to_have_accessible_name(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d, comment by Per$"))


def test_the_menu_of_a_comment_opens_below_its_button_inside_the_screen(story_page, thread):
    story_page.set_viewport_size({"width": 390, "height": 844})
    menu = locate(story_page, thread.Jun).locator(".menu")
    menu.locator("summary").click()
    button, opened = menu.locator("summary").bounding_box(), menu.locator("p").bounding_box()
    assert opened["y"] >= button["y"] + button["height"]
    assert opened["x"] < button["x"] + button["width"] <= opened["x"] + opened["width"] + 1
    assert 0 <= opened["x"] <= 390 - opened["width"]


def test_the_button_of_the_search_in_a_discussion_stays_on_one_line(story_page):
    story_page.locator(".find > summary").click()
    button = story_page.locator(".find form").get_by_role("button", name="Find")
    assert button.evaluate("node => node.scrollWidth <= node.clientWidth && node.clientHeight < 60")
    assert button.bounding_box()["width"] > 60


def test_a_printed_page_has_absolute_times_and_the_url_of_the_rest(live_server, page, article, monkeypatch):
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", 3)
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 2)
    import_thread(article, roots=6, replies=4)
    make_comment(article, "A moment ago.", author=UserFactory(name="Per"))
    page.clock.set_fixed_time(timezone.now() + timedelta(minutes=2))
    open_story(live_server, page, article, "?order=newest")
    time = page.locator(".thread time").first
    expect(time).to_have_text(re.compile("minute"))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(time).to_have_text(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(time).to_have_text(re.compile("minute"))

    expect(page.locator(".paper").first).not_to_be_visible()
    expect(page.get_by_role("link", name="More comments", exact=True)).to_be_visible()
    page.emulate_media(media="print")
    more = page.locator(".part > .more")
    expect(more.locator(".paper")).to_be_visible()
    assert more.inner_text() == "More comments (on the web page)"
    open_story(live_server, page, article, "?order=discussed")
    assert page.locator(".thread .more").first.inner_text() == ("Show 2 more replies (on the web page)")


def test_axe_finds_nothing_in_opened_menus_and_forms(polling_page, article, thread):
    page = polling_page
    page.set_viewport_size(PHONE)
    locate(page, thread.Ada).get_by_role("link", name="Tollef").click()
    page.get_by_role("button", name="1 reply to Ada").click()
    make_comment(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").wait_for()
    page.clock.resume()
    for _ in range(2):
        assert faults(page, widths=WIDTHS) == []
        if page.get_by_role("button", name="1 new comment", exact=True).count():
            page.get_by_role("button", name="1 new comment", exact=True).click()
            page.locator(".dot").first.wait_for()


@pytest.mark.parametrize("chosen", ["light", "dark", "auto"])
def test_the_theme_follows_the_system_unless_one_is_chosen(live_server, page, article, chosen):
    open_story(live_server, page, article)
    page.locator(f".theme [value={chosen}]").click()
    page.wait_for_load_state()
    for system in ("light", "dark"):
        page.emulate_media(color_scheme=system)
        paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        is_dark = int(re.findall(r"\d+", paper)[0]) < 100
        assert is_dark == ((system if chosen == "auto" else chosen) == "dark"), system


def test_without_scripts_an_opened_menu_closes_the_one_before(browser, live_server, article, thread):
    page = browser.new_context(java_script_enabled=False).new_page()
    open_story(live_server, page, article)
    menus = page.locator(".thread .menu")
    for opened, other in ((0, 1), (1, 0)):
        menus.nth(opened).locator("summary").click()
        expect(menus.nth(opened)).to_have_attribute("open", "")
        expect(menus.nth(other)).not_to_have_attribute("open", "")
    page.context.close()
