"""What comments ask of moderation: settings.COMMENT_POLICY names this object."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import comments.policy
from accounts.models import Guest, User
from comments import removal_reasons as reasons
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.policy import Draft, Verdict
from core.rate_limits import TooOften
from core.sql import execute_planned
from moderation import integrity
from moderation.actions import cases, quick_actions
from moderation.actions.history import IS_UNDONE
from moderation.models import Finding, Sanction
from moderation.notifications.notices import finding, tell
from moderation.people.active_sanctions import HELD, read_held, refuse, standing_of, told
from moderation.queue import explanations
from moderation.rules import active_rules
from moderation.screening.checks import CHECKS, RATE_MINUTES, RATE_MOST, Context, Found, run, too_fast
from moderation.screening.duplicates import find_repeat
from moderation.screening.origins import REMEMBER, mark
from moderation.spam_filter.active_model import IN_FORCE, InForce, can_be_used
from moderation.spam_filter.scoring import look_at
from moderation.tasks import tell_held_later
from moderation.transparency import discussion_summary, removal_counts

# It goes with the insert of a comment (comments.policy.Policy.beside).
STORE = """
, found AS (
  INSERT INTO moderation_finding
    (comment_id, revision, check_name, strength, holds, spans, number, twin_id, rule_id, filter_id)
  SELECT ins.id, ins.revision, f."check", f.strength, f.holds, f.spans, f.number, f.twin, f.rule, f.filter
  FROM ins CROSS JOIN jsonb_to_recordset(%(findings)s::jsonb) AS f (
    "check" text, strength float8, holds boolean, spans jsonb, number int, twin bigint, rule bigint,
    filter bigint))"""

USUAL_FROM = 10  # decisions below which nothing is said of how long a review takes
USUAL_KEPT = 600  # seconds for which the answer is kept


class Policy(comments.policy.Policy):
    beside = REMEMBER + STORE

    def examine(self, draft: Draft) -> tuple[Verdict, list[Found]]:
        """Hold what a check asks to be looked at, unless the discussion publishes first or the writer is one
        who decides here. All findings are kept either way. A sanction holds whoever it is."""
        context, in_force = _context(draft)
        if (most := too_fast(draft, context)) is not None:
            by_others = context.sent_by_person < most  # who share the connection
            raise TooOften(explanations.too_fast(most, by_others=by_others), seconds=RATE_MINUTES * 60)
        findings = run(draft, context, CHECKS)
        judged, more = look_at(draft, in_force, findings, mark(draft.ip))
        findings += more
        # Whoever was approved here, and what was published already, somebody looks at first.
        known = context.may_moderate or context.approved_count or draft.comment
        is_spam = judged is not None and judged.is_spam and not known
        publishes_first = (
            draft.discussion.moderation == Discussion.Moderation.POST and not context.site_reviews
        )
        if is_spam:
            return "spam", findings
        if context.is_reviewed:
            return "hold", findings
        if context.may_moderate or publishes_first or not any(found.holds for found in findings):
            return "publish", findings
        return "hold", findings

    def beside_values(self, draft: Draft, findings: list[Found]) -> dict[str, Any]:
        return {"ip_hash": mark(draft.ip), "findings": json.dumps([vars(found) for found in findings])}

    def asks(self, findings: list[Found]) -> bool:
        return any(found.holds for found in findings)

    def record(self, comment: Comment, findings: list[Found]) -> None:
        Finding.objects.bulk_create([Finding.of(comment, found) for found in findings])
        self.follow(comment, findings)

    def follow(self, comment: Comment, findings: list[Found]) -> None:
        if comment.state == State.PENDING or _is_looked_at_afterwards(comment, findings):
            cases.open_case(comment, findings)
            tell_held_later(comment)
        elif comment.state == State.SPAM:
            removal_counts.count_posted(comment)
            tell_held_later(comment)

    def standing(self, user: User | None, guest: Guest | None) -> list[str]:
        return [told(one) for one in standing_of(user, guest)]

    def settle(self, ids: Sequence[int], *, batch: UUID, actor: User | None, undoes: UUID | None) -> None:
        cases.settle(ids=ids, batch=batch, by_person=actor is not None, undoes=undoes)
        removal_counts.count(ids, batch)

    def record_settings(self, before: Discussion, after: Discussion, actor: User) -> None:
        quick_actions.record_settings(before, after, actor)

    def reasons(self, ids: Iterable[int], own: Collection[int] = ()) -> dict[int, list[str]]:
        said: dict[int, list[str]] = {}
        for found in Finding.objects.of_now(ids).filter(holds=True):
            is_own = found.comment_id in own
            sentence = (
                finding(found)
                if is_own
                else explanations.why(found, to_moderator=False, twin=found.public_twin)
            )
            said.setdefault(found.comment_id, []).append(sentence)
        return said

    def damage(self) -> dict[str, list[Any]]:
        return integrity.damage()

    def repair(self, damage: Mapping[str, list[Any]]) -> None:
        integrity.repair(damage)

    def actions(self, rows: Sequence[Any], user: User) -> dict[int, list[dict[str, Any]]]:
        """The menu of each comment but those that their authors deleted; it comes back to the story."""
        seen = last_decisions(row.id for row in rows)
        removals = [(code, said, reasons.told(code)) for code, said in reasons.choices()] if seen else []
        return {
            row.id: _menu(row, seen[row.id], removals)
            for row in rows
            if row.state != State.DELETED and row.state_reason != Reason.SEALED and row.id in seen
        }

    def account(self, discussion: Discussion) -> list[str]:
        return discussion_summary.account(discussion)

    def presses(self, discussion: Discussion) -> list[dict[str, Any]]:
        names = quick_actions.offered(
            status=discussion.status,
            is_reviewed=discussion.moderation == Discussion.Moderation.PRE,
            members_only=discussion.members_only,
        )
        return [
            {
                "label": quick_actions.LABELS[name],
                "url": f"{reverse('moderation:quick-action', args=[discussion.article.pk, name])}?next=story",
            }
            for name in names
        ]

    def told(self, ids: Iterable[int]) -> dict[int, list[str]]:
        rows = Comment.objects.filter(pk__in=list(ids)).select_related(
            "author", "guest", "discussion__article"
        )
        return {pk: told.sentences for pk, told in tell(list(rows)).items()}

    def decision_url(self, comment: int) -> str:
        return reverse("decision", args=[comment])

    def usual(self) -> str:
        """Usually reviewed within N hours: the median of a week, nothing below ten decisions."""
        hours = cache.get_or_set("usual-review", _median_hours, USUAL_KEPT)
        if not hours:
            return ""
        return ngettext(
            "Usually reviewed within %(n)s hour.", "Usually reviewed within %(n)s hours.", hours
        ) % {"n": hours}


def _is_looked_at_afterwards(comment: Comment, findings: Sequence[Found]) -> bool:
    """Published at once only because its discussion publishes first."""
    publishes_first = comment.discussion.moderation == Discussion.Moderation.POST
    is_asked = comment.state == State.PUBLISHED and any(found.holds for found in findings)
    return publishes_first and is_asked and not comment.can_be_moderated_by(comment.author or AnonymousUser())


def last_decisions(ids: Iterable[int]) -> dict[int, int]:
    """By comment, the last line of the log about its state: what a decision says that it was made upon."""
    rows = Transition.objects.filter(comment__in=list(ids), kind=Transition.Kind.STATE)
    return dict(rows.order_by().values_list("comment").annotate(last=Max("id")))


# One question for all that is known of a person and of the rules, in SQL: a post waits for each way there
# and back, and to compose these took as long as to answer them. `account` is models.proofs() for one e-mail.
# A guest's proof also reaches the account of that e-mail; both are looked up by themselves, as each has its
# own index. Their ids are found first (ANY(ARRAY(…))): joined, all comments of guests may be gone through.
KNOWN = f"""
WITH account AS MATERIALIZED (
  SELECT u.id FROM accounts_user u JOIN account_emailaddress e ON e.user_id = u.id
  WHERE lower(u.email) = %(email)s AND e.verified AND upper(e.email) = upper(u.email)),
