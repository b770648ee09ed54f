"""The walkthrough of a commenter on a phone, word for word, from the reply to the mail of the next day."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import caches
from django.utils import timezone
from playwright.sync_api import expect

from comments.models import Comment, Reason, State, Transition
from comments.tasks import mail_confirmation
from moderation.actions.decisions import decide
from moderation.tasks import notify_authors
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def article(checking_policy, maria):
    """Make an open discussion, in which ten comments were approved about two hours after they were posted."""
    article = make_article("The slip closes")
    others = [make_comment(article, f"Words {n}") for n in range(10)]
    posted_at = timezone.now() - timedelta(minutes=110)
    Comment.objects.update(created_at=posted_at)
    with triggers_disabled("transition_append_only"):
        Transition.objects.update(at=posted_at)
    for comment in others:
        decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    caches["process"].clear()
    return article


@pytest.fixture
def phone(browser, live_server, article):
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    yield page
    context.close()


def test_a_reader_writes_a_first_comment_on_a_phone(phone, live_server, article, maria):
    root = article.discussion.comments.earliest("pk")
    place = phone.locator(f"#comment-{root.pk}")
    reply = place.get_by_role("link", name="Reply")
    assert reply.bounding_box()["height"] >= 44  # large enough for a finger
    reply.tap()

    form = place.locator(".reply-form")
    expect(form.get_by_label("Your comment")).to_be_focused()
    order = form.locator("textarea, input:not([type=hidden]), .rules").evaluate_all(
        "nodes => nodes.map((node) => node.name || node.value || node.className)"
    )
    assert order == ["body", "name", "email", "follow", "rules", "Post comment", "preview"]
    sizes = form.locator("textarea, input:not([type=hidden], [type=submit], [type=checkbox])").evaluate_all(
        "nodes => nodes.map((node) => parseFloat(getComputedStyle(node).fontSize))"
    )
    assert min(sizes) >= 16  # a smaller field makes a phone zoom in

    # The phone is locked meanwhile: the form opens again with the draft.
    form.get_by_label("Your comment").fill("We rowed there as childern.")
    phone.reload()
    expect(form.get_by_label("Your comment")).to_have_value("We rowed there as childern.")

    form.get_by_label("Name").fill("Ida")
    form.get_by_label("E-mail").fill("ida@example.org")
    form.get_by_role("button", name="Post comment").tap()
    own = phone.locator(".thread article", has_text="We rowed there as childern.")
    expect(own).to_contain_text(
        "Waiting for review, usually 2 h: this is your first comment. Confirm your e-mail."
    )
    expect(own).to_be_focused()

    # The mail, which is sent when the posting can no longer be undone, needs one tap.
    assert mail.outbox == []
    comment = Comment.objects.get(guest__email="ida@example.org")
    mail_confirmation.func(comment.guest_id)
    [message] = mail.outbox
    phone.goto(live_server.url + re.search(r"/guests/confirm/\S+", message.body)[0])
    expect(phone.get_by_role("heading", level=1)).to_be_visible()
    comment.guest.refresh_from_db()
    assert comment.guest.confirmed_at

    # A typo is edited.
    phone.goto(live_server.url + article.get_absolute_url())
    own.get_by_role("link", name="Edit").tap()
    phone.get_by_label("Your comment").fill("We rowed there as children.")
    phone.get_by_role("button", name="Save changes").tap()
    expect(phone.locator(f"#comment-{comment.pk}")).to_contain_text("We rowed there as children.")

    # The next day, a mail.
    mail.outbox.clear()
    result = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    notify_authors.func(str(result.action.pk))
    assert [message.subject for message in mail.outbox] == ["Your comment is published"]


def test_a_reader_comments_with_keyboard_and_screen_reader(browser, live_server, article, maria):
    """The reader gets from the skip link to the own comment, and an error is read with its field."""
    root = article.discussion.comments.earliest("pk")
    answer = make_comment(article, "Is it?", parent=root, author=UserFactory.create(name="Jim"))
    decide(ids=[answer.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    page = browser.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the comments")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "comments"
    expect(page.locator("#comments")).to_contain_text("11 comments")
    headings = page.locator(".thread").get_by_role("heading", level=3)
    expect(headings.filter(has_text=f"Jim, replying to {root.author_name}")).to_have_count(1)

    page.get_by_role("link", name="Reply to Jim").press("Enter")
    form = page.locator(".reply-form")
    expect(form.get_by_label("Your comment")).to_be_focused()
    form.locator("form").evaluate("form => { form.noValidate = true }")
    form.get_by_label("Your comment").fill("It is.")
    form.get_by_label("Name").fill("Ida")
    form.get_by_label("E-mail").fill("nobody")
    form.get_by_role("button", name="Post comment").press("Enter")
    field = form.get_by_label("E-mail")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("valid e-?mail", re.IGNORECASE))
    field.fill("ida@example.org")
    form.get_by_role("button", name="Post comment").press("Enter")
    own = page.locator(".thread article", has_text="It is.")
    expect(own).to_be_focused()
    page.close()
