"""The menus of moderation actions that moderators have on each comment."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from comments import removal_reasons as reasons
from comments.models import Reason, State
from moderation.actions.state_history import expected_transition_value, last_transition_ids
from moderation.notifications.decision_kinds import spam_sentence


def comment_menus(rows: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
    """Return the menu of each comment that its author did not delete.

    Each action leads back to the story.
    """
    last = last_transition_ids(row.id for row in rows)
    removals = (
        [(code, label, reasons.author_message(code)) for code, label in reasons.choices()] if last else []
    )
    return {
        row.id: _action_menu(row, last[row.id], removals)
        for row in rows
        if row.state != State.DELETED and row.state_reason != Reason.RESTRICTED and row.id in last
    }


def _action_menu(row: Any, last: int, removals: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Return the moderation menu of one comment. `last` is the id of its latest transition."""

    def decision(label: str, **values: Any) -> dict[str, Any]:
        query = urlencode(
            {"ids": row.id, "seen": expected_transition_value(row.id, last), "next": "story", **values}
        )
        return {"label": label, "url": f"{reverse('moderation:decide')}?{query}", "post": True}

    menu = []
    if row.state != State.PUBLISHED:
        menu.append(decision(_("Approve"), reason=Reason.APPROVED.value))
    if row.state != State.REJECTED:
        menu.append(decision(_("Remove…")) | {"reasons": removals})
        if row.author_id or row.guest_id:  # nobody reads a message about an imported comment
            menu.append(_page(row, _("Remove with a line of your own…"), "comment"))
    if row.state != State.SPAM:
        menu.append(decision(_("Mark as spam"), reason=Reason.SPAM.value) | {"message": spam_sentence()})
    return menu + page_actions(row)


def page_actions(row: Any) -> list[dict[str, Any]]:
    """Return the menu of one comment without the decisions. Restricted and deleted comments have none."""
    if row.state == State.DELETED or row.state_reason == Reason.RESTRICTED:
        return []

    def toggle(label: str, name: str, *, on: bool) -> dict[str, Any]:
        url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story&on={int(on)}"
        return {"label": label, "url": url, "post": True}

    menu = []
    if row.state == State.PUBLISHED:
        pick_label = _("Remove editor’s pick") if row.is_pick else _("Editor’s pick")
        menu.append(toggle(pick_label, "pick", on=not row.is_pick))
    if row.state != State.REJECTED:
        menu.append(_page(row, _("Duplicate of…"), "duplicate"))
    if row.state in {State.PUBLISHED, State.PENDING}:
        menu.append(_page(row, _("Redact…"), "redact"))
    lock_label = _("Unlock replies") if row.is_locked else _("Lock replies")
    menu.append(toggle(lock_label, "lock", on=not row.is_locked))
    menu.append(_page(row, _("Move…"), "move"))
    menu.append(_page(row, _("Restrict access…"), "restrict"))
    return menu


def _page(row: Any, label: str, name: str) -> dict[str, Any]:
    """Return a menu entry that leads to a page about the comment, by the name of its URL."""
    url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story"
    return {"label": label, "url": url, "post": False}
