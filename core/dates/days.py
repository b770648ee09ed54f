"""Days in a time zone."""

from datetime import date, datetime, time, tzinfo

DAY_SECONDS = 24 * 60 * 60


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the start of a day in this time zone."""
    return datetime.combine(day, time(), zone)
