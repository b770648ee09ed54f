"""Formats of dates and times in the zone of the site: "19 June 2013, 16:40", with the exact time on hover.

The formats are absolute, because a page may be cached and shown much later.
"""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS_ALT, WEEKDAYS
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language, gettext

# Zones whose common abbreviation does not distinguish summer and winter time.
NAMED_ZONES = {
    "America/New_York": "ET",
    "America/Chicago": "CT",
    "America/Denver": "MT",
    "America/Los_Angeles": "PT",
}


class TimeFormatter:
    """A formatter of times for one zone and one language. It looks up the translations once."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.months = [str(month) for month in MONTHS_ALT.values()]
        self.weekdays = [str(day) for day in WEEKDAYS.values()]
        self.date = gettext("{day} {month} {year}")
        self.date_of_year = gettext("{day} {month}")
        self.date_and_time = gettext("{date}, {time}")
        self.exact = gettext("{weekday} {date}, {time} {zone}")

    def zone_name(self, at: datetime) -> str:
        """Return the abbreviation to show after a time, such as ET, CEST or UTC+03."""
        return NAMED_ZONES.get(str(self.zone)) or self._abbreviation(at.astimezone(self.zone))

    def day(self, at: datetime) -> SafeString:
        """Return the date as HTML: 19 June 2013."""
        local = at.astimezone(self.zone)
        return self._element(local, self.date_text(local))

    def moment(self, at: datetime) -> SafeString:
        """Return the date and time as HTML: 19 June 2013, 16:40."""
        return self._element(at.astimezone(self.zone), self.moment_text(at))

    def short_moment(self, at: datetime, start: datetime) -> SafeString:
        """Return a time as HTML, without the parts of the date that it has in common with `start`.

        On the same day that is 16:40, in the same year 20 June, 06:11.
        """
        return self._element(at.astimezone(self.zone), self.short_moment_text(at, start))

    def moment_text(self, at: datetime) -> str:
        """Return the date and time as text."""
        local = at.astimezone(self.zone)
        return self.date_and_time.format(date=self.date_text(local), time=self._time(local))

    def short_moment_text(self, at: datetime, start: datetime) -> str:
        """Return the same as `short_moment` as text."""
        local, start = at.astimezone(self.zone), start.astimezone(self.zone)
        if local.year != start.year:
            return self.moment_text(at)
        if local.date() == start.date():
            return self._time(local)
        date = self.date_of_year.format(day=local.day, month=self.months[local.month - 1])
        return self.date_and_time.format(date=date, time=self._time(local))

    def with_text(self, at: datetime, text: str) -> SafeString:
        """Return a text such as "edited" as HTML, with the exact time on hover. The text is not escaped."""
        return self._element(at.astimezone(self.zone), text)

    def date_text(self, local: date) -> str:
        """Return the date as text."""
        return self.date.format(day=local.day, month=self.months[local.month - 1], year=local.year)

    def _time(self, local: datetime) -> str:
        return f"{local.hour:02}:{local.minute:02}"

    def _abbreviation(self, local: datetime) -> str:
        name = local.tzname() or ""
        return name if name[:1].isalpha() else f"UTC{name}"

    def _element(self, local: datetime, text: str) -> SafeString:
        exact = self.exact.format(
            weekday=self.weekdays[local.weekday()],
            date=self.date_text(local),
            time=self._time(local),
            zone=self._abbreviation(local),
        )
        # Safe: nothing here is user input, only translations, numbers and names of zones.
        return mark_safe(  # noqa: S308
            f'<time datetime="{local.isoformat(timespec="minutes")}" title="{exact}">{text}</time>'
        )


def utc_text(at: datetime) -> str:
    """Return a time in UTC in the format of ISO 8601, for programs: 2013-06-19T16:40:00Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def time_formatter(zone: str | tzinfo = "") -> TimeFormatter:
    """Return the formatter for a zone, in the reader's language.

    `zone` is an IANA name or a tzinfo; empty is the zone of the site.
    """
    info = zone if isinstance(zone, tzinfo) else ZoneInfo(zone) if zone else get_current_timezone()
    return _cached_formatter(info, get_language())


def zone_label() -> str:
    """Return the label of the site's zone, such as "Cairo time" or "UTC"."""
    key = str(get_current_timezone())
    place = key.rpartition("/")[2].replace("_", " ")
    if key == "UTC" or key.startswith("Etc/"):
        return place
    return gettext("%(place)s time") % {"place": place}


@lru_cache(maxsize=64)
def _cached_formatter(zone: tzinfo, language: str | None) -> TimeFormatter:
    return TimeFormatter(zone)
