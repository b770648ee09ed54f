"""The publication status of an article in words, and the actions that change it."""

from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.models import Article
from core.dates.relative_time import describe_time


class PublicationAction(NamedTuple):
    """An action on the publication of an article, with its texts.

    `label` is in the menu of the editor page. `title`, `explanation` and `button` are on the page or in the
    dialog that asks before it, if there is something to ask.
    """

    label: Any
    title: Any
    explanation: Any
    button: Any
    needs_date: bool = False


PUBLICATION_ACTIONS = {
    "publish": PublicationAction(
        gettext_lazy("Publish now"),
        gettext_lazy("Publish now"),
        gettext_lazy("Everybody can read it from now on."),
        gettext_lazy("Publish now"),
    ),
    "schedule": PublicationAction(
        gettext_lazy("Schedule…"),
        gettext_lazy("Schedule"),
        gettext_lazy("It is published at that time. A past time backdates the story."),
        gettext_lazy("Schedule"),
        needs_date=True,
    ),
    "unschedule": PublicationAction(
        gettext_lazy("Unschedule"),
        gettext_lazy("Unschedule"),
        gettext_lazy("It becomes a draft again, until somebody publishes it."),
        gettext_lazy("Unschedule"),
    ),
    "embargo": PublicationAction(
        gettext_lazy("Embargo…"),
        gettext_lazy("Embargo"),
        gettext_lazy("Nobody can publish it before that time. The preview says so."),
        gettext_lazy("Set embargo"),
        needs_date=True,
    ),
    "unpublish": PublicationAction(
        gettext_lazy("Unpublish…"),
        gettext_lazy("Unpublish"),
        gettext_lazy(
            "Readers can no longer see it: it disappears from lists, feeds and search, and its URL says that "
            "it was unpublished. Its discussion is kept, and you can publish it again."
        ),
        gettext_lazy("Unpublish"),
    ),
}


def available_actions(article: Article | None, now: datetime) -> list[str]:
    """Return the keys of PUBLICATION_ACTIONS that are possible now. A new story has no row to embargo yet."""
    if article is None:
        return ["publish", "schedule"]
    if article.is_published(now):
        return ["unpublish"]
    if article.published_at:
        return ["publish", "schedule", "unschedule", "embargo"]
    return ["publish", "schedule", "embargo"]


def needs_confirmation(article: Article | None, action: str, now: datetime) -> bool:
    """Return whether a person confirms the action first: a date, a reason or a consequence."""
    if action == "publish":
        return article is not None and (
            article.stage == Article.Stage.PRIVATE
            or article.is_embargoed(now)
            or article.was_published_at is not None
        )
    return action != "unschedule"


def status_badge(article: Article | None, now: datetime) -> tuple[str, str]:
    """Return the publication status in a word or two, and the class of its badge."""
    if article is None:
        return _("New"), ""
    if article.is_published(now):
        return _("Published"), "good"
    if article.published_at:
        return _("Scheduled"), "accent"
    if article.unpublished_at:
        return _("Unpublished"), "bad"
    if article.stage == Article.Stage.READY:
        return _("Ready for review"), "accent"
    return (_("Private"), "") if article.stage == Article.Stage.PRIVATE else (_("Draft"), "warn")


def describe_status(article: Article, now: datetime, *, is_stored: bool = False) -> str:
    """Return the publication status as a sentence, with times as describe_time returns them."""
    moment = partial(describe_time, now=now, is_stored=is_stored)
    if article.is_published(now) and article.published_at:
        return _("Published: %(moment)s.") % {"moment": moment(article.published_at)}
    if article.published_at:
        return _("Scheduled: %(moment)s.") % {"moment": moment(article.published_at)}
    if article.unpublished_at:
        return _("Unpublished: %(moment)s.") % {"moment": moment(article.unpublished_at)}
    if article.stage == Article.Stage.READY:
        return _("Ready for review. Only editors can read it.")
    if article.stage == Article.Stage.PRIVATE:
        return _("Private. Only its editors can read it or open its preview.")
    return _("Draft. Only editors and people with the preview link can read it.")


def embargo_refusal(article: Article, at: datetime, now: datetime) -> str:
    """Return the reason why the embargo does not allow publication as of `at`; "" if it does."""
    if not article.embargo_until or at >= article.embargo_until:
        return ""
    return _(
        "It cannot be dated before its embargo ends, unless its editors lift the embargo: %(moment)s."
    ) % {"moment": describe_time(article.embargo_until, now)}


def describe_embargo(article: Article, now: datetime, *, is_stored: bool = False) -> str:
    """Return the embargo as a sentence; "" if there is none, or it has ended."""
    if not article.is_embargoed(now) or not article.embargo_until:
        return ""
    moment = describe_time(article.embargo_until, now, is_stored=is_stored)
    return _("Embargoed until %(moment)s.") % {"moment": moment}