asked AS (
  SELECT %(author)s::bigint AS author, %(guest_id)s::bigint AS guest, %(browser)s::bigint AS browser,
         %(email)s::text AS email,
         EXISTS (SELECT FROM account WHERE id = %(author)s)
         OR EXISTS (SELECT FROM accounts_guest
                    WHERE id = %(guest_id)s AND confirmed_at IS NOT NULL) AS is_proved)
SELECT (SELECT json_agg(held) FROM ({HELD}) held),
       EXISTS (SELECT FROM account WHERE id = %(author)s),
       EXISTS (SELECT FROM comments_comment
               WHERE author_id = ANY(ARRAY(SELECT id FROM account))
                 AND state = 'published' AND state_reason = 'approved')
       OR EXISTS (SELECT FROM comments_comment
                  WHERE guest_id = ANY(ARRAY(SELECT id FROM accounts_guest
                                             WHERE lower(email) = %(email)s AND confirmed_at IS NOT NULL))
                    AND state = 'published' AND state_reason = 'approved'),
       ({IN_FORCE}),
       ARRAY(SELECT id FROM moderation_rule WHERE is_active ORDER BY id),
       ARRAY(SELECT topic_id FROM articles_article_topics WHERE article_id = %(article)s),
       (SELECT count(*) FROM (
          SELECT FROM comments_comment WHERE author_id = %(author)s AND created_at > %(since)s
          UNION ALL
          SELECT FROM comments_comment
          WHERE guest_id = ANY(ARRAY(SELECT id FROM accounts_guest
                                     WHERE lower(email) = %(guest)s
                                       AND (confirmed_at IS NOT NULL OR NOT %(is_proved)s)))
            AND created_at > %(since)s
          LIMIT {RATE_MOST}) AS sent),
       (SELECT count(*) FROM (SELECT FROM moderation_origin
                              WHERE ip_hash = %(ip_hash)s AND at > %(since)s LIMIT {RATE_MOST}) AS sent)"""


def _context(draft: Draft) -> tuple[Context, InForce | None]:
    """Raises ValidationError for somebody who is paused or banned. No filter where it can't be used."""
    may_moderate = draft.author is not None and (
        draft.author.is_moderator or draft.discussion.article.can_be_edited_by(draft.author)
    )
    person = draft.author or draft.guest
    values = {
        "email": person.email.lower() if person else "",
        "author": draft.author.pk if draft.author else None,
        "guest_id": draft.guest.pk if draft.guest else None,
        "browser": draft.browser.pk if draft.browser else None,
        # Who has proved an e-mail is not held to what others send in its name.
        "guest": draft.guest.email.lower() if draft.guest else None,
        "is_proved": draft.guest is not None and draft.guest.confirmed_at is not None,
        "article": draft.discussion.article.pk,
        "since": draft.at - timedelta(minutes=RATE_MINUTES),
        "ip_hash": mark(draft.ip),
    }
    with connection.cursor() as cursor:
        execute_planned(cursor, KNOWN, values)
        rows, is_proved, was_approved, in_force, rules_in_force, topics, sent, from_there = cursor.fetchone()
    held = read_held(rows)
    refuse(held)
    if draft.guest:
        is_proved = draft.guest.confirmed_at is not None
    context = Context(
        site_reviews=draft.discussion.site.review_everything,
        person_is_confirmed=is_proved and not may_moderate,
        approved_count=int(is_proved and was_approved and not may_moderate),
        may_moderate=may_moderate,
        is_reviewed=any(one.kind == Sanction.Kind.REVIEW for one in held),
        repeat=find_repeat(draft.body, but=draft.comment.pk if draft.comment else None),
        rules=active_rules.compiled(rules_in_force).at(draft.discussion.article.pk, topics),
        sent_by_person=sent,
        sent_from_there=from_there,
    )
    if not in_force or not can_be_used(in_force[0]):
        return context, None
    return context, InForce(*in_force)._replace(topics=tuple(sorted(topics)))


