"""Mail to moderators when a comment or an appeal has been waiting too long.

It is sent once, and again only after nothing had been waiting that long in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from articles.site.current_site import read_site
from articles.site.languages import in_staff_language
from moderation import explanations
from moderation.models import Case, ModerationSettings
from moderation.notifications.mail import mail_staff
from moderation.people import sanctions


@in_staff_language()
def alert_moderators() -> str:
    """Mail the moderators if something has been waiting too long.

    Returns a word on the result for the job log.
    """
    now = timezone.now()
    settings, _is_new = ModerationSettings.objects.get_or_create(pk=1)
    comments, appeals = _pending_comments(), _open_appeals()
    oldest = min((backlog.since for backlog in (comments, appeals) if backlog.since), default=None)
    if oldest is None or now - oldest <= timedelta(hours=settings.alert_hours):
        ModerationSettings.objects.filter(pk=1).exclude(alerted_at=None).update(alerted_at=None)
        return "nothing waits too long"
    if settings.alerted_at is not None:
        return "sent already"
    if not is_alert_time(settings, now.astimezone(read_site().zone).time()):
        return "quiet hours"
    sentences = list(_sentences(comments, appeals, now))
    # Claimed and committed first, so that nobody who changes the settings waits for the mail server.
    not_alerted = ModerationSettings.objects.filter(pk=1, alerted_at=None)
    if not not_alerted.update(alerted_at=now):
        return "sent already"
    try:
        mail = "moderation/mail/waiting.txt"
        sent = mail_staff(User.objects.moderators(), mail, sentences[0], sentences=sentences)
    except Exception:
        # The next run tries again.
        ModerationSettings.objects.filter(pk=1, alerted_at=now).update(alerted_at=None)
        raise
    return f"{sent} mails"


@dataclass(frozen=True)
class Backlog:
    """The number of pending comments or open appeals, and the time at which the oldest was opened."""

    count: int
    since: datetime | None  # None: there are none


def _pending_comments() -> Backlog:
    found = Case.objects.open().filter(is_pending=True).aggregate(n=Count("pk"), oldest=Min("opened_at"))
    return Backlog(found["n"], found["oldest"])


def _open_appeals() -> Backlog:
    """Return the open appeals against removals and sanctions."""
    cases = Case.objects.open().filter(is_appealed=True, is_pending=False)
    removals = cases.aggregate(n=Count("pk"), oldest=Min("opened_at"))
    people = sanctions.open_appeals().order_by().aggregate(n=Count("pk"), oldest=Min("appealed_at"))
    oldest = [found["oldest"] for found in (removals, people) if found["oldest"]]
    return Backlog(removals["n"] + people["n"], min(oldest, default=None))


def _sentences(comments: Backlog, appeals: Backlog, now: datetime) -> Iterator[str]:
    if comments.since:
        text = ngettext(
            "%(n)s comment is waiting, the oldest for %(age)s",
            "%(n)s comments are waiting, the oldest for %(age)s",
            comments.count,
        )
        yield text % {"n": f"{comments.count:,}", "age": explanations.format_elapsed(now - comments.since)}
    if appeals.since:
        text = ngettext(
            "%(n)s appeal is waiting, the oldest for %(age)s",
            "%(n)s appeals are waiting, the oldest for %(age)s",
            appeals.count,
        )
        yield text % {"n": f"{appeals.count:,}", "age": explanations.format_elapsed(now - appeals.since)}


def is_alert_time(settings: ModerationSettings, at: time) -> bool:
    """Return whether moderators get alerts at this time of day. The hours may span midnight."""
    if settings.alert_from <= settings.alert_until:
        return settings.alert_from <= at < settings.alert_until or settings.alert_from == settings.alert_until
    return at >= settings.alert_from or at < settings.alert_until
