"""Moderation's implementation of the comment policy that settings.COMMENT_POLICY names."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import caches
from django.db import connection
from django.db.models import Max, OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

import comments.policy
from accounts.models import Guest, User
from comments import removal_reasons as reasons
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.policy import Draft, EditorsPick, ExplainedDecision, Nudge, Nudged, Screening, Verdict
from core.database.sql import execute_prepared, fetch_rows
from moderation import integrity
from moderation.actions import cases, quick_actions
from moderation.actions.history import IS_UNDONE
from moderation.checks import registry
from moderation.checks.base import Context, SentComments
from moderation.checks.results import CheckResult
from moderation.features.site_facts import SITE_FACTS_SQL, SiteFacts, parse_site_facts
from moderation.features.text_reading import ParsedComment
from moderation.models import Finding, ImportScreening, Sanction
from moderation.notifications.notices import render_notices
from moderation.people.active_sanctions import (
    ACTIVE_SANCTIONS,
    own_sanctions,
    parse_active_sanctions,
    refuse_paused_or_banned,
    sanction_html,
)
from moderation.rules import active_rules
from moderation.screening.duplicates import (
    DUPLICATE_SQL,
    INDEX_SETTINGS,
    duplicate_values,
    parse_duplicate,
)
from moderation.screening.nudges import find_nudges
from moderation.screening.origins import INSERT_ORIGIN_SQL, hash_address, hash_block
from moderation.screening.rate_limits import (
    BELOW_LIMITS_SQL,
    POSTING_LOCK_SQL,
    SENT_COMMENTS_SQL,
    TRUSTED_COMMENTS,
    TRUSTED_DAYS,
    rate_limit_values,
    refuse_above_rate_limit,
    sender_values,
)
from moderation.spam_filter.active_model import ACTIVE_FILTER_SQL, ActiveFilter, can_be_used
from moderation.spam_filter.scoring import draft_data, draft_facts_values, score_draft
from moderation.tasks import notify_not_published_later
from moderation.transparency import discussion_summary, removal_counts

# Part of the statement that inserts a comment (comments.policy.Policy.extra_ctes).
INSERT_FINDINGS_SQL = """
, found AS (
  INSERT INTO moderation_finding
    (comment_id, revision, check_name, strength, holds, spans, number, twin_id, rule_id, filter_id)
  SELECT ins.id, ins.revision, f."check", f.strength, f.holds, f.spans, f.number, f.twin, f.rule, f.filter
  FROM ins CROSS JOIN jsonb_to_recordset(%(findings)s::jsonb) AS f (
    "check" text, strength float8, holds boolean, spans jsonb, number int, twin bigint, rule bigint,
    filter bigint))"""

# The index batch_pick serves it. An undo is left out: a pick that it restores is not a new one.
_PICKS_SQL = """
SELECT s.target_id, max(b.at), (array_agg(b.actor_id ORDER BY b.at DESC))[1]
FROM moderation_batch b JOIN moderation_settingchange s ON s.batch_id = b.id
WHERE b.kind = 'comment' AND b.at > %(since)s AND b.at <= %(until)s
  AND s.target = 'comment' AND s.field = 'is_pick' AND s.new = 'true'
