"""Posting and editing comments in Chromium: on a phone with JavaScript, and without it."""

import re

import pytest
from playwright.sync_api import expect

from articles.models import Article
from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from comments.thread import pages
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.browser import log_in
from tests.helpers.discussions import set_pending

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def story():
    article = make_article("The last ferry")
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    return article, make_comment(article, "I *learned* to row there.")


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_guest_answers_on_a_phone(browser, live_server, story, with_scripts):
    article, root = story
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    page, failures = context.new_page(), list[str]()
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(live_server.url + article.get_absolute_url())

    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    if with_scripts:
        expect(page.locator(f"#comment-{root.pk}").get_by_label("Your comment")).to_be_focused()
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    field = page.get_by_label("Your comment")
    field.fill("x" * 10_001)
    if with_scripts:
        # The size after a reader has enlarged the field.
        field.evaluate("node => { node.style.blockSize = '20rem'; }")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_text(re.compile("10,001 characters"))).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_value("x" * 10_001)
    page.get_by_label("Your comment").fill("So did I.")
    page.get_by_role("button", name="Post comment").click()

    expect(page.get_by_role("status")).to_contain_text("We will send you a link")
    reply = Comment.objects.get(parent=root)
    url = live_server.url + article.get_absolute_url()
    assert page.url == (url if with_scripts else f"{url}#comment-{reply.pk}")
    own = page.locator(f"#comment-{reply.pk}")
    expect(own).to_contain_text("So did I.")
    if with_scripts:
        expect(own).to_be_focused()
        expect(own.get_by_role("status")).to_contain_text("We will send you a link")
        assert page.locator(".reply-form").count() == 0
        assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft'))") == []
    assert [text for text in failures if "422" not in text] == []

    own.get_by_role("link", name="Edit").click()
    page.get_by_label("Your comment").fill("So did *I*.")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(f"#comment-{reply.pk} em")).to_have_text("I")
    context.close()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_reply_to_a_comment_that_was_just_removed_is_posted_at_the_top_level(
    browser, live_server, story, with_scripts
):
    article, root = story
    make_comment(article, "Another word.")
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    page.get_by_label("Your comment").fill("So did I.")
    change_states(ids=[root.pk], to=State.REJECTED, reason=Reason.OTHER, actor=None)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_text("to post it without replying to anybody")).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_value("So did I.")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_label("Your comment")).to_have_count(0)
    posted = Comment.objects.get(body="So did I.")
    assert posted.parent is None
    expect(page.locator(f"#comment-{posted.pk}")).to_contain_text("So did I.")
    context.close()


def test_an_undone_text_has_the_focus_once_and_its_comment_does_not_come_back(live_server, page, article):
    make_comment(article, "I learned to row there.")
    url = live_server.url + article.get_absolute_url()
    page.goto(url)
    send(page, None, "A rash word.")
    own = page.locator(".thread article", has_text="A rash word.")
    expect(own).to_be_visible()
    page.reload()  # the browser stores the page with the comment
    own.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Your comment")).to_be_focused()

    page.go_back()
    expect(page.get_by_label("Your comment")).to_have_value("A rash word.")
    expect(own).to_have_count(0)

    page.goto(url)  # a later visit
    expect(page.locator(".compose a")).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_count(0)
    page.locator(".compose a").click()
    expect(page.get_by_label("Your comment")).to_have_value("A rash word.")


def test_undo_disappears_from_an_open_page_after_a_minute(live_server, page, article):
    page.clock.install()
    page.goto(live_server.url + article.get_absolute_url())
    send(page, None, "A rash word.")
    own = page.locator(".thread article", has_text="A rash word.")
    undo = own.get_by_role("button", name="Undo")
    undo.focus()
    top, height = (own.bounding_box()[key] for key in ("y", "height"))
    page.clock.fast_forward("01:01")
    expect(undo).to_be_hidden()
    expect(own.get_by_text("Posted.")).to_be_visible()
    expect(own).to_be_focused()
    assert (top, height) == (own.bounding_box()["y"], own.bounding_box()["height"])


