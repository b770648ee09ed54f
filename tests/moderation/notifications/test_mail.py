"""Mails to authors about decisions: only to confirmed e-mails, once, not about what was undone at once."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments.models import Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.models import Action
from moderation.tasks import NOTIFY_AFTER, notify_authors
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.mails import check_mail, text_of
from tests.helpers.postgres.tampering import triggers_disabled
from tests.helpers.servers.smtp import receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def guest(**fields):
    return GuestFactory.create(confirmed_at=timezone.now(), **fields)


def make_waiting_comment(*args, **fields):
    comment = make_comment(*args, **fields)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    return comment


def approve(*comments, actor):
    return decide(
        ids=[c.pk for c in comments], to=State.PUBLISHED, reason=Reason.APPROVED, actor=actor
    ).action


def notify(action) -> list[mail.EmailMessage]:
    mail.outbox.clear()
    count = notify_authors.func(str(action.pk))
    assert count == len(mail.outbox)
    return mail.outbox


@pytest.mark.parametrize(
    ("to", "reason", "subject", "words"),
    [
        (State.PUBLISHED, Reason.APPROVED, "Your comment is published", "A moderator approved your comment"),
        (
            State.REJECTED,
            Reason.OFF_TOPIC,
            "Your comment was removed",
            "Removed by a moderator: off-topic.",
        ),
        (State.SPAM, Reason.SPAM, "Your comment was marked as spam", "marked your comment as spam"),
    ],
)
def test_each_decision_has_its_own_mail(maria, to, reason, subject, words):
    comment = make_waiting_comment(
        make_article("The <slip>"), "It's <here> & now", guest=guest(email="a@example.org")
    )
    act = decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    (message,) = notify(act.action)
    assert (message.subject, message.to) == (subject, ["a@example.org"])
    assert words in message.body
    assert "The <slip>" in message.body
    assert "“It's <here> & now”" in message.body
    page = f"/comments/{comment.pk}/\n" if to == State.PUBLISHED else f"/comments/{comment.pk}/decision/?key="
    assert page in message.body


def test_a_link_in_a_comment_is_plain_text_in_its_mail(maria):
    comment = make_waiting_comment(make_article(), "See https://spam.example\n\nNow!", guest=guest())
    (message,) = notify(decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action)
    html = check_mail(message)
    assert [quoted.split() for quoted in html.quotations] == [["“See", "https://spam.example", "Now!”"]]
    assert html.buttons == ["See the decision"]


def test_only_confirmed_e_mails_get_mail(maria):
    article = make_article()
    unproved, account = GuestFactory.create(), UserFactory.create(email="b@example.org")
    first, second = (
        make_waiting_comment(article, guest=unproved),
        make_waiting_comment(article, author=account),
    )
    assert notify(approve(first, second, actor=maria)) == []

    confirm_email(account)
    third = make_waiting_comment(article, author=account)
    assert [m.to for m in notify(approve(third, actor=maria))] == [["b@example.org"]]


def test_an_e_mail_in_capitals_gets_mail_too(maria):
    account = UserFactory.create()
    account.email = "Bea.B@example.org"  # as the previous version stores it, during an upgrade
    account.save()
    EmailAddress.objects.create(user=account, email="bea.b@example.org", verified=True, primary=True)
    assert [
        m.to for m in notify(approve(make_waiting_comment(make_article(), author=account), actor=maria))
    ] == [["Bea.B@example.org"]]


def test_one_person_gets_one_mail_for_many_comments(maria):
    article, somebody = make_article(), guest()
    made = [make_waiting_comment(article, f"Words {n}.", guest=somebody) for n in range(3)]
    (message,) = notify(approve(*made, actor=maria))
    assert message.subject == "Your comments are published"
    assert all(f"Words {n}." in message.body for n in range(3))
    assert check_mail(message).buttons == []


def test_no_mail_about_a_confirmed_publication(maria):
    assert notify(approve(make_comment(make_article(), guest=guest()), actor=maria)) == []


def test_no_mail_after_an_undo_but_after_a_redo(maria):
    comment = make_waiting_comment(make_article(), guest=guest())
    act = approve(comment, actor=maria)
    back = undo(action=act, actor=maria).action
    assert [notify(act), notify(back)] == [[], []]
    again = undo(action=back, actor=maria).action
    assert [m.subject for m in notify(again)] == ["Your comment is published"]


def test_a_mass_spam_action_sends_no_mail(maria):
    article = make_article()
    ids = [make_waiting_comment(article, guest=guest()).pk for _ in range(2)]
    assert notify(decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).action) == []


def test_the_job_waits_a_minute(maria, django_capture_on_commit_callbacks):
    one = make_waiting_comment(make_article(), guest=guest())
    with django_capture_on_commit_callbacks(execute=True):
        act = approve(one, actor=maria)
    job = DBTaskResult.objects.get()
    assert job.args_kwargs["args"] == [str(act.pk)]
    assert timedelta() < job.run_after - timezone.now() <= NOTIFY_AFTER


def test_undo_and_redo_of_a_mass_spam_action_send_no_mail(maria):
    article = make_article()
    made = [make_waiting_comment(article, f"Words {n}.", guest=guest()) for n in range(2)]
    published = make_comment(article, "Stood here.", guest=guest())
    ids = [comment.pk for comment in [*made, published]]
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    with triggers_disabled():
        Action.objects.update(at=timezone.now() - timedelta(hours=1))
    back = undo(action=act, actor=maria).action
    assert notify(back) == []
    again = undo(action=back, actor=maria).action
    assert notify(again) == []


def test_an_smtp_server_accepts_the_mail(maria, settings):
    with receiving(settings) as inbox:
        article = make_article("La grève")
        comment = make_waiting_comment(article, "À bientôt", guest=guest(email="a@example.org"))
        assert notify_authors.func(str(approve(comment, actor=maria).pk)) == 1
    (message,) = inbox.mails
    assert message["To"] == "a@example.org"
    assert message["Subject"] == "Your comment is published"
    assert "À bientôt" in text_of(message)
