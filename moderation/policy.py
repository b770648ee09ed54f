"""What comments ask of moderation: settings.COMMENT_POLICY names this object."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection
from django.db.models import Max
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import comments.policy
from accounts.models import Guest, User
from comments.models import REMOVE_REASONS, Comment, Discussion, Reason, State, Transition
from comments.policy import Draft, Verdict
from moderation import words
from moderation.checks import CHECKS, Context, Found, run
from moderation.models import Finding, Rule, proofs
from moderation.repeats import find_repeat

USUAL_FROM = 10  # decisions below which nothing is said of how long a review takes
USUAL_KEPT = 600  # seconds for which the answer is kept


class Policy(comments.policy.Policy):
    def examine(self, draft: Draft) -> tuple[Verdict, list[Found]]:
        """Hold what a check asks to be looked at, unless the discussion publishes first or the writer is one
        who decides here. All findings are kept either way."""
        context = _context(draft)
        findings = run(draft, context, CHECKS)
        publishes_first = draft.discussion.moderation == Discussion.Moderation.POST
        if context.may_moderate or publishes_first or not any(found.holds for found in findings):
            return "publish", findings
        return "hold", findings

    def record(self, comment: Comment, findings: list[Found]) -> None:
        Finding.objects.bulk_create([Finding.of(comment, found) for found in findings])

    def reasons(self, ids: Iterable[int]) -> dict[int, list[str]]:
        said: dict[int, list[str]] = {}
        for finding in Finding.objects.of_now(ids):
            sentence = words.why(finding, to_moderator=False, twin=finding.public_twin)
            said.setdefault(finding.comment_id, []).append(sentence)
        return said

    def actions(self, rows: Sequence[Any], user: User) -> dict[int, list[dict[str, Any]]]:
        """The menu of each comment but those that their authors deleted; it comes back to the story."""
        seen = last_decisions(row.id for row in rows)
        return {
            row.id: _menu(row, seen[row.id]) for row in rows if row.state != State.DELETED and row.id in seen
        }

    def usual(self) -> str:
        """Usually reviewed within N hours: the median of a week, nothing below ten decisions."""
        hours = cache.get_or_set("usual-review", _median_hours, USUAL_KEPT)
        if not hours:
            return ""
        return ngettext(
            "Usually reviewed within %(n)s hour.", "Usually reviewed within %(n)s hours.", hours
        ) % {"n": hours}


def last_decisions(ids: Iterable[int]) -> dict[int, int]:
    """By comment, the last line of the log about its state: what a decision says that it was made upon."""
    rows = Transition.objects.filter(comment__in=list(ids), kind=Transition.Kind.STATE)
    return dict(rows.order_by().values_list("comment").annotate(last=Max("id")))


def _context(draft: Draft) -> Context:
    may_moderate = draft.author is not None and (
        draft.author.is_moderator or draft.discussion.article.can_be_edited_by(draft.author)
    )
    is_confirmed = not may_moderate and _is_confirmed(draft)
    return Context(
        person_is_confirmed=is_confirmed,
        approved_count=int(is_confirmed and _was_approved(draft)),
        may_moderate=may_moderate,
        repeat=find_repeat(draft.body, but=draft.comment.pk if draft.comment else None),
        terms=Rule.objects.active_terms(),
    )


def _is_confirmed(draft: Draft) -> bool:
    if draft.author:
        return proofs().filter(user=draft.author).exists()
    return draft.guest is not None and draft.guest.confirmed_at is not None


def _was_approved(draft: Draft) -> bool:
    """Whether somebody approved a comment of this account or of a guest who proved the same e-mail.

    A guest's proof also reaches the account of that e-mail. Two questions, as each has its own index.
    """
    approved = Comment.objects.visible().filter(state_reason=Reason.APPROVED)
    email = (draft.author or draft.guest).email.lower()  # type: ignore[union-attr]  # one of them wrote it
    guests = Guest.objects.confirmed().annotate(folded=Lower("email")).filter(folded=email)
    accounts = proofs().annotate(folded=Lower("user__email")).filter(folded=email)
    return (
        approved.filter(author__in=accounts.values("user")).exists()
        or approved.filter(guest__in=guests.values("pk")).exists()
    )


def _menu(row: Any, seen: int) -> list[dict[str, Any]]:
    def act(label: str, **values: Any) -> dict[str, Any]:
        query = urlencode({"ids": row.id, "seen": f"{row.id}.{seen}", "next": "story", **values})
        return {"label": label, "url": f"{reverse('moderation:decide')}?{query}", "post": True}

    menu = []
    if row.state != State.PUBLISHED:
        menu.append(act(_("Approve"), reason=Reason.APPROVED.value))
    if row.state != State.REJECTED:
        menu.append(act(_("Remove")) | {"reasons": [(r.value, r.label) for r in REMOVE_REASONS]})
    if row.state != State.SPAM:
        menu.append(act(_("Mark as spam"), reason=Reason.SPAM.value))
    menu.append({"label": _("Move…"), "url": reverse("moderation:move", args=[row.id]), "post": False})
    return menu


def _median_hours() -> int:
    """Half of the comments that people decided on in a week waited no longer. 0: too few to say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), "
            "extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY t.at - c.created_at)) "
            "FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id "
            "WHERE t.kind = 'state' AND t.from_state = 'pending' AND t.actor_id IS DISTINCT FROM c.author_id "
            "AND t.actor_id IS NOT NULL AND t.at > now() - interval '7 days'"
        )
        count, seconds = cursor.fetchone()
    return max(1, ceil(seconds / 3600)) if count >= USUAL_FROM else 0
