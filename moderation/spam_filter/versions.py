"""Activation of versions and the filter's setting, as actions of an administrator or the system, with
Undo."""

import json
from pathlib import Path

from django.db import transaction

from accounts.models import User
from moderation.actions import setting_changes
from moderation.models import Batch, FilterVersion, ModerationSettings, SettingChange

Target = SettingChange.Target
MIN_FALSE_POSITIVE_LIMIT, MAX_FALSE_POSITIVE_LIMIT = 0.1, 20.0  # limits of the setting
STARTER_DIR = Path(__file__).parent  # has starter.bin (the weights) and starter.json (how they were trained)


def starter_version() -> FilterVersion:
    """Return the version that comes with this release of the program; creates it if it is new."""
    about = json.loads((STARTER_DIR / "starter.json").read_text("utf-8"))
    found = FilterVersion.objects.filter(
        kind=FilterVersion.Kind.STARTER, trained_on__sha256=about["sha256"]
    ).first()
    return found or FilterVersion.objects.create(
        kind=FilterVersion.Kind.STARTER, weights=(STARTER_DIR / "starter.bin").read_bytes(), trained_on=about
    )


def activate(
    *, version: FilterVersion | None, actor: User | None, instead_of: FilterVersion | None = None
) -> Batch | None:
    """Activate a version, or none. Without an actor, the system does.

    Returns None if nothing changed, or if `instead_of` is not the active version any more.
    """
    return _set("filter", version.pk if version else None, actor, instead_of)


def set_false_positive_limit(*, percent: float, actor: User) -> Batch | None:
    """Set how many good comments in a hundred may wait because of the filter.

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
) -> Batch | None:
    batch = Batch(kind=Batch.Kind.FILTER, actor=actor, parameters={"field": field, "value": value})
    with transaction.atomic():
        ModerationSettings.objects.get_or_create(pk=1)
        moderation_settings = ModerationSettings.objects.select_for_update(no_key=True).get(pk=1)
        if instead_of and moderation_settings.filter_id != instead_of.pk:
            return None
        batch.save(force_insert=True)
        if not setting_changes.apply_changes(
            batch=batch, changes=[(Target.MODERATION_SETTINGS, 1, field, value)]
        ):
            transaction.set_rollback(True)
            return None
    return batch