GROUP BY s.target_id"""

REVIEW_TIME_MIN_DECISIONS = 10  # with fewer decisions in a week, no usual review time is shown
REVIEW_TIME_CACHE_SECONDS = 600


class Policy(comments.policy.Policy):
    """The comment policy of moderation: it screens drafts, opens cases and explains decisions."""

    extra_ctes = INSERT_ORIGIN_SQL + INSERT_FINDINGS_SQL

    insert_lock = POSTING_LOCK_SQL
    insert_condition = BELOW_LIMITS_SQL

    def examine(self, draft: Draft) -> Screening:
        """Return the verdict on a draft and its findings; all findings are stored, whatever the verdict.

        A comment waits if a check asks for review, unless the discussion is post-moderated or the writer
        may moderate it. A sanction that requires review applies to everybody.
        """
        context, active_filter, parsed, facts = _load_context(draft)
        limits = refuse_above_rate_limit(draft, context)
        findings = registry.run_checks(draft, context)
        prediction, filter_findings = score_draft(draft, parsed, facts, active_filter, findings)
        findings += filter_findings
        review = _needed_review(draft, context, findings)
        if nudges := find_nudges(draft, context, findings, waits=review == "hold"):
            raise Nudged(nudges)
        # Comments by known people and edits of published comments are never marked as spam without a review.
        is_exempt = context.may_moderate or context.approved_count or draft.comment
        verdict: Verdict = "publish"
        if prediction is not None and prediction.is_spam and not is_exempt:
            verdict = "spam"
        elif context.person_is_reviewed or review == "hold":
            verdict = "hold"
        return Screening(verdict, findings, is_flagged=review == "flag", limits=limits)

    def find_nudges(self, draft: Draft) -> dict[Nudge, str]:
        context, *_for_filter = _load_context(draft)
        refuse_above_rate_limit(draft, context)
        findings = registry.run_checks(draft, context)
        waits = _needed_review(draft, context, findings) == "hold"
        return find_nudges(draft, context, findings, waits=waits)

    def get_insert_values(self, draft: Draft, screening: Screening) -> dict[str, Any]:
        return {
            "ip_hash": hash_address(draft.ip),
            "block_hash": hash_block(draft.ip),
            "findings": json.dumps([vars(found) for found in screening.findings]),
            **rate_limit_values(draft, screening.limits),
        }

    def record_findings(self, comment: Comment, findings: list[CheckResult]) -> None:
        Finding.objects.bulk_create([Finding.of(comment, found) for found in findings])

    def open_case(self, comment: Comment, findings: list[CheckResult]) -> None:
        if comment.state == State.SPAM:
            removal_counts.count_posted(comment)
        else:
            cases.open_case(comment, findings)
        notify_not_published_later(comment)

    def explain_sanctions(self, user: User | None, guest: Guest | None) -> list[str]:
        return [sanction_html(one) for one in own_sanctions(user, guest)]

    def sync_cases(self, ids: Sequence[int], *, batch: UUID, actor: User | None, undoes: UUID | None) -> None:
        cases.sync_cases(ids=ids, batch=batch, by_person=actor is not None, undoes=undoes)
        removal_counts.update_counts(ids, batch)

    def record_settings(self, before: Discussion, after: Discussion, actor: User) -> None:
        quick_actions.record_settings(before, after, actor)

    def explain_waiting(self, ids: Iterable[int], own: Collection[int] = ()) -> dict[int, list[str]]:
        reasons_by_comment: dict[int, list[str]] = {}
        for found in Finding.objects.of_now(ids).filter(holds=True):
            check = registry.get(found.check_name)
            explain = check.explain_to_author if found.comment_id in own else check.explain_to_others
            reasons_by_comment.setdefault(found.comment_id, []).append(explain(found))
        return reasons_by_comment

    def list_unscreened_discussions(self) -> set[int]:
        screenings = ImportScreening.objects.filter(finished_at=None)
        return set(screenings.values_list("discussion", flat=True))

    def find_damage(self) -> dict[str, list[Any]]:
        return integrity.damage()

    def repair_damage(self, damage: Mapping[str, list[Any]]) -> None:
        integrity.repair(damage)

    def list_actions(self, rows: Sequence[Any], user: User) -> dict[int, list[dict[str, Any]]]:
        """Return the menu of each comment that its author did not delete.

        Each action leads back to the story.
        """
        seen = last_transition_ids(row.id for row in rows)
        removals = (
            [(code, label, reasons.author_message(code)) for code, label in reasons.choices()] if seen else []
        )
        return {
            row.id: _action_menu(row, seen[row.id], removals)
            for row in rows
            if row.state != State.DELETED and row.state_reason != Reason.RESTRICTED and row.id in seen
        }

    def summarize_moderation(self, discussion: Discussion) -> list[str]:
        return discussion_summary.summary_sentences(discussion)

    def list_quick_actions(self, discussion: Discussion) -> list[dict[str, Any]]:
        names = quick_actions.available_actions(
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

    def explain_decisions(self, ids: Iterable[int]) -> dict[int, ExplainedDecision]:
        rows = Comment.objects.filter(pk__in=list(ids)).select_related(
            "author", "guest", "discussion__article"
        )
        return {
            pk: ExplainedDecision(
                notice.sentences + ([notice.appeal_status] if notice.appeal_status else []),
                notice.comment.body_html if notice.body else "",
                notice.options.appeal,
            )
            for pk, notice in render_notices(list(rows)).items()
        }

    def get_decision_url(self, comment: int) -> str:
        return reverse("decision", args=[comment])

    def read_picks(self, since: datetime, until: datetime) -> list[EditorsPick]:
        rows = fetch_rows(_PICKS_SQL, {"since": since, "until": until})
        return [EditorsPick(*row) for row in rows]

    def describe_usual_delay(self) -> str:
        """Return "usually N h", the median of a week, or "" below ten decisions."""
        hours = caches["process"].get_or_set("usual-review", _median_review_hours, REVIEW_TIME_CACHE_SECONDS)
        return _("usually %(hours)s h") % {"hours": hours} if hours else ""


def _needed_review(
    draft: Draft, context: Context, findings: Sequence[CheckResult]
) -> Literal["hold", "flag", "none"]:
    """Return whether a comment waits for a moderator ("hold"), or is published for them to review ("flag").

    A finding that holds the comment only flags it in a post-moderated discussion, and does nothing to a
    moderator's own comment. Some checks flag every comment (registry.is_flagged).
    """
    if any(found.holds for found in findings) and not context.may_moderate:
        is_postmoderated = draft.discussion.moderation == Discussion.Moderation.POST
        return "flag" if is_postmoderated and not context.site_is_premoderated else "hold"
    return "flag" if registry.is_flagged(findings) else "none"


def seen_value(comment: int, last: int | None) -> str:
    """Return "<comment>.<last transition>", which a decision form sends back."""
    return f"{comment}.{last or 0}"


def last_transition_id(comment: str) -> Subquery:
    """Return `last_transition_ids` as an expression for queries. `comment` is the lookup of its id."""
    rows = Transition.objects.filter(comment=OuterRef(comment), kind=Transition.Kind.STATE)
    return Subquery(rows.order_by("-id").values("id")[:1])


def last_transition_ids(ids: Iterable[int]) -> dict[int, int]:
    """Return, by comment, the id of its latest state transition, on which a decision is conditional."""
    rows = Transition.objects.filter(comment__in=list(ids), kind=Transition.Kind.STATE)
    return dict(rows.order_by().values_list("comment").annotate(last=Max("id")))


def _comments_of_person(condition: str) -> str:
    """Return a query for the comments of a confirmed person that meet a condition.

    A guest's confirmation also counts for the account with that e-mail; the two are looked up separately,
    as each has its own index. Their ids are found first (ANY(ARRAY(…))): with a join, Postgres may read all
    comments of guests.
    """
    return f"""
  SELECT FROM comments_comment
  WHERE author_id = ANY(ARRAY(SELECT id FROM account)) AND {condition}
  UNION ALL
  SELECT FROM comments_comment
  WHERE guest_id = ANY(ARRAY(SELECT id FROM accounts_guest
                             WHERE lower(email) = %(email)s AND confirmed_at IS NOT NULL))
    AND {condition}"""


# The facts about the person and the rules. `account` is accounts.services.confirmed_emails() for one e-mail.
PERSON_SQL = f"""
WITH account AS MATERIALIZED (
  SELECT u.id FROM accounts_user u JOIN account_emailaddress e ON e.user_id = u.id
  WHERE lower(u.email) = %(email)s AND e.verified AND upper(e.email) = upper(u.email)),
