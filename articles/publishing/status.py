"""The publication of an article as editors read of it: how it stands, and what can be done with it."""

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.models import Article
from core.relative_time import YEARS, check_year, said


def moment_widget(*, date: Any, time: Any) -> forms.SplitDateTimeWidget:
    """A date and a time of the site's zone, in fields of the browser itself, which are told aloud so."""
    years = {"min": f"{YEARS.start}-01-01", "max": f"{YEARS.stop - 1}-12-31"}
    return forms.SplitDateTimeWidget(
        date_attrs={"type": "date", "aria-label": date, **years},
        time_attrs={"type": "time", "aria-label": time},
        date_format="%Y-%m-%d",
        time_format="%H:%M",
    )


class MomentForm(forms.Form):
    at = forms.SplitDateTimeField(
        label=gettext_lazy("Date and time"),
        widget=moment_widget(date=gettext_lazy("Date"), time=gettext_lazy("Time")),
    )

    def clean_at(self) -> datetime:
        at: datetime = self.cleaned_data["at"]
        check_year(at)
        return at


class Doing(NamedTuple):
    """An act upon a publication: what leads to it, what its page is called, what it does, and its button."""

    label: Any
    title: Any
    sentence: Any
    button: Any
    asks_for_a_moment: bool = False


DOINGS = {
    "publish": Doing(
        gettext_lazy("Publish now…"),
        gettext_lazy("Publish now"),
        gettext_lazy("Everybody can read it from this moment on."),
        gettext_lazy("Publish now"),
    ),
    "schedule": Doing(
        gettext_lazy("Schedule…"),
        gettext_lazy("Schedule"),
        gettext_lazy("It appears at that moment by itself. A moment that is over dates it back."),
        gettext_lazy("Schedule"),
        asks_for_a_moment=True,
    ),
    "unschedule": Doing(
        gettext_lazy("Off the schedule…"),
        gettext_lazy("Take it off the schedule"),
        gettext_lazy("It becomes a draft again and appears only when somebody publishes it."),
        gettext_lazy("Take it off the schedule"),
    ),
    "embargo": Doing(
        gettext_lazy("Embargo…"),
        gettext_lazy("Embargo"),
        gettext_lazy("Until that moment nobody can publish it. Whoever opens the preview reads so."),
        gettext_lazy("Hold it until then"),
        asks_for_a_moment=True,
    ),
    "take-back": Doing(
        gettext_lazy("Take back…"),
        gettext_lazy("Take back"),
        gettext_lazy(
            "Nobody can read it any more: it leaves every list, feed and search, and its address says that "
            "it was taken back. Its discussion is kept, and you can publish it again."
        ),
        gettext_lazy("Take it back"),
    ),
}


def acts(article: Article, now: datetime) -> list[str]:
    """The keys of DOINGS that are possible now."""
    if article.is_published(now):
        return ["take-back"]
    if article.published_at:
        return ["publish", "schedule", "unschedule", "embargo"]
    return ["publish", "schedule", "embargo"]


def state(article: Article, now: datetime) -> str:
    """How it stands with its publication, in a sentence."""
    if article.is_published(now) and article.published_at:
        return _("Published: %(moment)s.") % {"moment": said(article.published_at, now)}
    if article.published_at:
        return _("Scheduled: %(moment)s.") % {"moment": said(article.published_at, now)}
    if article.taken_back_at:
        return _("Taken back: %(moment)s.") % {"moment": said(article.taken_back_at, now)}
    if article.stage == Article.Stage.READY:
        return _("Ready for review. Only editors can read it.")
    if article.stage == Article.Stage.PRIVATE:
        return _("Private. Only its editors can read it, and its preview.")
    return _("A draft. Only editors can read it, and whoever has the link to its preview.")


def too_early(article: Article, at: datetime, now: datetime) -> str:
    """Why it can't be published as of that moment, in a sentence; nothing where it can."""
    if not article.embargo_until or at >= article.embargo_until:
        return ""
    return _("Its date lies before the end of its embargo, which its editors can lift: %(moment)s.") % {
        "moment": said(article.embargo_until, now)
    }


def embargo(article: Article, now: datetime) -> str:
    if not article.is_embargoed(now) or not article.embargo_until:
        return ""
    return _("Embargoed until %(moment)s.") % {"moment": said(article.embargo_until, now)}
