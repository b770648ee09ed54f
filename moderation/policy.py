"""What comments ask of moderation: settings.COMMENT_POLICY names this object."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from math import ceil
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import comments.policy
from accounts.models import User
from accounts.sql import execute_planned
from comments.models import REMOVE_REASONS, Comment, Discussion, Reason, State, Transition
from comments.policy import Draft, Verdict
from moderation import cases, ledger, rules, tally, words
from moderation.checks import CHECKS, RATE_MINUTES, Context, Found, run, too_fast
from moderation.models import Finding, Sanction
from moderation.origins import remember
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
        if comment.state == State.PENDING:
            cases.open_case(comment, findings)
        elif comment.state == State.SPAM and comment.revision == 1:
            tally.count_posted(comment)

    def settle(self, ids: Sequence[int], *, batch: UUID, actor: User | None, undoes: UUID | None) -> None:
        cases.settle(ids=ids, batch=batch, by_person=actor is not None, undoes=undoes)
        tally.count(ids, batch)

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


# One question for all that is known of a person and of the rules, in SQL: a post waits for each way there
# and back, and to compose these took as long as to answer them. `account` is models.proofs() for one e-mail.
# A guest's proof also reaches the account of that e-mail; both are looked up by themselves, as each has its
# own index.
KNOWN = """
WITH account AS MATERIALIZED (
  SELECT u.id FROM accounts_user u JOIN account_emailaddress e ON e.user_id = u.id
  WHERE lower(u.email) = %(email)s AND e.verified AND upper(e.email) = upper(u.email))
SELECT EXISTS (SELECT FROM account WHERE id = %(author)s),
       EXISTS (SELECT FROM comments_comment
               WHERE author_id IN (SELECT id FROM account)
                 AND state = 'published' AND state_reason = 'approved')
       OR EXISTS (SELECT FROM comments_comment
                  WHERE guest_id IN (SELECT id FROM accounts_guest
                                     WHERE lower(email) = %(email)s AND confirmed_at IS NOT NULL)
                    AND state = 'published' AND state_reason = 'approved'),
       ARRAY(SELECT id FROM moderation_rule WHERE is_active AND kind = 'term' ORDER BY value, id),
       ARRAY(SELECT value FROM moderation_rule WHERE is_active AND kind = 'term' ORDER BY value, id)"""


def _context(draft: Draft) -> Context:
    may_moderate = draft.author is not None and (
        draft.author.is_moderator or draft.discussion.article.can_be_edited_by(draft.author)
    )
    person = draft.author or draft.guest
    values = {
        "email": person.email.lower() if person else "",
        "author": draft.author.pk if draft.author else None,
    }
    with connection.cursor() as cursor:
        execute_planned(cursor, KNOWN, values)
        is_proved, was_approved, rules, terms = cursor.fetchone()
    if draft.guest:
        is_proved = draft.guest.confirmed_at is not None
    return Context(
        person_is_confirmed=is_proved and not may_moderate,
        approved_count=int(is_proved and was_approved and not may_moderate),
        may_moderate=may_moderate,
        repeat=find_repeat(draft.body, but=draft.comment.pk if draft.comment else None),
        terms=list(zip(rules, terms, strict=True)),
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


        "guest_id": draft.guest.pk if draft.guest else None,
        "browser": draft.browser.pk if draft.browser else None,
        # Who has proved an e-mail is not held to what others send in its name.
        "guest": draft.guest.email.lower() if draft.guest else None,
        "is_proved": draft.guest is not None and draft.guest.confirmed_at is not None,
        "article": draft.discussion.article.pk,
        "since": draft.at - timedelta(minutes=RATE_MINUTES),
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
