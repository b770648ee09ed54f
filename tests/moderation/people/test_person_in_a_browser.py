"""A ban, from the moderator's form to the person's account status, in Chromium with and without scripts."""

import pytest
from playwright.sync_api import expect

from accounts.models import Guest
from comments.models import Comment, Discussion, State
from comments.services.discussions import change_discussion
from moderation.people import sanctions
from moderation.people.profiles import Person
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


def send(page, live_server, article, *, name, email, body):
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".compose a").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Your comment").fill(body)
    page.get_by_role("button", name="Post comment").click()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_ban_from_the_form_to_the_account_status(browser, live_server, with_scripts):
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    article = make_article("The last ferry")
    make_comment(article, "I rowed.")
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    theirs = browser.new_context(viewport=PHONE, java_script_enabled=with_scripts)
    page = theirs.new_page()
    send(page, live_server, article, name="Ida", email="ida@example.org", body="You fool.")
    expect(page.get_by_text("You fool.").first).to_be_visible()
    ida = Guest.objects.get(name="Ida")

    staff = browser.new_context(java_script_enabled=with_scripts)
    log_in(staff, live_server, maria)
    board = staff.new_page()
    board.goto(f"{live_server.url}/moderation/people/g{ida.pk}/")
    board.locator("summary", has_text="Ban").click()
    form = board.locator("details[open]")
    form.get_by_label("Reason").select_option("insult")
    form.get_by_label("Message to the person").fill("After two warnings.")
    form.get_by_label("Also remove").select_option("7")
    form.get_by_role("button", name="Ban").click()
    expect(board.locator(".undo")).to_contain_text("Banned, and comments of 7 days removed")
    assert Comment.objects.get(guest=ida).state == State.REJECTED

    # The same browser with another name: the text stays in the form, with the reason for the refusal.
    send(page, live_server, article, name="Other", email="other@example.org", body="All that I typed")
    alert = page.locator(".reply-form .alert-danger, .reply-form .alert-block").first
    expect(alert).to_contain_text("You are banned from commenting. Reason: insult. “After two warnings.”")
    expect(page.get_by_label("Your comment")).to_have_value("All that I typed")
    assert set(Guest.objects.filter(name="Other")) == set()

    # Another browser with the same unconfirmed e-mail: refused, and nothing about Ida is shown.
    another = browser.new_context(viewport=PHONE, java_script_enabled=with_scripts)
    second = another.new_page()
    send(second, live_server, article, name="Ida 2", email="IDA@example.org", body="Me again")
    expect(second.get_by_text("Comments with this e-mail are not accepted")).to_be_visible()
    expect(second.get_by_text("insult")).to_have_count(0)

    page.get_by_role("link", name="Account status").first.click()
    expect(page.get_by_role("heading", name="Account status")).to_be_visible()
    page.locator("summary", has_text="Appeal this decision").click()
    page.get_by_label("Why is this decision wrong?").fill("She knows that it was a joke.")
    page.get_by_role("button", name="Appeal this decision").click()
    expect(page.get_by_text("You will see the answer here.").first).to_be_visible()

    board.goto(f"{live_server.url}/moderation/people/")
    expect(board.get_by_text("She knows that it was a joke.")).to_be_visible()
    board.get_by_role("link", name="Ida").first.click()
    board.get_by_role("button", name="End sanction").click()
    expect(board.locator(".undo")).to_contain_text("Ended: Banned")
    page.reload()
    expect(page.get_by_text("Your account is in good standing")).to_be_visible()
    for context in (theirs, staff, another):
        context.close()


def test_axe_finds_nothing_on_a_profile(browser, live_server):
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    ada = UserFactory.create(name="Ada")
    make_comment(make_article(), "A word.", author=ada)
    context = browser.new_context(viewport=PHONE, bypass_csp=True)
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(f"{live_server.url}/moderation/people/u{ada.pk}/")
    assert faults(page) == []
    context.close()


@pytest.fixture
def profile(browser, live_server):
    """Return a page on which a moderator has opened the profile of a member."""
    maria, ada = UserFactory.create(name="Maria", roles=("Moderator",)), UserFactory.create(name="Ada")
    context = browser.new_context(viewport=PHONE)
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(f"{live_server.url}/moderation/people/u{ada.pk}/")
    yield page
    context.close()