def _menu(row: Any, seen: int, removals: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    def act(label: str, **values: Any) -> dict[str, Any]:
        query = urlencode({"ids": row.id, "seen": f"{row.id}.{seen}", "next": "story", **values})
        return {"label": label, "url": f"{reverse('moderation:decide')}?{query}", "post": True}

    menu = []
    if row.state != State.PUBLISHED:
        menu.append(act(_("Approve"), reason=Reason.APPROVED.value))
    if row.state != State.REJECTED:
        menu.append(act(_("Remove…")) | {"reasons": removals})
    if row.state != State.SPAM:
        menu.append(act(_("Mark as spam"), reason=Reason.SPAM.value))

    def page(label: str, name: str) -> dict[str, Any]:
        url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story"
        return {"label": label, "url": url, "post": False}

    def mark(label: str, name: str, *, on: bool) -> dict[str, Any]:
        url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story&on={int(on)}"
        return {"label": label, "url": url, "post": True}

    if row.state == State.PUBLISHED:
        picks = _("No editor’s pick any more") if row.is_pick else _("Editor’s pick")
        menu.append(mark(picks, "pick", on=not row.is_pick))
    if row.state != State.REJECTED:
        menu.append(page(_("Repeat of…"), "repeat"))
    if row.state in {State.PUBLISHED, State.PENDING}:
        menu.append(page(_("Black out words…"), "redact"))
    locks = _("Unlock the replies below") if row.is_locked else _("Lock the replies below")
    menu.append(mark(locks, "lock", on=not row.is_locked))
    menu.append({"label": _("Move…"), "url": reverse("moderation:move", args=[row.id]), "post": False})
    menu.append(page(_("Seal…"), "seal"))
    return menu


# What was taken back was no review, unless it was done again; and what an undo does is none.
USUAL = f"""
SELECT count(*), extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY t.at - c.created_at))
FROM comments_transition t
JOIN comments_comment c ON c.id = t.comment_id
LEFT JOIN moderation_batch b ON b.id = t.batch
WHERE t.kind = 'state' AND t.from_state = 'pending' AND t.actor_id IS NOT NULL
  AND t.actor_id IS DISTINCT FROM c.author_id AND t.at > now() - interval '7 days'
  AND c.state <> 'pending'
  AND b.undoes_id IS NULL AND {IS_UNDONE} IS NOT TRUE"""


def _median_hours() -> int:
    """Half of the comments that people decided on in a week waited no longer. 0: too few to say."""
    with connection.cursor() as cursor:
        cursor.execute(USUAL)
        count, seconds = cursor.fetchone()
    return max(1, ceil(seconds / 3600)) if count >= USUAL_FROM else 0
