"""Activation of versions and the filter's setting, as actions that can be undone.

An administrator or the system takes them.
"""

import json
from functools import cache
from typing import Any

from django.db import transaction

from accounts.models import User
from moderation.actions.setting_changes import apply_as_action
from moderation.models import Action, FilterVersion, ModerationSettings, SettingChange
from moderation.spam_filter.classifier.starter import STARTER_FILE
from moderation.spam_filter.thresholds import GoodScores, pending_threshold

Target = SettingChange.Target
MIN_FALSE_POSITIVE_LIMIT, MAX_FALSE_POSITIVE_LIMIT = 0.1, 20  # limits of the setting


@cache
def about_starter() -> dict[str, Any]:
    """Return the training of the starter, and its scores of good comments that it had not seen."""
    about: dict[str, Any] = json.loads(STARTER_FILE.with_suffix(".json").read_text("utf-8"))
    return about


def new_site_threshold(percent: float, *, has_website: bool) -> float:
    """Return the probability from which a comment becomes pending on a site without decisions."""
    good = GoodScores(**about_starter()["good_scores"]["with" if has_website else "without"])
    return pending_threshold(percent, GoodScores(0, []), good)


def starter_version() -> FilterVersion:
    """Return the version that comes with this release of the program; creates it if it is new."""
    about = about_starter()
    found = FilterVersion.objects.filter(
        kind=FilterVersion.Kind.STARTER, trained_on__sha256=about["sha256"]
    ).first()
    return found or FilterVersion.objects.create(
        kind=FilterVersion.Kind.STARTER, weights=STARTER_FILE.read_bytes(), trained_on=about
    )


def activate(
    *, version: FilterVersion | None, actor: User | None, instead_of: FilterVersion | None = None
) -> Action | None:
    """Activate a version, or none. Without an actor, the system does.

    Returns None if nothing changed, or if `instead_of` is not the active version any more.
    """
    return _set("filter", version.pk if version else None, actor, instead_of)


def set_false_positive_limit(*, percent: float, actor: User) -> Action | None:
    """Set how many good comments in a hundred may become pending because of the filter.

    Returns None if nothing changed. Raises ValueError outside of MIN_FALSE_POSITIVE_LIMIT to
    MAX_FALSE_POSITIVE_LIMIT.
    """
    if not MIN_FALSE_POSITIVE_LIMIT <= percent <= MAX_FALSE_POSITIVE_LIMIT:
        raise ValueError(
            f"{percent} is not between {MIN_FALSE_POSITIVE_LIMIT} and {MAX_FALSE_POSITIVE_LIMIT}."
        )
    return _set("false_positive_limit", percent, actor)


def _set(
    field: str, value: float | int | None, actor: User | None, instead_of: FilterVersion | None = None
) -> Action | None:
    with transaction.atomic():
        ModerationSettings.objects.get_or_create(pk=1)
        moderation_settings = ModerationSettings.objects.select_for_update(no_key=True).get(pk=1)
        if instead_of and moderation_settings.filter_id != instead_of.pk:
            return None
        parameters = {"field": field, "value": value}
        changes = [(Target.MODERATION_SETTINGS, 1, field, value)]
        return apply_as_action(Action.Kind.FILTER, actor, parameters, changes)