def test_the_text_of_the_other_forms_is_kept(profile):
    page = profile
    page.get_by_label("Note for moderators").fill("She answers calmly.")
    page.locator("summary", has_text="Ban").click()
    page.locator("details[open]").get_by_label("Message to the person").fill("Not yet.")
    page.locator("summary", has_text="Warn").click()
    warning = page.locator("details[open]")
    warning.get_by_label("Message to the person").fill("Please stay calm.")
    warning.get_by_role("button", name="Warn").click()
    expect(page.locator(".undo")).to_contain_text("Warned")
    expect(page.get_by_label("Note for moderators")).to_have_value("She answers calmly.")
    expect(page.locator("details[open]").get_by_label("Message to the person")).to_have_value("Not yet.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note-of")).to_contain_text("She answers calmly.")
    expect(page.get_by_label("Note for moderators")).to_have_value("")
    expect(page.locator("#id_warn_message")).to_have_value("")


def test_a_refused_form_stays_open_beside_a_kept_text(profile):
    page = profile
    page.locator("summary", has_text="Ban").click()
    page.locator("#id_ban_message").fill("Please stay calm.")
    page.locator("summary", has_text="Pause").click()
    page.locator("#id_pause_until").fill("2020-01-01T12:00")
    page.locator("#id_pause_message").fill("Please stay calm.")
    page.locator("details[open]").get_by_role("button", name="Pause").click()
    expect(page.locator("details[open]")).to_contain_text("This time is in the past.")
    expect(page.locator("#id_ban_message")).to_have_value("Please stay calm.")
    page.locator("#id_pause_until").evaluate(
        "field => field.value = new Date(Date.now() + 2 * 86400000).toISOString().slice(0, 16)"
    )
    page.locator("details[open]").get_by_role("button", name="Pause").click()
    expect(page.locator(".undo")).to_contain_text("Paused")
    expect(page.locator("#id_pause_message")).to_have_value("")
    expect(page.locator("#id_ban_message")).to_have_value("Please stay calm.")


def test_a_begun_note_is_not_shown_to_others_or_on_another_persons_page(profile, live_server):
    page, mona, ben = profile, UserFactory.create(roles=("Moderator",)), UserFactory.create(name="Ben")
    note, url_of_ada = page.get_by_label("Note for moderators"), page.url
    note.fill("She answers calmly.")
    page.goto(f"{live_server.url}/moderation/people/u{ben.pk}/")
    expect(note).to_have_value("")
    page.goto(url_of_ada)
    expect(note).to_have_value("She answers calmly.")
    page.context.clear_cookies()
    log_in(page.context, live_server, mona)
    page.reload()
    expect(note).to_have_value("")


def test_a_text_is_kept_until_it_is_accepted(profile):
    """That is after a refusal, another form and the end of the session."""
    page, context, url = profile, profile.context, profile.url
    note, too_long = page.get_by_label("Note for moderators"), "Calm." * 1_001
    note.fill(too_long)
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("This has 5,005 characters")).to_be_visible()
    expect(note).to_have_value(too_long)
    page.locator("summary", has_text="Warn").click()
    page.locator("details[open]").get_by_role("button", name="Warn").click()
    expect(page.locator(".undo")).to_contain_text("Warned")
    expect(note).to_have_value(too_long)
    note.fill("She answers calmly.\nAsk her.")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not saved: you are logged out")
    context.add_cookies(cookies)
    page.goto(url)
    expect(note).to_have_value("She answers calmly.\nAsk her.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note-of")).to_contain_text("She answers calmly.")
    expect(note).to_have_value("")


def test_two_appeals_are_written_one_after_the_other(browser, live_server):
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    ada = UserFactory.create(name="Ada")
    for kind in ("warn", "review"):
        sanctions.impose(person=Person(user=ada), actor=maria, kind=kind, reason="insult")
    context = browser.new_context(viewport=PHONE)
    log_in(context, live_server, ada)
    page = context.new_page()
    page.goto(f"{live_server.url}/account/status/")
    first, second = page.locator("section.alert").all()
    for section, text in ((first, "I was calm."), (second, "It was a joke.")):
        section.locator("summary").click()
        section.get_by_label("Why is this decision wrong?").fill(text)
    second.get_by_role("button", name="Appeal this decision").click()
    expect(second).to_contain_text("You will see the answer here.")
    expect(first.get_by_label("Why is this decision wrong?")).to_have_value("I was calm.")
    context.close()
