"""The form of the time at which a story is published."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from core.dates.fields import YEARS, SiteSplitDateTimeField


def date_time_widget(*, date: Any, time: Any) -> forms.SplitDateTimeWidget:
    """Return a widget with the browser's own inputs for a date and a time in the site's zone.

    `date` and `time` are their labels for screen readers.
    """
    years = {"min": f"{YEARS.start}-01-01", "max": f"{YEARS.stop - 1}-12-31"}
    return forms.SplitDateTimeWidget(
        date_attrs={"type": "date", "aria-label": date, **years},
        time_attrs={"type": "time", "aria-label": time},
        date_format="%Y-%m-%d",
        time_format="%H:%M",
    )


class DateTimeForm(forms.Form):
    """The date and time at which an article is published or its embargo ends."""

    at = SiteSplitDateTimeField(
        label=gettext_lazy("Date and time"),
        widget=date_time_widget(date=gettext_lazy("Date"), time=gettext_lazy("Time")),
    )