asked AS (
  SELECT %(author)s::bigint AS author, %(guest)s::bigint AS guest, %(browser)s::bigint AS browser,
         %(email)s::text AS email,
         EXISTS (SELECT FROM account WHERE id = %(author)s)
         OR EXISTS (SELECT FROM accounts_guest
                    WHERE id = %(guest)s AND confirmed_at IS NOT NULL) AS is_proved)
SELECT (SELECT json_agg(sanctions) FROM ({ACTIVE_SANCTIONS}) sanctions),
       EXISTS (SELECT FROM account WHERE id = %(author)s),
       EXISTS ({_comments_of_person("state = 'published' AND state_reason = 'approved'")}),
       EXISTS ({_comments_of_person("state = 'published' AND created_at <= %(trusted_since)s")}
               OFFSET {TRUSTED_COMMENTS} - 1 LIMIT 1)
       AND NOT EXISTS (
         {_comments_of_person("state IN ('rejected', 'spam') AND created_at > %(trusted_since)s")}),
       ({ACTIVE_FILTER_SQL}),
       ARRAY(SELECT id FROM moderation_rule WHERE is_active ORDER BY id),
       ARRAY(SELECT topic_id FROM articles_article_topics WHERE article_id = %(article)s),
       {SENT_COMMENTS_SQL}"""

# One statement for all that is known about a draft: a new comment waits for each round trip to the database.
# The three parts one after the other took a tenth more of the time of a reply. `person` has PERSON_COLUMNS
# columns, `duplicate` DUPLICATE_COLUMNS or no row.
PERSON_COLUMNS = 11
DUPLICATE_COLUMNS = 5
DRAFT_FACTS_SQL = f"""
WITH person AS MATERIALIZED ({PERSON_SQL}),
duplicate (twin, exact, similarity, is_own, is_here) AS MATERIALIZED ({DUPLICATE_SQL} LIMIT 1),
facts AS MATERIALIZED ({SITE_FACTS_SQL})
SELECT person.*, duplicate.*, facts.* FROM person CROSS JOIN facts LEFT JOIN duplicate ON true"""


def _load_context(draft: Draft) -> tuple[Context, ActiveFilter | None, ParsedComment, SiteFacts]:
    """Return the context of the checks, the active filter if one is usable, and what the filter reads.

    Raises ValidationError if the person is paused or banned.
    """
    may_moderate = draft.author is not None and draft.discussion.can_be_moderated_by(draft.author)
    person = draft.author or draft.guest
    ip_hash = hash_address(draft.ip)
    parsed = ParsedComment(draft_data(draft))
    exclude = draft.comment.pk if draft.comment else None
    values = {
        **duplicate_values(draft.body, exclude),
        **draft_facts_values(draft, parsed, ip_hash),
        "email": person.email.lower() if person else "",
        "browser": draft.browser_guest.pk if draft.browser_guest else None,
        **sender_values(draft),
        "block_hash": hash_block(draft.ip),
        "trusted_since": draft.at - timedelta(days=TRUSTED_DAYS),
    }
    with connection.cursor() as cursor:
        execute_prepared(cursor, DRAFT_FACTS_SQL, values, before=INDEX_SETTINGS)
        row = cursor.fetchone()
    rows, is_proved, was_approved, is_trusted, filter_row, rule_ids, topics, *sent = row[:PERSON_COLUMNS]
    duplicate = parse_duplicate(row[PERSON_COLUMNS : PERSON_COLUMNS + DUPLICATE_COLUMNS])
    facts = parse_site_facts(row[PERSON_COLUMNS + DUPLICATE_COLUMNS :])
    sanctions = parse_active_sanctions(rows)
    refuse_paused_or_banned(sanctions)
    if draft.guest:
        is_proved = draft.guest.confirmed_at is not None
    by_person, from_address, from_block, to_discussion = (SentComments(*counted) for counted in sent)
    person_is_reviewed = any(one.kind == Sanction.Kind.REVIEW for one in sanctions)
    context = Context(
        site_is_premoderated=draft.discussion.site.review_everything,
        person_is_confirmed=is_proved and not may_moderate,
        approved_count=int(is_proved and was_approved and not may_moderate),
        may_moderate=may_moderate,
        person_is_reviewed=person_is_reviewed,
        person_is_trusted=is_trusted and not person_is_reviewed,
        duplicate=duplicate,
        rules=active_rules.compiled_rules(rule_ids).for_place(draft.discussion.article.pk, topics),
        sent_by_person=by_person,
        sent_from_address=from_address,
        sent_from_block=from_block,
        sent_to_discussion=to_discussion,
    )
    if not filter_row or not can_be_used(filter_row[0]):
        return context, None, parsed, facts
    return context, ActiveFilter(*filter_row)._replace(topics=tuple(sorted(topics))), parsed, facts


def _action_menu(row: Any, seen: int, removals: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Return the moderation menu of one comment. `seen` is the id of its latest transition."""

    def decision(label: str, **values: Any) -> dict[str, Any]:
        query = urlencode({"ids": row.id, "seen": seen_value(row.id, seen), "next": "story", **values})
        return {"label": label, "url": f"{reverse('moderation:decide')}?{query}", "post": True}

    menu = []
    if row.state != State.PUBLISHED:
        menu.append(decision(_("Approve"), reason=Reason.APPROVED.value))
    if row.state != State.REJECTED:
        menu.append(decision(_("Remove…")) | {"reasons": removals})
    if row.state != State.SPAM:
        menu.append(decision(_("Mark as spam"), reason=Reason.SPAM.value))
    return menu + page_actions(row)


