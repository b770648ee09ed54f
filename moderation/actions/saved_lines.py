"""Saved lines: sentences for the authors of removed comments that moderators use again.

Each change is one action, which can be undone.
"""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from moderation.actions import setting_changes
from moderation.models import Action, SavedLine, SettingChange


def save_line(*, text: str, actor: User, replaces: SavedLine | None = None) -> Action | None:
    """Save a line, in place of `replaces` if it is given. Returns None if the same line is saved already.

    Raises ValidationError if `replaces` is to have the text of another line.
    """
    if replaces is not None and replaces.text == text:
        return None
    parameters = {"does": "changed" if replaces else "saved"}
    try:
        with transaction.atomic():
            action = Action.objects.create(kind=Action.Kind.SAVED_LINE, actor=actor, parameters=parameters)
            line = SavedLine.objects.create(text=text, is_active=False, added_by=actor)
            changes = [(SettingChange.Target.SAVED_LINE, line.pk, "is_active", True)]
            if replaces is not None:
                changes.append((SettingChange.Target.SAVED_LINE, replaces.pk, "is_active", False))
            setting_changes.apply_changes(action=action, changes=changes)
    except IntegrityError:
        if replaces is None:
            return None
        raise ValidationError(_("This line is saved already."), code="twice") from None
    return action


def delete_line(*, line: SavedLine, actor: User) -> Action | None:
    """Take a line from the list. Returns None if it is not on the list any more."""
    changes = [(SettingChange.Target.SAVED_LINE, line.pk, "is_active", False)]
    return setting_changes.apply_as_action(Action.Kind.SAVED_LINE, actor, {"does": "deleted"}, changes)
