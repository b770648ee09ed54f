"""Template filters for dates and times (core/dates/formats.py)."""

from datetime import datetime, tzinfo

from django import template
from django.utils.timezone import localtime
from django.utils.translation import gettext

from core.dates.formats import time_formatter, zone_label

register = template.Library()
register.simple_tag(zone_label)


@register.filter
def day(at: datetime | None, zone: str | tzinfo = "") -> str:
    """Return the date in HTML; an empty string for None."""
    return time_formatter(zone).day(at) if at else ""


@register.filter
def moment(at: datetime | None, zone: str | tzinfo = "") -> str:
    """Return the date and time in HTML; an empty string for None."""
    return time_formatter(zone).moment(at) if at else ""


@register.filter
def zone_name(at: datetime | None, zone: str | tzinfo = "") -> str:
    """Return the abbreviation of the zone at this time; an empty string for None."""
    return time_formatter(zone).zone_name(at) if at else ""


@register.filter
def times_sentence(zone: str) -> str:
    """Return the sentence that names the zone of the times on a page. `zone` is its label, such as "UTC"."""
    return gettext("Times are %(zone)s unless noted.") % {"zone": zone}


@register.filter
def iso(at: datetime) -> str:
    """Return a time in the site's zone in the format of ISO 8601."""
    return localtime(at).isoformat()
