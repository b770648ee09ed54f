"""Form fields for a time in the zone of the site."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext

from core.dates.formats import time_formatter, zone_label

YEARS = range(1000, 3000)  # the archive has URLs for these; a browser reads a typed "26" as the year 26


class _SiteTimeField(forms.Field):
    """A form field for a time in the zone of the site, in one of YEARS."""

    def clean(self, value: Any) -> Any:
        """Return the time. A time that a clock change skips or repeats is refused in plain words."""
        try:
            at = super().clean(value)
        except ValidationError as error:
            if getattr(error, "code", "") != "ambiguous_timezone" or not error.params:
                raise
            raise ValidationError(_explain_clock_change(error.params["datetime"])) from error
        if at and at.year not in YEARS:
            raise ValidationError(gettext("The year %(year)s is not valid.") % {"year": at.year})
        return at


class SiteDateTimeField(_SiteTimeField, forms.DateTimeField):
    """A form field for a time of the site, with one input."""


class SiteSplitDateTimeField(_SiteTimeField, forms.SplitDateTimeField):
    """A form field for a time of the site, with an input for the date and one for the time."""


def _explain_clock_change(typed: datetime) -> str:
    """Return a sentence about a time of the site that a clock change skips or repeats, and a later time."""
    at = typed.replace(tzinfo=get_current_timezone())
    offset, other_offset = at.utcoffset(), at.replace(fold=1).utcoffset()
    assert offset is not None
    assert other_offset is not None
    if other_offset > offset:
        text = gettext(
            "%(time)s does not exist in %(zone)s, because the clocks go forward. Choose another time, such "
            "as %(later)s."
        )
    else:
        text = gettext(
            "%(time)s comes twice in %(zone)s, because the clocks go back. Choose another time, such as "
            "%(later)s."
        )
    times, later = time_formatter(), at + abs(other_offset - offset)
    return text % {
        "time": times.moment_text(at),
        "zone": zone_label(),
        "later": times.short_moment_text(later, at),
    }
