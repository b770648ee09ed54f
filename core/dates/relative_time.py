"""Times relative to now, such as "in 2 h 10 min, Cairo time". For pages that are not cached."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.dates.formats import time_formatter, zone_label


def until(at: datetime, now: datetime) -> str:
    """Return for example "in 2 h 10 min"; an empty string for a past time."""
    if at <= now:
        return ""
    minutes = round((at - now).total_seconds() / 60)
    if minutes < 1:
        return _("in less than a minute")
    return _("in %(span)s") % {"span": _span(minutes)}


def ago(at: datetime, now: datetime) -> str:
    """Return for example "3 min ago" or "just now"."""
    minutes = int((now - at).total_seconds() // 60)
    return _("%(span)s ago") % {"span": _span(minutes)} if minutes >= 1 else _("just now")


def time_or_date(at: datetime, now: datetime) -> str:
    """Return a time of today as "14:00", and another one with its date: "27 November, 14:00"."""
    return time_formatter().short_moment_text(at, now)


def describe_time(at: datetime, now: datetime, *, is_stored: bool = False) -> str:
    """Return for example "27 November, 14:00, in 2 h 10 min, Cairo time".

    A text that is stored is read later: "27 November 2026, 14:00, Cairo time".
    """
    if is_stored:
        parts = [time_formatter().moment_text(at), zone_label()]
    else:
        parts = [time_or_date(at, now), until(at, now), zone_label()]
    return ", ".join(filter(None, parts))


def _span(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days >= 2:
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    hours += 24 * days
    parts = [_("%(n)s h") % {"n": hours} if hours else "", _("%(n)s min") % {"n": minutes} if minutes else ""]
    return " ".join(part for part in parts if part)
