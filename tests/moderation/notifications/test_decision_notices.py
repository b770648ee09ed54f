"""Notices about each kind of decision, on the author's page and by mail, which nobody else can read."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core import mail
from django.utils import timezone

from comments.models import Comment, State
from moderation.tasks import notify_authors, notify_not_published
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.clients import client_of_guest
from tests.moderation.notifications.decided_comments import (
    appeal_turned_down,
    changed,
    checked,
    illegal,
    marked_by_filter,
    matching_a_rule,
    new,
    premoderated,
    proposed_by_a_check,
    published,
    redacted_comment,
    removed,
    reported,
    restored,
    restored_after_appeal,
    restricted,
    spam,
)
from tests.moderation.notifications.helpers import PERSON, TERM, page_of, text

pytestmark = pytest.mark.django_db


@dataclass
class Case:
    make: Callable
    title: str
    said: list[str]  # all of these
    ways: str  # "ask", "again", "both" or nothing
    unsaid: tuple[str, ...] = ()


WAITS = "Your comment is waiting for review"
ALONE = "Only you and the moderators can see it."
NOBODY = "Not reviewed yet."


CASES = [
    Case(
        new,
        WAITS,
        [
            ALONE,
            "Comments by new people are reviewed before they are published.",
            "This is your first comment.",
            NOBODY,
        ],
        "again",
    ),
    Case(
        checked, WAITS, [ALONE, "A check of this site sent it to review.", "It has 2 links", NOBODY], "again"
    ),
    Case(matching_a_rule, WAITS, [ALONE, TERM, NOBODY], "again"),
    Case(
        premoderated, WAITS, [ALONE, "In this discussion every comment is reviewed before", NOBODY], "again"
    ),
    Case(
        changed,
        "Your edited comment is waiting for review",
        [ALONE, "You edited it, so a moderator reviews the new text first.", NOBODY],
        "again",
    ),
    Case(published, "Your comment is published", ["A moderator approved your comment"], ""),
    Case(
        removed,
        "Your comment was removed",
        [
            "Removed by a moderator: off-topic.",
            "Keep to the boat.",
            "Nobody had reported it.",
            PERSON,
        ],
        "both",
    ),
    Case(
        reported,
        "Your comment was removed",
        ["Removed by a moderator: insult.", "A reader had reported it.", PERSON],
        "both",
        ("Bo Reporter", "He is rude."),
    ),
    Case(
        illegal,
        "Your comment was removed",
        ["It was reported as illegal.", PERSON],
        "both",
        ("Nia", "It is a threat."),
    ),
    Case(
        proposed_by_a_check,
        "Your comment was removed",
        [
            "Removed by a moderator: off-topic.",
            TERM,
            "An automatic check proposed this, and a person decided.",
        ],
        "both",
    ),
    Case(
        spam,
        "Your comment was marked as spam",
        ["A moderator marked your comment as spam and removed it.", PERSON],
        "both",
    ),
    Case(
        marked_by_filter,
        "Your comment was marked as spam",
        [
            "A check of this site marked your comment as spam",
            "An automatic check decided this. No person has reviewed it.",
        ],
        "both",
    ),
    Case(
        restored, "Your comment is published again", ["A moderator reviewed the removal of your comment."], ""
    ),
    Case(
        redacted_comment,
        "Your comment was redacted",
        ["A moderator removed words from your comment", "The rest of your comment stays published.", PERSON],
        "",
        ("Ann Smith",),
    ),
    Case(
        restricted,
        "Your comment was removed",
        [
            "Your comment must not be visible on this site, and was removed.",
            "For such comments we do not say whether they were reported.",
            PERSON,
        ],
        "",
        ("unspeakable",),
    ),
    Case(
        appeal_turned_down,
        "Your comment stays removed",
        [
            "You appealed the removal of your comment. It stays removed: off-topic.",
            "A different moderator reviewed your appeal.",
            "This decision is final. You can’t appeal it again.",
        ],
        "",
    ),
    Case(
        restored_after_appeal,
        "Your comment is published again",
        ["You appealed the removal of your comment.", "Your comment is published again."],
        "",
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: case.make.__name__)
def case(request):
    return request.param


@pytest.fixture
def made(case, jim, maria):
    return case.make(make_article("The slip closes"), jim, maria)


def test_the_author_and_nobody_else_gets_the_notice(client, case, made, jim, maria):
    """It is on the page of the decision, in the thread and in a mail."""
    check_mail_to_the_author(case, *made)
    client.force_login(jim)
    check_page_of_the_decision(client, case, made[0])
    check_thread(client, case, made[0])
    client.logout()
    check_page_of_the_decision_for_others(client, made[0], maria)


def check_page_of_the_decision(client, case, comment):
    page = page_of(client, comment)
    assert f"<h1>{case.title}</h1>" in page
    for sentence in case.said:
        assert sentence in text(page)
    for unsaid in case.unsaid:
        assert unsaid not in page
    assert ("Appeal this decision" in page) == (case.ways in {"ask", "both"})
    assert ("Edit and resubmit</a>" in page) == (case.ways in {"again", "both"} and "/edit/" not in page)
    assert 'content="noindex"' in page


def check_thread(client, case, comment):
    comment.refresh_from_db()
    if comment.state == State.PUBLISHED:
        return  # it is shown as to everybody
    page = client.get(comment.discussion.article.get_absolute_url()).content.decode()
    assert f'href="/comments/{comment.pk}/decision/"' in page
    for sentence in case.said if comment.state != State.PENDING else ["Waiting for review"]:
        assert sentence in text(page)
    if comment.state != State.PENDING:
        assert ("Appeal this decision</a>" in page) == (case.ways in {"ask", "both"})


def check_mail_to_the_author(case, comment, act):
    mail.outbox.clear()
    if act:
        assert notify_authors.func(str(act.pk)) == 1
    elif Comment.objects.get(pk=comment.pk).state == State.PENDING:
        assert notify_not_published.func(comment.pk) == 1
    else:  # removed by a check, or restricted: no mail about it
        assert notify_not_published.func(comment.pk) == 0
        assert mail.outbox == []
        return
    (message,) = mail.outbox
    assert (message.subject, message.to) == (case.title, ["jim@example.org"])
    for sentence in case.said:
        assert sentence in message.body
    for unsaid in case.unsaid:
        assert unsaid not in message.body
    assert "The slip closes" in message.body
    state = Comment.objects.get(pk=comment.pk).state
    assert (f"/comments/{comment.pk}/decision/" in message.body) == (
        state != State.PUBLISHED or case.make is redacted_comment
    )


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_guest_reads_how_to_confirm_the_e_mail_on_the_page_behind_a_short_notice(is_confirmed):
    guest = GuestFactory.create(confirmed_at=timezone.now() if is_confirmed else None)
    comment = make_comment(make_article(), "A word about the boat.", guest=guest)
    client = client_of_guest(guest)
    link = "To confirm your e-mail, open the link that we send you."
    assert (link in text(page_of(client, comment))) is not is_confirmed
    story = text(client.get(comment.discussion.article.get_absolute_url()).text)
    request = "" if is_confirmed else " Confirm your e-mail."
    assert f"Waiting for review: this is your first comment.{request} Details" in story
    assert link not in story


def check_page_of_the_decision_for_others(client, comment, maria):
    path = f"/comments/{comment.pk}/decision/"
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
    for somebody in (maria, UserFactory.create()):
        client.force_login(somebody)
        assert client.get(path).status_code == 404
        assert client.post(path, {"text": "x"}).status_code == 404
