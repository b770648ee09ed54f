"""New comments on an open page in Chromium: announced without moving anything, then shown in the thread."""

import re

import pytest
from playwright.sync_api import expect

from comments.models import Comment, Reason, State
from comments.services.states import change_states
from comments.thread import pages
from tests.comments.in_a_browser import SHIFTS, choose_order, import_thread, locate, open_story, order_of
from tests.factories import UserFactory, make_comment
from tests.helpers.browser import wait_for_fonts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def versions(page) -> int:
    return sum(url.endswith("/version/") for url in page.polling_requests)


def test_new_comments_are_offered_without_moving_anything_and_shown_in_their_place(
    polling_page, article, thread
):
    page = polling_page
    locate(page, thread.Olav).get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").fill("I am still writing.")
    page.get_by_label("Name").fill("Nadia")
    page.get_by_role("button", name="1 reply to Ada").click()
    locate(page, thread.Tollef).scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 150)")
    wait_for_fonts(page)
    page.evaluate(SHIFTS)
    before = locate(page, thread.Tollef).bounding_box()

    answer = make_comment(article, "I say so too.", author=UserFactory(name="Ingrid"), parent=thread.Marit)
    root = make_comment(article, "And I.", author=UserFactory(name="Per"))
    deep = make_comment(article, "Deeper down.", author=UserFactory(name="Lise"), parent=thread.Jun)
    change_states(ids=[thread.Bo.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    page.clock.run_for(30_000)
    offer = page.get_by_role("button", name="3 new comments")
    expect(offer).to_be_visible()
    assert offer.evaluate("node => node.closest('[aria-live]').ariaLive") == "polite"
    page.wait_for_timeout(100)
    assert page.evaluate("shifts") == []
    assert page.locator(".thread .dot").count() == 0

    offer.click()
    expect(locate(page, root)).to_contain_text("New")
    assert order_of(page)[0] == root.pk
    assert locate(page, answer).evaluate("node => node.closest('ol').closest('li').firstElementChild.id") == (
        f"comment-{thread.Marit.pk}"
    )
    expect(locate(page, thread.Bo)).to_have_count(0)
    expect(page.locator("#comments")).to_contain_text("8 comments")
    expect(page.get_by_label("Your comment")).to_have_value("I am still writing.")
    expect(locate(page, deep)).not_to_be_visible()  # a folded branch stays folded and shows its new count
    expect(page.get_by_role("button", name="2 replies to Ada")).to_have_attribute("aria-expanded", "false")
    after = locate(page, thread.Tollef).bounding_box()
    assert abs(after["y"] - before["y"]) < 1

    guide = page.get_by_role("button", name="Go to the first of 3 new comments")
    expect(guide).to_be_focused()
    guide.press("Enter")
    expect(locate(page, root)).to_be_focused()
    page.get_by_role("button", name="Next new comment (").press("Enter")
    expect(locate(page, deep)).to_be_focused()
    expect(locate(page, deep)).to_be_visible()
    page.get_by_role("button", name="Next new comment (").press("Enter")
    expect(locate(page, answer)).to_be_focused()
    expect(page.locator(".notice-bar > *")).to_have_count(0)
    assert page.failures == []

    page.polling_requests.clear()
    page.clock.run_for(30_000)
    page.wait_for_timeout(200)
    assert page.locator(".notice-bar > *").count() == 0  # shown comments are not new again


def test_a_removed_comment_with_answers_leaves_its_placeholder(polling_page, article, thread):
    page = polling_page
    change_states(ids=[thread.Tollef.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    make_comment(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(locate(page, thread.Tollef)).to_have_text(re.compile("Removed by a moderator"))
    expect(locate(page, thread.Ada)).to_be_visible()


def remove(comment):
    return change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)


def show_new_comment(page, article, body):
    make_comment(article, body, author=UserFactory())
    page.clock.run_for(30_000)
    page.get_by_role("button", name=re.compile(r"^\d new comments?$")).click()


def test_a_removed_comment_disappears_but_a_reply_being_written_stays(polling_page, article, thread):
    page, gone = polling_page, "This comment is no longer on this page."
    locate(page, thread.Jun).get_by_role("link", name="Reply").click()
    text = page.get_by_label("Your comment")
    text.fill("I am still writing.")
    remove(thread.Jun)
    show_new_comment(page, article, "And I.")
    expect(locate(page, thread.Jun).locator("> p")).to_have_text(gone)
    assert thread.Jun.body not in locate(page, thread.Jun).inner_text()
    expect(text).to_have_value("I am still writing.")
    page.get_by_role("link", name="Cancel").click()
    expect(text).to_have_count(0)
    assert page.failures == []


def test_a_comment_that_comes_back_is_whole_again(polling_page, article, thread):
    page = polling_page
    locate(page, thread.Jun).get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").wait_for()
    remove(thread.Jun)
    show_new_comment(page, article, "And I.")
    expect(locate(page, thread.Jun)).not_to_contain_text(thread.Jun.body)
    change_states(ids=[thread.Jun.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    show_new_comment(page, article, "And so do I.")
    expect(locate(page, thread.Jun)).to_contain_text(thread.Jun.body)
    expect(locate(page, thread.Jun)).not_to_contain_text("no longer")
    assert page.failures == []


def test_a_removed_comment_is_not_quoted_above_its_replies_any_more(polling_page, article, thread):
    page = polling_page
    locate(page, thread.Ada).get_by_role("link", name="Tollef").click()
    expect(locate(page, thread.Ada).locator(".quote")).to_contain_text(thread.Tollef.body)
    remove(thread.Tollef)
    show_new_comment(page, article, "And I.")
    expect(locate(page, thread.Tollef)).to_have_text(re.compile("Removed by a moderator"))
    expect(page.locator(".quote")).to_have_count(0)
    assert thread.Tollef.body not in page.locator(".talk").inner_text()
    assert page.failures == []


def test_new_comments_on_other_pages_are_announced_with_a_link(polling_page, article, thread, monkeypatch):
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 3)
    page = polling_page
    beyond = make_comment(article, "Beyond the cap.", author=UserFactory(name="Per"), parent=thread.Marit)
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    elsewhere = page.get_by_role("link", name="New comment 1 of 1")
    expect(elsewhere).to_be_focused()
    expect(page.get_by_role("link", name="Show 1 more reply")).to_be_visible()
    assert order_of(page) == [
        thread.Bo.pk,
        thread.Olav.pk,
        thread.Marit.pk,
        thread.Tollef.pk,
        thread.Ada.pk,
        thread.Jun.pk,
    ]
    page.clock.resume()
    elsewhere.press("Enter")
    page.wait_for_url(f"**/comments/{beyond.pk}/")
    expect(locate(page, beyond)).to_be_focused()


def test_the_first_comment_of_all_comes_in_its_place(live_server, page, article):
    page.clock.install()
    open_story(live_server, page, article)
    page.locator(".notice-bar").wait_for(state="attached")
    first = make_comment(article, "The first word.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(locate(page, first)).to_contain_text("The first word.")
    expect(page.locator("#comments")).to_contain_text("1 comment")
    assert page.failures == []


def test_an_order_chosen_in_another_tab_takes_nothing_away(
    polling_page, live_server, article, thread, monkeypatch
):
    page, other = polling_page, polling_page.context.new_page()
    open_story(live_server, other, article)
    choose_order(other, "Oldest first")
    other.wait_for_url("**/?order=oldest*")
    monkeypatch.setattr(
        pages, "COMMENTS_PER_PAGE", 2
    )  # a page of the other order would now have other comments
    root = make_comment(article, "And I.", author=UserFactory(name="Per"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(locate(page, root)).to_contain_text("New")
    assert order_of(page)[:3] == [root.pk, thread.Bo.pk, thread.Olav.pk]
    assert len(order_of(page)) == 7


def test_a_change_of_rank_is_not_new(live_server, page, article, monkeypatch):
    import_thread(article, roots=6, replies=0)
    roots = list(Comment.objects.filter(discussion=article.pk).order_by("pk"))
    for n, root in enumerate(roots):
        Comment.objects.filter(pk=root.pk).update(recommend_count=n + 1)
    monkeypatch.setattr(pages, "COMMENTS_PER_PAGE", 3)
    page.clock.install()
    open_story(live_server, page, article, "?order=recommended")
    page.locator(".notice-bar").wait_for(state="attached")
    assert order_of(page) == [root.pk for root in reversed(roots[3:])]

    Comment.objects.filter(pk=roots[0].pk).update(recommend_count=50)
    make_comment(article, "A reply.", author=UserFactory(name="Per"), parent=roots[5])
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    page.get_by_role("button", name="Go to the new comment").wait_for()
    assert page.locator(".thread .dot").count() == 1
    assert set(order_of(page)) >= {root.pk for root in roots[3:]}


def test_a_page_without_news_polls_less_often_and_a_hidden_one_never(polling_page):
    page = polling_page
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

    def run_clock(seconds):
        for _ in range(seconds // 15):
            page.clock.run_for(15_000)
            while page.evaluate("underway"):
                page.wait_for_timeout(10)

    run_clock(30)
    assert versions(page) == 1
    run_clock(45)
    assert versions(page) == 2
    run_clock(60)
    assert versions(page) == 2  # the third follows after 67.5 s
    run_clock(3600)
    requests = versions(page)
    assert 8 <= requests <= 16
    run_clock(1200)
    assert versions(page) - requests == 2  # every ten minutes, and no more rarely than that

    hide = "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }})"
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(f"() => {{ {hide.format('true')}; {turn} }}")
    requests = versions(page)
    run_clock(1800)
    assert versions(page) == requests
    page.evaluate(f"() => {{ {hide.format('false')}; {turn} }}")
    run_clock(15)
    assert versions(page) == requests + 1
