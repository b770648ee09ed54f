"""Moderation's implementation of the comment policy that settings.COMMENT_POLICY names."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import comments.policy
from accounts.models import Guest, User
from comments.models import Comment, Discussion, State
from comments.policy import (
    ActionButton,
    ExplainedDecision,
    Nudge,
    NudgeError,
    PickEvent,
    Screening,
    Submission,
    Verdict,
)
from core.database.sql import fetch_rows
from moderation import integrity
from moderation.actions import cases, comment_menus, quick_actions
from moderation.checks import registry
from moderation.checks.base import Context
from moderation.checks.results import CheckResult
from moderation.models import Finding, ImportScreening, Report
from moderation.notifications.notices import render_notices
from moderation.people.active_sanctions import own_sanctions, sanction_html_with_link
from moderation.queue import review_time
from moderation.screening.nudges import applicable_nudges
from moderation.screening.origins import INSERT_ORIGIN_SQL, hash_address, hash_block
from moderation.screening.rate_limits import (
    BELOW_LIMITS_SQL,
    POSTING_LOCK_SQL,
    RateLimit,
    check_rate_limits,
    rate_limit_values,
)
from moderation.screening.submission_context import load_submission_facts
from moderation.spam_filter.scoring import score_submission
from moderation.tasks import notify_not_published_later
from moderation.transparency import discussion_summary, removal_counts

# Part of the statement that inserts a comment (comments.policy.Policy.extra_ctes).
FINDINGS_CTE = """
, found AS (
  INSERT INTO moderation_finding
    (comment_id, revision, check_name, strength, holds, spans, number, twin_id, rule_id, filter_id)
  SELECT inserted.id, inserted.revision, f."check", f.strength, f.holds, f.spans, f.number, f.duplicate_of,
         f.rule, f.filter
  FROM inserted CROSS JOIN jsonb_to_recordset(%(findings)s::jsonb) AS f (
    "check" text, strength float8, holds boolean, spans jsonb, number int, duplicate_of bigint, rule bigint,
    filter bigint))"""

# The index batch_pick serves it. An undo is left out: a pick that it restores is not a new one.
_PICKS_SQL = """
SELECT s.target_id, max(b.at), (array_agg(b.actor_id ORDER BY b.at DESC))[1]
FROM moderation_batch b JOIN moderation_settingchange s ON s.batch_id = b.id
WHERE b.kind = 'comment' AND b.at > %(since)s AND b.at <= %(until)s
  AND s.target = 'comment' AND s.field = 'is_pick' AND s.new = 'true'
