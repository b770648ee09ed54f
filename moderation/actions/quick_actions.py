"""Actions that change a setting: picks and locks of comments, settings of a discussion or of the site.

Each is stored as one Action in one transaction; decisions.undo undoes any of them.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from comments.models import Comment, Discussion, State
from comments.policy import ActionButton
from comments.services.discussions import lock_discussions_of
from moderation.actions.setting_changes import apply_as_action
from moderation.models import Action, SettingChange

Target = SettingChange.Target

# The field and value that each action sets on a discussion and, if it exists there, on the whole site.
QUICK_ACTIONS: dict[str, dict[str, tuple[str, Any]]] = {
    "open": {"discussion": ("status", "open"), "site": ("comment_status", "open")},
    "close": {"discussion": ("status", "closed"), "site": ("comment_status", "closed")},
    "hide": {"discussion": ("status", "hidden"), "site": ("comment_status", "hidden")},
    "review": {"discussion": ("moderation", "pre"), "site": ("review_everything", True)},
    "unreview": {"discussion": ("moderation", "conditional"), "site": ("review_everything", False)},
    "members": {"discussion": ("members_only", True)},
    "guests": {"discussion": ("members_only", False)},
}


LABELS = {
    "open": gettext_lazy("Reopen"),
    "close": gettext_lazy("Close"),
    "hide": gettext_lazy("Hide discussion"),
    "review": gettext_lazy("Pre-moderation"),
    "unreview": gettext_lazy("End pre-moderation"),
    "members": gettext_lazy("Members only"),
    "guests": gettext_lazy("Allow guests"),
}
SITE_LABELS = LABELS | {"hide": gettext_lazy("Hide all discussions")}


def available_actions(*, status: str, is_premoderated: bool, members_only: bool | None = None) -> list[str]:
    """Return the actions that would change these settings. `members_only` is None for the whole site."""
    statuses = ["close", "hide"] if status == "open" else ["open"] if status == "hidden" else ["open", "hide"]
    members = [] if members_only is None else ["guests" if members_only else "members"]
    return [*statuses, "unreview" if is_premoderated else "review", *members]


def discussion_buttons(discussion: Discussion) -> list[ActionButton]:
    """Return the buttons of the quick actions on a discussion."""
    names = available_actions(
        status=discussion.status,
        is_premoderated=discussion.moderation == Discussion.Moderation.PRE,
        members_only=discussion.members_only,
    )
    return [
        ActionButton(str(LABELS[name]), reverse("moderation:quick-action", args=[discussion.pk, name]))
        for name in names
    ]


def apply_quick_action(*, name: str, article: int | None, actor: User) -> Action | None:
    """Apply a quick action to the discussion of an article, or to the whole site (article None).

    Returns None if the setting has that value already.
    """
    target = Target.DISCUSSION if article else Target.SITE
    field, value = QUICK_ACTIONS[name][target.value]
    parameters = {"field": field, "value": value, "target": target.value}
    return apply_as_action(Action.Kind.DISCUSSION, actor, parameters, [(target, article or 1, field, value)])


def record_settings(before: Discussion, after: Discussion, actor: User) -> None:
    """Record changes made in the admin as actions, so that undoing an earlier action does not revert them."""
    for field in ("status", "moderation", "members_only"):
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        parameters = {"field": field, "value": new, "target": Target.DISCUSSION.value}
        action = Action.objects.create(kind=Action.Kind.DISCUSSION, actor=actor, parameters=parameters)
        SettingChange.objects.create(
            action=action, target=Target.DISCUSSION, target_id=after.pk, field=field, old=old, new=new
        )


def set_editors_pick(*, comment: Comment, is_pick: bool, actor: User) -> Action | None:
    """Make a comment an editor's pick, or remove the pick. Returns None if nothing changes.

    Raises ValidationError if a comment to be picked is not published.
    """
    parameters = {"field": "is_pick", "value": is_pick}
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        if is_pick and not Comment.objects.filter(pk=comment.pk, state=State.PUBLISHED).exists():
            raise ValidationError(_("Only published comments can be an editor’s pick."), code="unpublished")
        changes = [(Target.COMMENT, comment.pk, "is_pick", is_pick)]
        return apply_as_action(Action.Kind.COMMENT, actor, parameters, changes)


def lock_replies(*, comment: Comment, is_locked: bool, actor: User) -> Action | None:
    """Lock or unlock replies to a comment and to all comments below it. Returns None if nothing changes."""
    parameters = {"field": "is_locked", "value": is_locked, "comment": comment.pk}
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        fresh = Comment.objects.get(pk=comment.pk)
        branch = Comment.objects.filter(
            tree_id=fresh.tree_id, lft__gte=fresh.lft, lft__lte=fresh.rght, is_locked=not is_locked
        )
        ids = branch.order_by("pk").values_list("pk", flat=True)
        locks = [(Target.COMMENT, pk, "is_locked", is_locked) for pk in ids]
        return apply_as_action(Action.Kind.COMMENT, actor, parameters, locks)
