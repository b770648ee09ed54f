"""Redactions: passages of a comment that moderators replace by a bar. decisions.undo undoes them."""

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Comment, State
from comments.services.discussions import lock_discussions_of
from comments.services.states import confirm_states
from comments.services.text_changes import store_redaction
from moderation import tasks
from moderation.actions import setting_changes
from moderation.models import Action, SettingChange

REDACTED = "███"  # of one length, so that it does not tell the length of the passage


def redact(
    *, comment: Comment, marked: str, actor: User, expected_transitions: Mapping[int, int] | None = None
) -> Action:
    """Redact the passages that are marked [[like this]] in the text of a comment.

    Moderators keep the earlier text, and the author is notified. `expected_transitions` is as in
    decisions.decide. Raises ValidationError if anything but marks was added, if nothing or everything is
    marked, or if the text or the state has changed meanwhile.
    """
    body = redact_text(comment.body, marked)
    parameters = {"comment": comment.pk}
    with transaction.atomic():
        action = Action.objects.create(kind=Action.Kind.REDACTION, actor=actor, parameters=parameters)
        lock_discussions_of([comment.pk])
        fresh = Comment.objects.get(pk=comment.pk)
        changed_error = ValidationError(
            _("This comment has changed meanwhile. Please check it again."), code="changed"
        )
        if fresh.revision != comment.revision or fresh.state not in {State.PUBLISHED, State.PENDING}:
            raise changed_error
        revision = store_redaction(comment=fresh, body=body)
        setting_changes.apply_changes(
            action=action, changes=[(SettingChange.Target.COMMENT, fresh.pk, "revision", revision)]
        )
        if not confirm_states(
            ids=[fresh.pk], actor=actor, action_id=action.pk, expected_transitions=expected_transitions
        ):
            raise changed_error
        tasks.notify_authors_later(action)
    return action


def redact_text(body: str, marked: str) -> str:
    """Return `body` with REDACTED in place of each passage marked [[like this]] in `marked`.

    Apart from the marks both texts must be equal; raises ValidationError otherwise. Brackets of the text
    itself are not marks.
    """
    body, marked = normalize_newlines(body), normalize_newlines(marked)
    out: list[str] = []
    position, at = 0, 0  # in `body` and in `marked`
    is_open, redacted_count = False, 0  # whether a passage is open, and the redacted characters
    while at < len(marked):
        mark = "]]" if is_open else "[["
        if marked.startswith(mark, at) and (is_open or not body.startswith(marked[at : at + 3], position)):
            at, is_open = at + 2, not is_open
            out += [] if is_open else [REDACTED]
        elif body[position : position + 1] == marked[at]:
            redacted_count += is_open
            out += [] if is_open else [marked[at]]
            position, at = position + 1, at + 1
        else:
            break
    if at < len(marked) or position < len(body) or is_open:
        raise ValidationError(
            _("Add only marks: [[ before and ]] after each passage to redact. Leave the rest unchanged."),
            code="rewritten",
        )
    if not redacted_count:
        raise ValidationError(
            _("Mark the passages to redact: put [[ before and ]] after each."), code="unmarked"
        )
    text = "".join(out)
    if not re.sub(rf"[{REDACTED[0]}\W_]", "", text):
        raise ValidationError(_("No text would be left. Remove the comment instead."), code="all")
    return text