GROUP BY s.target_id"""


class ModerationPolicy(comments.policy.Policy):
    """The comment policy of moderation: it screens submissions, opens cases and explains decisions."""

    extra_ctes = INSERT_ORIGIN_SQL + FINDINGS_CTE

    insert_lock = POSTING_LOCK_SQL
    insert_condition = BELOW_LIMITS_SQL

    def examine(self, submission: Submission) -> Screening:
        """Return the verdict on a submission and its findings; all findings are stored, whatever the verdict.

        A comment becomes pending if a check asks for review, unless the discussion is post-moderated or the
        writer may moderate it. A sanction that requires review applies to everybody.
        """
        facts = load_submission_facts(submission)
        context = facts.context
        limits, findings, nudges = _check_submission(submission, context)
        if nudges:
            raise NudgeError(nudges)
        prediction, filter_findings = score_submission(
            submission, facts.parsed, facts.site_facts, facts.active_filter, findings
        )
        findings += filter_findings
        review = _needed_review(submission, context, findings)
        # Comments by known people and edits of published comments are never marked as spam without a review.
        is_exempt = context.may_moderate or context.has_approved_comment or submission.comment
        verdict: Verdict = "publish"
        if prediction is not None and prediction.is_spam and not is_exempt:
            verdict = "spam"
        elif context.person_is_premoderated or review == "hold":
            verdict = "hold"
        return Screening(verdict, findings, is_flagged=review == "flag", limits=limits)

    def find_nudges(self, submission: Submission) -> dict[Nudge, str]:
        context = load_submission_facts(submission).context
        _limits, _findings, nudges = _check_submission(submission, context)
        return nudges

    def get_insert_values(self, submission: Submission, screening: Screening) -> dict[str, Any]:
        return {
            "ip_hash": hash_address(submission.ip),
            "block_hash": hash_block(submission.ip),
            "findings": json.dumps([vars(found) for found in screening.findings]),
            **rate_limit_values(submission, screening.limits),
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
        return [sanction_html_with_link(sanction) for sanction in own_sanctions(user, guest)]

    def sync_cases(
        self, ids: Sequence[int], *, action_id: UUID, actor: User | None, undoes: UUID | None
    ) -> None:
        cases.sync_cases(ids=ids, action_id=action_id, by_person=actor is not None, undoes=undoes)
        removal_counts.update_counts(ids, action_id)

    def record_settings(self, before: Discussion, after: Discussion, actor: User) -> None:
        quick_actions.record_settings(before, after, actor)

    def explain_pending(self, ids: Iterable[int], own: Collection[int] = ()) -> dict[int, list[str]]:
        reasons_by_comment: dict[int, list[str]] = {}
        for found in Finding.objects.of_current_texts(ids).filter(holds=True):
            check = registry.get(found.check_name)
            explain = check.explain_to_author if found.comment_id in own else check.explain_to_others
            reasons_by_comment.setdefault(found.comment_id, []).append(explain(found))
        return reasons_by_comment

    def list_unscreened_discussions(self) -> set[int]:
        screenings = ImportScreening.objects.filter(finished_at=None)
        return set(screenings.values_list("discussion", flat=True))

    def find_damage(self) -> dict[str, list[Any]]:
        return integrity.find_damage()

    def repair_damage(self, damage: Mapping[str, list[Any]]) -> None:
        integrity.repair(damage)

    def list_actions(self, rows: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
        return comment_menus.comment_menus(rows)

    def summarize_moderation(self, discussion: Discussion) -> list[str]:
        return discussion_summary.summary_sentences(discussion)

    def list_quick_actions(self, discussion: Discussion) -> list[ActionButton]:
        buttons = quick_actions.discussion_buttons(discussion)
        return [replace(button, url=f"{button.url}?next=story") for button in buttons]

    def explain_decisions(self, ids: Iterable[int]) -> dict[int, ExplainedDecision]:
        rows = Comment.objects.filter(pk__in=list(ids)).select_related(
            "author", "guest", "discussion__article"
        )
        return {
            pk: ExplainedDecision(
                notice.sentences + ([notice.appeal_status] if notice.appeal_status else []),
                notice.comment.body_html if notice.body else "",
                notice.options.can_appeal,
            )
            for pk, notice in render_notices(list(rows)).items()
        }

    def get_decision_url(self, comment: int) -> str:
        return reverse("decision", args=[comment])

    def get_report_url(self, guest: Guest) -> str:
        reports = Report.objects.filter(guest=guest).select_related("comment__discussion__article")
        comment = report.comment if (report := reports.order_by("-at").first()) else None
        if comment is None or not comment.discussion.is_readable:
            return ""
        return reverse("report", args=[comment.discussion.article.slug, comment.pk])

    def read_picks_between(self, since: datetime, until: datetime) -> list[PickEvent]:
        rows = fetch_rows(_PICKS_SQL, {"since": since, "until": until})
        return [PickEvent(*row) for row in rows]

    def describe_usual_delay(self) -> str:
        hours = review_time.usual_hours()
        return _("usually %(hours)s h") % {"hours": hours} if hours else ""


def _check_submission(
    submission: Submission, context: Context
) -> tuple[list[RateLimit], list[CheckResult], dict[Nudge, str]]:
    """Return the rate limits of a submission, the findings of the checks, and the nudges that apply.

    The spam filter scores it later, so that no nudge depends on its verdict. Raises RateLimitError.
    """
    limits = check_rate_limits(submission, context)
    findings = registry.run_checks(submission, context)
    becomes_pending = _needed_review(submission, context, findings) == "hold"
    nudges = applicable_nudges(submission, context, findings, becomes_pending=becomes_pending)
    return limits, findings, nudges


def _needed_review(
    submission: Submission, context: Context, findings: Sequence[CheckResult]
) -> Literal["hold", "flag", "none"]:
    """Return whether a comment becomes pending ("hold"), or is published for moderators to review ("flag").

    A finding that holds the comment only flags it in a post-moderated discussion, and does nothing to a
    moderator's own comment. Some checks flag every comment (registry.is_flagged).
    """
    if any(found.holds for found in findings) and not context.may_moderate:
        is_postmoderated = submission.discussion.moderation == Discussion.Moderation.POST
        return "flag" if is_postmoderated and not context.site_is_premoderated else "hold"
    return "flag" if registry.is_flagged(findings) else "none"