def page_actions(row: Any) -> list[dict[str, Any]]:
    """Return the menu of one comment without the decisions. Restricted and deleted comments have none."""
    if row.state == State.DELETED or row.state_reason == Reason.RESTRICTED:
        return []

    def page(label: str, name: str) -> dict[str, Any]:
        url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story"
        return {"label": label, "url": url, "post": False}

    def toggle(label: str, name: str, *, on: bool) -> dict[str, Any]:
        url = f"{reverse(f'moderation:{name}', args=[row.id])}?next=story&on={int(on)}"
        return {"label": label, "url": url, "post": True}

    menu = []
    if row.state == State.PUBLISHED:
        pick_label = _("Remove editor’s pick") if row.is_pick else _("Editor’s pick")
        menu.append(toggle(pick_label, "pick", on=not row.is_pick))
    if row.state != State.REJECTED:
        menu.append(page(_("Duplicate of…"), "duplicate"))
    if row.state in {State.PUBLISHED, State.PENDING}:
        menu.append(page(_("Redact…"), "redact"))
    lock_label = _("Unlock replies") if row.is_locked else _("Lock replies")
    menu.append(toggle(lock_label, "lock", on=not row.is_locked))
    menu.append(page(_("Move…"), "move"))
    menu.append(page(_("Restrict access…"), "restrict"))
    return menu


# An undone decision does not count as a review unless it was done again, and an undo is never a review.
MEDIAN_REVIEW_SQL = f"""
SELECT count(*), extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY t.at - c.created_at))
FROM comments_transition t
JOIN comments_comment c ON c.id = t.comment_id
LEFT JOIN moderation_batch b ON b.id = t.batch
WHERE t.kind = 'state' AND t.from_state = 'pending' AND t.actor_id IS NOT NULL
  AND t.actor_id IS DISTINCT FROM c.author_id AND t.at > now() - interval '7 days'
  AND c.state <> 'pending'
  AND b.undoes_id IS NULL AND {IS_UNDONE} IS NOT TRUE"""


def _median_review_hours() -> int:
    """Return the median hours of review in the last week, or 0 if there are too few decisions."""
    with connection.cursor() as cursor:
        cursor.execute(MEDIAN_REVIEW_SQL)
        count, seconds = cursor.fetchone()
    return max(1, ceil(seconds / 3600)) if count >= REVIEW_TIME_MIN_DECISIONS else 0
