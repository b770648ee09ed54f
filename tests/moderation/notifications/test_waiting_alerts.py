"""Mail to moderators about waiting comments: once, and only at the set hours."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection

from articles.models import Site
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.models import Case, ModerationSettings, Sanction
from moderation.notifications.waiting_alerts import alert_moderators, is_alert_time
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.reports import reporting
from tests.factories import UserFactory, confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture(autouse=True)
def _confirmed(maria):
    confirm_email(maria)


def wait(since: datetime) -> Comment:
    comment = make_comment(make_article())
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    Case.objects.filter(comment=comment).update(opened_at=since)
    return comment


def test_one_alert_is_sent_until_the_queue_was_below_the_limit(maria):
    UserFactory.create(email="unproved@example.org", roles=("Moderator",))
    UserFactory.create(email="reader@example.org")
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as clock:
        first = wait(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
        alert_moderators()
        assert mail.outbox == []  # exactly four hours is not yet too long
        clock.shift(timedelta(minutes=1))
        assert [alert_moderators(), alert_moderators()] == ["1 mails", "sent already"]
        assert [m.to for m in mail.outbox] == [["maria@example.org"]]
        assert mail.outbox[0].subject == "1 comment is waiting, the oldest for 4 h"
        assert "/moderation/" in mail.outbox[0].body
        clock.shift(timedelta(hours=5))
        second = wait(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
        assert alert_moderators() == "sent already"
        change_states(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
        assert alert_moderators() == "nothing waits too long"
        Case.objects.filter(comment=second).update(opened_at=datetime(2026, 3, 2, 13, tzinfo=UTC))
        assert alert_moderators() == "1 mails"


def test_appeals_are_alerted_like_waiting_comments(maria):
    jim, ada = UserFactory.create(), UserFactory.create()
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as clock:
        sanctions.impose(person=Person(user=ada), kind="ban", reason="insult", actor=maria)
        assert sanctions.appeal(sanction=Sanction.objects.get(), text="It was a joke.")
        removed = make_comment(make_article(), author=jim)
        decide(ids=[removed.pk], to=State.REJECTED, reason="insult", actor=maria)
        reporting.appeal_removal(comment=removed, user=jim, guest=None, text="Read it again.")
        Case.objects.open().update(opened_at=datetime(2026, 3, 2, 12, tzinfo=UTC))
        clock.shift(timedelta(hours=4))
        assert alert_moderators() == "nothing waits too long"
        clock.shift(timedelta(minutes=1))
        mail.outbox.clear()
        assert [alert_moderators(), alert_moderators()] == ["1 mails", "sent already"]
        assert mail.outbox[0].subject == "2 appeals are waiting, the oldest for 4 h"
        assert "joke" not in mail.outbox[0].body


def test_no_alert_in_quiet_hours(maria):
    Site.objects.filter(pk=1).update(time_zone="Africa/Cairo")  # two hours ahead
    wait(datetime(2026, 3, 1, 12, tzinfo=UTC))
    for moment, expected in [
        ((2026, 3, 2, 5, 59), "quiet hours"),
        ((2026, 3, 2, 6, 0), "1 mails"),  # 08:00 in the site's zone
        ((2026, 3, 2, 19, 59), "1 mails"),
        ((2026, 3, 2, 20, 0), "quiet hours"),
    ]:
        ModerationSettings.objects.update(alerted_at=None)
        with time_machine.travel(datetime(*moment, tzinfo=UTC), tick=False):
            assert alert_moderators() == expected
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_an_alert_is_sent_without_a_lock_and_retried(maria, monkeypatch):
    def fail(*args: object) -> None:
        assert not connection.in_atomic_block
        raise OSError

    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False):
        wait(datetime(2026, 3, 2, 1, tzinfo=UTC))
        with monkeypatch.context() as patched:
            patched.setattr("moderation.notifications.mail.get_connection", fail)
            with pytest.raises(OSError):  # noqa: PT011
                alert_moderators()
        assert alert_moderators() == "1 mails"


@pytest.mark.parametrize(
    ("start", "end", "at", "expected"),
    [
        (8, 22, time(7, 59), False),
        (8, 22, time(8), True),
        (8, 22, time(22), False),
        (20, 6, time(23), True),  # hours that span midnight
        (20, 6, time(5, 59), True),
        (20, 6, time(12), False),
        (0, 0, time(3), True),  # the same hour: always
    ],
)
def test_alerts_are_sent_within_the_set_hours(start, end, at, expected):
    assert is_alert_time(ModerationSettings(alert_from=time(start), alert_until=time(end)), at) is expected