@pytest.mark.parametrize("with_scripts", [True, False])
def test_an_author_deletes_a_comment_after_a_question(browser, live_server, story, with_scripts):
    article, root = story
    author = UserFactory.create()
    for n in range(8):  # the form is then below the screen at first
        make_comment(article, f"The slip was here before, {n}. " * 20)
    own = make_comment(article, "A rash word.", parent=root, author=author)
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    log_in(context, live_server, author)
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(f"#comment-{own.pk}").get_by_role("link", name="Edit").click()

    expect(page.get_by_role("button", name="Delete")).to_be_hidden()
    page.get_by_text("Delete this comment…").click()
    expect(page.get_by_text("You can’t undo this.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()

    place = page.locator(f"#comment-{own.pk}")
    expect(place).to_have_text("You deleted this comment.")
    expect(place).to_be_in_viewport()
    if with_scripts:
        expect(place).to_be_focused()
    page.goto(live_server.url + article.get_absolute_url())
    expect(place).to_have_count(0)
    context.close()


@pytest.fixture
def article():
    made = make_article("The last ferry", body="A story of some length. " * 200)
    change_discussion(article=made, moderation=Discussion.Moderation.POST)
    return made


def send(page, at, body="So did I."):
    """Reply to the comment, or to the story, as a guest."""
    link = (
        page.locator(f"#comment-{at.pk}").get_by_role("link", name="Reply")
        if at
        else page.locator(".compose a")
    )
    link.click()
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    page.get_by_label("Your comment").fill(body)
    page.get_by_role("button", name="Post comment").click()


def ids(page):
    return page.locator(".thread article").evaluate_all("nodes => nodes.map((n) => Number(n.id.slice(8)))")


def parent_of(comment):
    return comment.evaluate("node => node.closest('ol').closest('.thread li')?.firstElementChild.id")


def test_a_reply_comes_in_its_place_and_the_reader_stays(live_server, page, article, monkeypatch):
    """A reply after those that the page shows is inserted as well: it is loaded from its own page."""
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 3)
    root = make_comment(article, "Who rowed?")
    first = make_comment(article, "I did.", parent=root)
    for n in range(3):
        make_comment(article, f"And I, {n}.", parent=root)
    others = [make_comment(article, f"Another matter, {n}.") for n in range(9)]
    page.clock.install()
    url = f"{live_server.url}{article.get_absolute_url()}?order=oldest"
    page.goto(url)
    page.evaluate("window.same = true")
    before = ids(page)
    send(page, root)
    expect(page.get_by_role("status")).to_contain_text("We will send you a link")
    own = page.locator(f"#comment-{Comment.objects.get(body='So did I.').pk}")
    expect(own).to_be_focused()
    expect(own).to_be_in_viewport()
    assert own.evaluate("node => node.ariaLabel").startswith("Ida, replying to Guest")
    assert parent_of(own) == f"comment-{root.pk}"
    assert own.evaluate("node => node.parentNode.nextElementSibling") is None
    assert page.url == url
    assert page.evaluate("window.same")
    assert page.locator(".reply-form, .focus").count() == 0

    # A list is created for the first reply of all; replies to the story are at the top.
    send(page, first, "A first answer.")
    page.get_by_text("A first answer.").wait_for()
    answer = page.locator(f"#comment-{Comment.objects.get(body='A first answer.').pk}")
    assert parent_of(answer) == f"comment-{first.pk}"
    send(page, None, "To the story.")
    page.locator(".thread").get_by_text("To the story.").wait_for()
    top = Comment.objects.get(body="To the story.")
    expect(page.locator(f"#comment-{top.pk}")).to_be_focused()
    assert ids(page)[0] == top.pk
    assert len(ids(page)) == len(before) + 3

    # Later comments are merged with it: nothing twice, and the order is as it would be.
    late = make_comment(article, "Later.")
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").click()
    expect(page.locator(f"#comment-{late.pk}")).to_contain_text("New")
    assert len(ids(page)) == len(set(ids(page))) == len(before) + 4
    assert ids(page)[-2:] == [top.pk, late.pk]
    assert set(before) | {other.pk for other in others} <= set(ids(page))


def test_a_first_comment_and_one_that_waits(live_server, page, article):
    page.goto(live_server.url + article.get_absolute_url())
    send(page, None, "The first word.")
    own = page.locator(".thread article")
    expect(own).to_be_focused()
    expect(page.locator("#comments")).to_contain_text("1 comment")
    set_pending(Comment.objects.get())
    page.reload()
    change_discussion(article=article, moderation=Discussion.Moderation.PRE)
    page.locator(".compose a").click()
    page.get_by_label("Your comment").fill("One more.")
    page.get_by_role("button", name="Post comment").click()
    expect(own).to_have_count(2)


def test_where_the_comment_cannot_be_fetched_its_page_is_gone_to(live_server, page, article):
    root = make_comment(article, "Who rowed?")
    page.goto(live_server.url + article.get_absolute_url())
    refused = []

    def refuse_once(route):
        if route.request.resource_type == "fetch" and not refused:
            refused.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/comments/*/", refuse_once)
    send(page, root)
    page.wait_for_url(re.compile(r"#comment-\d+$"))
    assert len(refused) == 1
    expect(page.get_by_role("status")).to_contain_text("We will send you a link")


def test_the_form_on_its_own_page_leads_to_the_comment(live_server, page, article):
    root = make_comment(article, "Who rowed?")
    page.goto(f"{live_server.url}{article.get_absolute_url()}reply/{root.pk}/")
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    page.get_by_label("Your comment").fill("So did I.")
    page.get_by_role("button", name="Post comment").click()
    page.wait_for_url(re.compile(r"#comment-\d+$"))


def test_the_readers_own_comment_shows_recommendations_by_others(live_server, page, client, article):
    author = UserFactory.create(name="Ruth")
    own, other = (
        make_comment(article, "Mine.", author=author),
        make_comment(article, "Theirs.", author=UserFactory(name="Jun")),
    )
    log_in(page.context, live_server, author)
    page.goto(live_server.url + article.get_absolute_url())
    assert page.locator(f"#comment-{own.pk} button[form]").count() == 0
    button = page.get_by_role("button", name="Recommend, comment by Jun", exact=True)
    button.click()
    expect(page.get_by_role("button", name="Recommend 1, comment by Jun", exact=True)).to_be_focused()
    page.goto(f"{live_server.url}{article.get_absolute_url()}recommend/{own.pk}/")
    expect(page.get_by_text("You can’t recommend your own comment.")).to_be_visible()
    assert page.locator("main form").count() == 0
    assert other.pk


def test_a_thumb_hits_the_formatting_buttons(browser, live_server, story):
    article, _root = story
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{live_server.url}{article.get_absolute_url()}reply/")
    buttons = page.get_by_role("group", name="Formatting").get_by_role("button")
    expect(buttons).to_have_count(6)
    star = page.get_by_text("Your comment").locator(".asteriskField").bounding_box()  # the end of the label
    field = page.get_by_label("Your comment").bounding_box()
    for box in [button.bounding_box() for button in buttons.all()]:
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= field["y"] + 1
        assert box["x"] >= star["x"] + star["width"]
    context.close()


def test_an_edited_text_outlives_a_lost_connection_and_a_reload_until_it_is_saved(live_server, page, story):
    article, _root = story
    member = UserFactory.create()
    own = make_comment(article, "A tpyo.", author=member)
    log_in(page.context, live_server, member)
    url = f"{live_server.url}/comments/{own.pk}/edit/"
    page.goto(url)
    field = page.get_by_label("Your comment")
    expect(field).to_be_focused()
    field.press("ControlOrMeta+a")
    page.get_by_role("button", name="Bold").click()
    expect(field).to_have_value("**A tpyo.**")
    field.fill("A typo.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(re.compile("^chrome-error:"))
    page.context.set_offline(False)
    page.goto(url)
    expect(field).to_have_value("A typo.")
    page.reload()
    expect(field).to_have_value("A typo.")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(f"#comment-{own.pk}")).to_contain_text("A typo.")
    edit_comment(comment=Comment.objects.get(pk=own.pk), body="On another device.", user=member, guest=None)
    page.goto(url)
    expect(field).to_have_value("On another device.")
    field.fill("On this device.")
    edit_comment(comment=Comment.objects.get(pk=own.pk), body="Again.", user=member, guest=None)
    page.goto(url)
    expect(field).to_have_value("On this device.")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("this comment was changed after you opened the form")).to_be_visible()
    expect(field).to_have_value("On this device.")
    expect(page.get_by_label("The saved text")).to_have_value("Again.")
    page.goto(url)
    expect(field).to_have_value("On this device.")  # typed on the page that said so
    field.fill("Never mind.")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator(f"#comment-{own.pk}")).to_contain_text("Again.")
    page.goto(url)
    expect(field).to_have_value("Again.")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft'))") == []


@pytest.mark.parametrize("cause", ["log-in in another tab", "unpublished"])
def test_a_refused_comment_is_kept_on_a_page_that_says_why(live_server, page, story, cause):
    article, root = story
    url = live_server.url + article.get_absolute_url()
    page.goto(url)
    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").fill("An hour of work.")
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    if cause == "unpublished":
        Article.objects.update(published_at=None)
    else:
        log_in(page.context, live_server, UserFactory.create())
        page.context.add_cookies([{"name": "csrftoken", "value": "t" * 32, "url": live_server.url}])
    page.get_by_role("button", name="Preview" if cause == "unpublished" else "Post comment").click()

    heading = "Page not found" if cause == "unpublished" else "This form was not sent"
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_label("Your text")).to_have_value("An hour of work.")
    Article.objects.update(published_at=article.published_at)
    page.get_by_role("button", name="Send again").click()
    if cause == "unpublished":
        expect(page.locator(".preview")).to_contain_text(
            "An hour of work."
        )  # the same button counts as pressed
        page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".thread article", has_text="An hour of work.")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft'))") == []


def test_a_refused_text_is_sent_again_after_a_log_in_in_another_tab(live_server, page, story):
    article, _root = story
    member = UserFactory.create()
    own = make_comment(article, "A tpyo.", author=member)
    log_in(page.context, live_server, member)
    page.goto(f"{live_server.url}/comments/{own.pk}/edit/")
    page.get_by_label("Your comment").fill("A typo.")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not saved: you are logged out")
    log_in(page.context, live_server, member)
    page.context.add_cookies([{"name": "csrftoken", "value": "t" * 32, "url": live_server.url}])
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(f"#comment-{own.pk}")).to_contain_text("A typo.")


def test_a_draft_stays_if_a_refused_comment_is_sent_again_without_a_connection(live_server, page, story):
    article, root = story
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").fill("An hour of work.")
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    Article.objects.update(published_at=None)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    Article.objects.update(published_at=article.published_at)
    page.context.set_offline(True)
    page.get_by_role("button", name="Send again").click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(live_server.url + article.get_absolute_url())
    expect(page.get_by_label("Your comment")).to_have_value("An hour of work.")


def test_the_place_of_a_deleted_comment_is_shown_once(live_server, page, story):
    article, _root = story
    member = UserFactory.create()
    own = make_comment(article, "A comment of one's own.", author=member)
    log_in(page.context, live_server, member)
    page.goto(f"{live_server.url}/comments/{own.pk}/edit/")
    page.get_by_text("Delete this comment…").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("You deleted this comment.")).to_be_visible()
    expect(page).to_have_url(f"{live_server.url}{article.get_absolute_url()}#comment-{own.pk}")
    page.reload()
    expect(page.get_by_text("I learned to row there.")).to_be_visible()
    expect(page.get_by_text("You deleted this comment.")).to_have_count(0)
