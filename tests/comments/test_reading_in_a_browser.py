"""A thread as a place: orders, further parts, folding, quotations and what is new, in Chromium."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import axe_playwright_python
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from comments import thread
from comments.imports import Imported, import_comments
from comments.models import Comment, Discussion, Reason, State
from comments.services import change_discussion, change_states
from tests.factories import UserFactory, make_article, say

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
# Whatever shifts, also what answers a press: here nothing may.
SHIFTS = """window.shifts = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) shifts.push(entry.value);
}).observe({ type: "layout-shift" })"""
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def article():
    made = make_article("The last ferry", body="\n\n".join(["A story of some length. " * 40] * 3))
    change_discussion(article=made, moderation=Discussion.Moderation.POST)
    return made


@pytest.fixture
def talk(article):
    """Marit, answered by Tollef, whom Ada answers, whom Jun answers; then Olav; then Bo."""
    return talk_of(article)


def talk_of(article):
    said, parent = {}, None
    for name in ("Marit", "Tollef", "Ada", "Jun"):
        parent = said[name] = say(
            article, f"{name} has a word.", author=UserFactory(name=name), parent=parent
        )
    for name in ("Olav", "Bo"):
        said[name] = say(article, f"{name} has a word.", author=UserFactory(name=name))
    return SimpleNamespace(**said)


def bring_in(article, roots, replies):
    """So many first-level comments, the first with a chain of so many replies, each under the one before."""
    article.source_key = f"test|{article.slug}"
    article.save()
    start, made = timezone.now() - timedelta(days=3), []
    for n in range(roots):
        made.append(
            Imported(
                source_id=f"{n}", author_name="Ida", body=f"Root {n}", created_at=start + timedelta(hours=n)
            )
        )
    for n in range(replies):
        at = start + timedelta(days=2, minutes=n)
        parent = len(made) - 1 if n else 0
        made.append(
            Imported(
                source_id=f"r{n}", author_name=f"Bo {n}", body=f"Reply {n}", created_at=at, parent=parent
            )
        )
    import_comments(article=article, comments=made, actor=None, batch=uuid4())


@pytest.fixture
def reading(live_server, page, article, talk):
    page.set_viewport_size(DESK)
    open_story(live_server, page, article)
    return page


def open_story(live_server, page, article, rest=""):
    page.failures = []
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    page.goto(live_server.url + article.get_absolute_url() + rest)


def at(page, comment):
    return page.locator(f"#comment-{comment.pk}")


def order_of(page) -> list[int]:
    found = page.locator(".thread article").evaluate_all("nodes => nodes.map((node) => node.id)")
    return [int(key.removeprefix("comment-")) for key in found]


@pytest.mark.parametrize("with_scripts", [True, False])
def test_an_order_is_chosen_remembered_and_gone_back_from(browser, live_server, article, talk, with_scripts):
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    open_story(live_server, page, article)
    if with_scripts:
        page.evaluate("window.same = true")
    assert order_of(page)[0] == talk.Bo.pk

    page.get_by_role("link", name="Oldest first").click()
    page.wait_for_url("**/?order=oldest*")
    expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{talk.Marit.pk}")
    expect(page.locator(".orders [aria-current]")).to_have_text("Oldest first")
    if with_scripts:
        assert page.evaluate("window.same")
        expect(page.get_by_role("link", name="Oldest first")).to_be_focused()

        page.go_back()
        expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{talk.Bo.pk}")
        page.go_forward()
        expect(page.locator(".thread article").first).to_have_attribute("id", f"comment-{talk.Marit.pk}")

    open_story(live_server, page, article)
    assert order_of(page)[0] == talk.Marit.pk
    context.close()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_more_comments_and_more_replies(browser, live_server, article, monkeypatch, with_scripts):
    monkeypatch.setattr(thread, "BUDGET", 6)
    monkeypatch.setattr(thread, "REPLIES", 2)
    bring_in(article, roots=9, replies=7)
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
        seen |= set(order_of(page))
        if not with_scripts and "after=" in page.url and "comments/" in page.url:
            page.get_by_role("link", name="All comments").click()
            page.goto(page.url.split("#")[0] + "?order=oldest")
            page.locator(".part > .more").click()
            seen |= set(order_of(page))
            break
    if with_scripts:
        assert set(order_of(page)) == every
        roots = page.locator(".thread > ol > li > article").evaluate_all("nodes => nodes.map((n) => n.id)")
        assert roots == sorted(roots, key=lambda key: int(key.removeprefix("comment-")))
        assert page.url.endswith("?order=oldest")  # of the page's start
        last = page.locator(".thread > ol > li > article").last
        last.scroll_into_view_if_needed()
        page.reload()
        expect(page.locator(".more")).to_have_count(0)
        assert set(order_of(page)) == every  # nothing that was loaded is taken away again
        expect(last).to_be_in_viewport()
        page.get_by_role("link", name="Newest first").click()
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
    monkeypatch.setattr(thread, "REPLIES", 2)
    bring_in(article, roots=1, replies=14)
    last = Comment.objects.filter(discussion=article.pk).latest("pk")
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    page = context.new_page()
    if with_scripts:
        open_story(live_server, page, article)
        page.get_by_role("button", name="Fold all").click()
        page.get_by_role("button", name="Unfold all").wait_for()
    open_story(live_server, page, article, f"comments/{last.pk}/")
    own = at(page, last)
    expect(own).to_be_in_viewport()
    expect(own).to_be_focused()
    if with_scripts:
        assert own.evaluate("node => node.ariaLabel") == "Bo 13, replying to Bo 12"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # the words that were sent
    expect(own.locator("h3 ~ a")).to_have_text(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
    context.close()


def test_offline_a_reply_says_so_and_opens_once_the_site_is_back(live_server, page, article, talk):
    open_story(live_server, page, article)
    reply = at(page, talk.Olav).get_by_role("link", name="Reply")
    page.context.set_offline(True)
    reply.click()
    alert = at(page, talk.Olav).get_by_role("alert")
    expect(alert).to_contain_text("the site cannot be reached")
    reply.click()
    expect(alert).to_have_count(1)
    page.context.set_offline(False)
    reply.click()
    page.get_by_label("Your comment").wait_for()
    expect(alert.filter(has_text="cannot be reached").filter(visible=True)).to_have_count(0)


def test_offline_more_comments_says_so_and_stays(live_server, page, article, monkeypatch):
    monkeypatch.setattr(thread, "BUDGET", 3)
    bring_in(article, roots=6, replies=0)
    open_story(live_server, page, article)
    page.context.set_offline(True)
    link = page.get_by_role("link", name="More comments")
    link.click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("the site cannot be reached")
    assert page.url.endswith(article.get_absolute_url())
    page.context.set_offline(False)
    link.click()
    expect(page.locator(".thread article")).to_have_count(6)
    expect(alert).to_have_count(0)


def test_a_thumb_folds_by_the_round_button_only(browser, live_server, article):
    bring_in(article, roots=1, replies=12)
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


def test_back_at_the_foot_after_the_colours_were_chosen(reading):
    reading.get_by_role("button", name="dark").click()
    reading.wait_for_url("**/#foot")
    expect(reading.get_by_role("button", name="dark")).to_be_in_viewport()


def test_six_levels_are_indented_and_three_on_a_phone(live_server, page, article):
    bring_in(article, roots=1, replies=12)
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


def test_a_name_shows_what_is_answered_and_puts_it_away_again(reading, talk):
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
    monkeypatch.setattr(thread, "REPLIES", 2)
    bring_in(article, roots=1, replies=6)
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


def test_without_scripts_a_name_leads_to_what_is_answered(browser, live_server, article, talk):
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
    assert reading.evaluate("Object.keys(localStorage)") == []


def test_all_fold_and_unfold(reading, talk):
    reading.get_by_role("button", name="Fold all").click()
    expect(at(reading, talk.Tollef)).not_to_be_visible()
    expect(at(reading, talk.Marit)).to_be_visible()
    reading.get_by_role("button", name="Unfold all").click()
    expect(at(reading, talk.Jun)).to_be_visible()


def test_a_link_to_a_folded_comment_unfolds_it(live_server, reading, article, talk):
    reading.get_by_role("button", name="Fold all").click()
    reading.evaluate(f"location.hash = 'comment-{talk.Jun.pk}'")
    expect(at(reading, talk.Jun)).to_be_visible()
    expect(at(reading, talk.Jun)).to_be_focused()

    reading.get_by_role("button", name="Fold all").click()
    reading.goto("about:blank")
    open_story(live_server, reading, article, f"#comment-{talk.Jun.pk}")
    expect(at(reading, talk.Jun)).to_be_in_viewport()


def test_what_is_remembered_of_folding_has_a_bound(reading):
    reading.evaluate(
        """() => {
          const kept = {};
          for (let n = 0; n < 80; n++) kept[`/stories/${n}/`] = [n, 1, 2];
          localStorage.setItem("folded", JSON.stringify(kept));
        }"""
    )
    reading.get_by_role("button", name="Fold all").click()
    assert reading.evaluate("Object.keys(JSON.parse(localStorage.folded)).length") == 50


def test_folding_inserts_no_layout_shift(live_server, page, article, talk):
    page.add_init_script(SHIFTS.replace('"layout-shift"', '"layout-shift", buffered: true'))
    for size in (DESK, PHONE):
        page.goto("about:blank")
        page.set_viewport_size(size)
        open_story(live_server, page, article, "#comments")
        page.locator(".fold").first.wait_for()
        page.wait_for_timeout(200)
        assert page.evaluate("shifts") == []
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert painted > 0


@pytest.fixture
def waiting(page, live_server, article, talk):
    """A page whose clock the test moves; what it asks for while it waits is in `page.asked`."""
    page.clock.install()
    page.set_viewport_size(DESK)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url.removeprefix(live_server.url)))
    open_story(live_server, page, article)
    page.locator(".fold").first.wait_for()
    page.asked.clear()
    return page


def versions(page) -> int:
    return sum(url.endswith("/version/") for url in page.asked)


def test_new_comments_are_offered_without_moving_anything_and_shown_in_their_place(waiting, article, talk):
    page = waiting
    at(page, talk.Olav).get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").fill("I am still writing.")
    page.get_by_label("Name").fill("Nadia")
    page.get_by_role("button", name="1 reply to Ada").click()
    at(page, talk.Tollef).scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 150)")
    page.evaluate(SHIFTS)
    before = at(page, talk.Tollef).bounding_box()

    answer = say(article, "I say so too.", author=UserFactory(name="Ingrid"), parent=talk.Marit)
    root = say(article, "And I.", author=UserFactory(name="Per"))
    deep = say(article, "Deeper down.", author=UserFactory(name="Lise"), parent=talk.Jun)
    change_states(ids=[talk.Bo.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    page.clock.run_for(30_000)
    offer = page.get_by_role("button", name="3 new comments")
    expect(offer).to_be_visible()
    assert offer.evaluate("node => node.closest('[aria-live]').ariaLive") == "polite"
    page.wait_for_timeout(100)
    assert page.evaluate("shifts") == []
    assert page.locator(".thread article.new").count() == 0

    offer.click()
    expect(at(page, root)).to_contain_text("New")
    assert order_of(page)[0] == root.pk
    assert at(page, answer).evaluate("node => node.closest('ol').closest('li').firstElementChild.id") == (
        f"comment-{talk.Marit.pk}"
    )
    expect(at(page, talk.Bo)).to_have_count(0)
    expect(page.get_by_role("heading", level=2)).to_contain_text("8 comments")
    expect(page.get_by_label("Your comment")).to_have_value("I am still writing.")
    expect(at(page, deep)).not_to_be_visible()  # what was folded stays so, and says that it has grown
    expect(page.get_by_role("button", name="2 replies to Ada")).to_have_attribute("aria-expanded", "false")
    after = at(page, talk.Tollef).bounding_box()
    assert abs(after["y"] - before["y"]) < 1

    guide = page.get_by_role("button", name="Go to the first of 3 new comments")
    expect(guide).to_be_focused()
    guide.press("Enter")
    expect(at(page, root)).to_be_focused()
    page.get_by_role("button", name="Next new comment").press("Enter")
    expect(at(page, deep)).to_be_focused()
    expect(at(page, deep)).to_be_visible()
    page.get_by_role("button", name="Next new comment").press("Enter")
    expect(at(page, answer)).to_be_focused()
    expect(page.locator(".news > *")).to_have_count(0)
    assert page.failures == []

    page.asked.clear()
    page.clock.run_for(30_000)
    page.wait_for_timeout(200)
    assert page.locator(".news > *").count() == 0  # what was shown is not new again


def test_a_removed_comment_with_answers_leaves_its_placeholder(waiting, article, talk):
    page = waiting
    change_states(ids=[talk.Tollef.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    say(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(at(page, talk.Tollef)).to_have_text(re.compile("Removed by a moderator"))
    expect(at(page, talk.Ada)).to_be_visible()


def test_what_is_new_on_other_pages_is_said_with_a_link(waiting, article, talk, monkeypatch):
    monkeypatch.setattr(thread, "REPLIES", 3)
    page = waiting
    beyond = say(article, "Beyond the cap.", author=UserFactory(name="Per"), parent=talk.Marit)
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    elsewhere = page.get_by_role("link", name="New comment 1 of 1")
    expect(elsewhere).to_be_focused()
    expect(page.get_by_role("link", name="Show 1 more reply")).to_be_visible()
    assert order_of(page) == [
        talk.Bo.pk,
        talk.Olav.pk,
        talk.Marit.pk,
        talk.Tollef.pk,
        talk.Ada.pk,
        talk.Jun.pk,
    ]
    page.clock.resume()
    elsewhere.press("Enter")
    page.wait_for_url(f"**/comments/{beyond.pk}/")
    expect(at(page, beyond)).to_be_focused()


def test_the_first_comment_of_all_comes_in_its_place(live_server, page, article):
    page.clock.install()
    open_story(live_server, page, article)
    page.locator(".news").wait_for(state="attached")
    first = say(article, "The first word.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(at(page, first)).to_contain_text("The first word.")
    expect(page.get_by_role("heading", level=2)).to_contain_text("1 comment")
    assert page.failures == []


def test_an_order_chosen_in_another_tab_takes_nothing_away(waiting, live_server, article, talk, monkeypatch):
    page, other = waiting, waiting.context.new_page()
    open_story(live_server, other, article)
    other.get_by_role("link", name="Oldest first").click()
    other.wait_for_url("**/?order=oldest*")
    monkeypatch.setattr(thread, "BUDGET", 2)  # of which the other order would now show other comments
    root = say(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(at(page, root)).to_contain_text("New")
    assert order_of(page)[:3] == [root.pk, talk.Bo.pk, talk.Olav.pk]
    assert len(order_of(page)) == 7


def test_what_rises_in_an_order_of_merit_is_not_new(live_server, page, article, monkeypatch):
    bring_in(article, roots=6, replies=0)
    roots = list(Comment.objects.filter(discussion=article.pk).order_by("pk"))
    for n, root in enumerate(roots):
        Comment.objects.filter(pk=root.pk).update(recommend_count=n + 1)
    monkeypatch.setattr(thread, "BUDGET", 3)
    page.clock.install()
    open_story(live_server, page, article, "?order=recommended")
    page.locator(".news").wait_for(state="attached")
    assert order_of(page) == [root.pk for root in reversed(roots[3:])]

    Comment.objects.filter(pk=roots[0].pk).update(recommend_count=50)
    say(article, "A reply.", author=UserFactory(name="Per"), parent=roots[5])
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    page.get_by_role("button", name="Go to the new comment").wait_for()
    assert page.locator(".thread .new").count() == 1
    assert set(order_of(page)) >= {root.pk for root in roots[3:]}


def test_a_quiet_page_asks_less_and_less_and_a_hidden_one_not_at_all(waiting):
    page = waiting
    # Counted in the page: that an answer has arrived does not yet say that the script has read it and
    # set its next timer, and the clock must not go on before it has.
    page.evaluate("""() => {
      const ask = window.fetch;
      window.underway = 0;
      window.fetch = async (...what) => {
        window.underway += 1;
        const response = await ask(...what).catch((error) => { window.underway -= 1; throw error; });
        const read = response.json.bind(response);
        response.json = () => read().finally(() => { window.underway -= 1; });
        return response;
      };
    }""")

    def go_on(seconds):
        for _ in range(seconds // 15):
            page.clock.run_for(15_000)
            while page.evaluate("underway"):
                page.wait_for_timeout(10)

    go_on(30)
    assert versions(page) == 1
    go_on(45)
    assert versions(page) == 2
    go_on(60)
    assert versions(page) == 2  # the third is asked after 67.5 s
    go_on(3600)
    asked = versions(page)
    assert 8 <= asked <= 16
    go_on(1200)
    assert versions(page) - asked == 2  # every ten minutes, and no more rarely than that

    hide = "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }})"
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(f"() => {{ {hide.format('true')}; {turn} }}")
    asked = versions(page)
    go_on(1800)
    assert versions(page) == asked
    page.evaluate(f"() => {{ {hide.format('false')}; {turn} }}")
    go_on(15)
    assert versions(page) == asked + 1


def test_by_keyboard_alone(live_server, page, article, talk):
    """Reads, folds, unfolds, quotes, replies and opens a deeper reply; each step says where the focus is."""
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
    press("Tab", "Fold all")
    press("Tab", "Add to the discussion")
    press("Tab", "3 replies to Marit")
    press("Enter")
    expect(at(page, talk.Tollef)).not_to_be_visible()
    press("Enter")
    expect(at(page, talk.Tollef)).to_be_visible()
    press("Tab", "Marit")
    press("Enter")
    expect(at(page, talk.Tollef).locator(".quote")).to_be_visible()
    press("Escape")
    press("Tab", "Reply")
    page.keyboard.press("Enter")
    page.get_by_label("Name").wait_for()
    expect(page.get_by_label("Name")).to_be_focused()
    steps.append(tuple(page.evaluate(where)))
    page.keyboard.type("Nadia")
    press("Tab", "E-mail")
    page.keyboard.type("nadia@example.org")
    press("Tab", "Your comment")
    page.keyboard.type("A word by hand.")
    press("Tab", "Send")
    page.keyboard.press("Enter")
    page.get_by_text("A word by hand.").wait_for()
    own = Comment.objects.get(author_name="Nadia")
    expect(at(page, own)).to_be_focused()
    assert own.parent == talk.Tollef
    assert steps == [
        ("Skip to the comments", ""),
        ("6 comments", ""),
        ("Fold all", ""),
        ("Add to the discussion…", ""),
        ("3 replies to Marit", ""),
        ("3 replies to Marit", ""),
        ("3 replies to Marit", ""),
        ("Marit", "Tollef"),
        ("Marit", "Tollef"),
        ("Marit", "Tollef"),
        ("Reply to Tollef", "Tollef"),
        ("Name*", "Tollef"),
        ("E-mail*", "Tollef"),
        ("Your comment*", "Tollef"),
        ("Send", "Tollef"),
    ]


def logged_in(client, context, url, user):
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_member_recommends_and_takes_it_back(browser, live_server, client, article, talk, with_scripts):
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    logged_in(client, context, live_server.url, UserFactory(name="Ruth"))
    open_story(live_server, page, article)
    button = at(page, talk.Olav).get_by_role("button", name="Recommend")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    if with_scripts:
        expect(button).to_have_text("Recommend 1")
        expect(button).to_be_focused()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    context.close()


def test_a_stranger_sees_a_count_and_no_button(live_server, page, article, talk):
    Comment.objects.filter(pk=talk.Olav.pk).update(recommend_count=12)
    open_story(live_server, page, article)
    expect(at(page, talk.Olav)).to_contain_text("12 recommend it")
    assert page.get_by_role("button", name="Recommend").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_a_line_of_a_story_has_60_to_75_characters(live_server, page, article, talk, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_story(live_server, page, article)
    lengths = page.locator(".prose p").first.evaluate(
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
    average = sum(lengths) / len(lengths)
    if width == 1280:
        assert 60 <= average <= 75
        assert max(lengths) <= 80
    else:
        assert 30 <= average <= 50  # as wide as the phone is


def test_on_paper_there_is_the_story_and_the_thread_and_no_furniture(reading, talk):
    reading.get_by_role("button", name="Fold all").click()
    reading.evaluate("document.querySelector('details.menu')?.setAttribute('open', '')")
    reading.emulate_media(media="print")
    for kept in (
        ".story h1",
        ".prose p",
        "#comments",
        f"#comment-{talk.Marit.pk} h3",
        f"#comment-{talk.Jun.pk} h3",
    ):
        expect(reading.locator(kept).first).to_be_visible()
    furniture = ".masthead, .account, .foot, .orders, .find, .compose, .fold, .thread footer a, .skip, .news"
    assert (
        reading.locator(furniture).evaluate_all("nodes => nodes.filter((n) => n.checkVisibility()).length")
        == 0
    )
    assert at(reading, talk.Jun).bounding_box()["x"] > at(reading, talk.Marit).bounding_box()["x"]


def test_on_paper_times_are_absolute_and_it_says_where_more_is(live_server, page, article, monkeypatch):
    monkeypatch.setattr(thread, "BUDGET", 3)
    monkeypatch.setattr(thread, "REPLIES", 2)
    bring_in(article, roots=6, replies=4)
    say(article, "A moment ago.", author=UserFactory(name="Per"))
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
    assert more.inner_text() == "More comments: the page in the browser holds them."
    open_story(live_server, page, article, "?order=discussed")
    assert page.locator(".thread .more").first.inner_text() == (
        "Show 2 more replies: the page in the browser holds them."
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_axe_finds_nothing_in_what_opens(waiting, article, talk, theme, size):
    page = waiting
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(size)
    at(page, talk.Ada).get_by_role("link", name="Tollef").click()
    page.get_by_role("button", name="1 reply to Ada").click()
    say(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").wait_for()
    page.evaluate(AXE)
    page.clock.resume()
    run = "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
    for _ in range(2):
        found = page.evaluate(run)["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
        if page.get_by_role("button", name="1 new comment", exact=True).count():
            page.get_by_role("button", name="1 new comment", exact=True).click()
            page.locator(".new").wait_for()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("chosen", ["light", "dark", "auto"])
def test_the_theme_is_the_systems_unless_one_is_chosen(live_server, page, article, system, chosen):
    page.emulate_media(color_scheme=system)
    open_story(live_server, page, article)
    page.locator(f".theme [value={chosen}]").click()
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    is_dark = int(re.findall(r"\d+", paper)[0]) < 100
    assert is_dark == ((system if chosen == "auto" else chosen) == "dark")
