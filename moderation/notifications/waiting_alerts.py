"""Mail to moderators when something has waited too long: once, and not again until the queue was below it.

That is a comment that waits, or another look: at a removed comment or at what a person is held to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import ngettext

from articles.site.languages import in_site_language
from moderation.models import Case, Desk
from moderation.notifications import mail
from moderation.people import sanctions
from moderation.queue import explanations


@in_site_language
def alert() -> str:
    """Write to the moderators if it is time to. Returns what was done, for whoever looks after the site."""
    now = timezone.now()
    desk, _is_new = Desk.objects.get_or_create(pk=1)
    comments, looks = _comments(), _looks()
    oldest = min((one.since for one in (comments, looks) if one.since), default=None)
    if oldest is None or now - oldest <= timedelta(hours=desk.alert_hours):
        Desk.objects.filter(pk=1).exclude(alerted_at=None).update(alerted_at=None)
        return "nothing waits too long"
    if desk.alerted_at is not None:
        return "told already"
    site = mail.current_site()
    if not is_open(desk, now.astimezone(site.zone).time()):
        return "quiet hours"
    lines = list(_lines(comments, looks, now))
    to = [moderator.email for moderator in mail.moderators()]
    # Claimed and committed first: who settles the desk meanwhile does not wait for a server of mails.
    untold = Desk.objects.filter(pk=1, alerted_at=None)
    if not untold.update(alerted_at=now):
        return "told already"
    try:
        sent = mail.send(mail.mail("waiting", lines[0], each, site=site, lines=lines) for each in to)
    except Exception:
        Desk.objects.filter(pk=1, alerted_at=now).update(alerted_at=None)  # it is tried again
        raise
    return f"{sent} mails"


@dataclass(frozen=True)
class Waiting:
    count: int
    since: datetime | None  # of the oldest; None: nothing waits


def _comments() -> Waiting:
    found = Case.objects.open().filter(is_waiting=True).aggregate(n=Count("pk"), oldest=Min("opened_at"))
    return Waiting(found["n"], found["oldest"])


def _looks() -> Waiting:
    """What is asked about and is no comment that waits: removed comments, and sanctions."""
    cases = Case.objects.open().filter(is_second_look=True, is_waiting=False)
    found = cases.aggregate(n=Count("pk"), oldest=Min("opened_at"))
    people = sanctions.asked_about().order_by().aggregate(n=Count("pk"), oldest=Min("asked_at"))
    since = [one["oldest"] for one in (found, people) if one["oldest"]]
    return Waiting(found["n"] + people["n"], min(since, default=None))


def _lines(comments: Waiting, looks: Waiting, now: datetime) -> Iterator[str]:
    if comments.since:
        said = ngettext(
            "%(n)s comment is waiting, the oldest for %(age)s",
            "%(n)s comments are waiting, the oldest for %(age)s",
            comments.count,
        )
        yield said % {"n": f"{comments.count:,}", "age": explanations.ago(now - comments.since)}
    if looks.since:
        said = ngettext(
            "%(n)s second look is asked for, the oldest for %(age)s",
            "%(n)s second looks are asked for, the oldest for %(age)s",
            looks.count,
        )
        yield said % {"n": f"{looks.count:,}", "age": explanations.ago(now - looks.since)}


def is_open(desk: Desk, at: time) -> bool:
    """Whether moderators are written to at this time of their day; the hours may go over midnight."""
    if desk.alert_from <= desk.alert_until:
        return desk.alert_from <= at < desk.alert_until or desk.alert_from == desk.alert_until
    return at >= desk.alert_from or at < desk.alert_until
