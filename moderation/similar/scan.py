"""The scan for similar comments: reads comments, finds groups and replaces those of the scan before.

It changes no comment. It runs when a person opens the page of groups after something has changed, when a
person asks for it, and each night. The nightly scan also opens a case for the most doubtful comment of each
discussion that belongs to no group.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django_tasks import task

from comments.models import Comment, Reason, State, Transition
from core.database.sql import execute, fetch_rows
from moderation.actions import cases
from moderation.actions.state_history import TEXT_IS_APPROVED
from moderation.models import Action, Case, CommentGroup, SimilarityScan
from moderation.similar import SCAN_KINDS, add_members, finished_scans
from moderation.similar.compared import Row, Story
from moderation.similar.grouping import GroupingResult, ProposedGroup, find_groups

MAX_COMMENTS = 100_000  # comments that are compared: all pending ones, and the latest of the others
FRESH_FOR = timedelta(minutes=3)  # a scan of this age is shown whatever has changed since
LOST_AFTER = timedelta(minutes=3)  # after which a scan that has not ended counts as lost
EVIDENCE_DAYS = 90  # after a decision, during which spam and removed comments are still compared
MAX_NIGHTLY_CASES = 50

# The author is identified for accounts and guests; an imported name counts as one person within one
# discussion. `kept`: a person approved this text, or left it out of an action on its group that has not been
# undone.
READ_COMMENTS = f"""
WITH transition AS (
  SELECT comment_id, max(id) AS last_id, max(at) AS last_at
  FROM comments_transition WHERE kind = 'state' GROUP BY comment_id),
active AS (
  SELECT g.id FROM moderation_commentgroup g
  LEFT JOIN moderation_batch b ON b.root_id = g.batch_id
  WHERE g.resolved_at IS NOT NULL GROUP BY g.id HAVING mod(coalesce(max(b.undos), 0), 2) = 0),
kept AS (
  SELECT DISTINCT m.comment_id, t.revision FROM moderation_commentgroupmember m
  JOIN active f ON f.id = m.group_id JOIN comments_transition t ON t.id = m.last_transition_id)
SELECT c.id, c.discussion_id, c.parent_id, c.author_name,
       coalesce('u' || c.author_id, 'g' || c.guest_id, c.discussion_id || lower(c.author_name)),
       c.author_id IS NOT NULL OR c.guest_id IS NOT NULL,
       EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = c.author_id AND e.verified)
         OR EXISTS (SELECT FROM accounts_guest g WHERE g.id = c.guest_id AND g.confirmed_at IS NOT NULL),
       c.body, c.revision, c.text_missing, c.created_at, c.state,
       c.state = 'published' AND {TEXT_IS_APPROVED}
         OR c.state IN ('pending', 'published') AND kept.comment_id IS NOT NULL,
       o.ip_hash, transition.last_id
FROM comments_comment c
JOIN transition ON transition.comment_id = c.id
LEFT JOIN kept ON kept.comment_id = c.id AND kept.revision = c.revision
LEFT JOIN moderation_origin o ON o.comment_id = c.id
WHERE c.erased_at IS NULL
  AND (c.state IN ('pending', 'published')
       OR c.state IN ('spam', 'rejected') AND c.state_reason <> '{Reason.RESTRICTED}'
          AND transition.last_at > now() - %(days)s * interval '1 day')
  AND NOT EXISTS (SELECT FROM moderation_restriction s WHERE s.comment_id = c.id AND s.lifted_at IS NULL)
ORDER BY c.state = 'pending' DESC, c.created_at DESC, c.id DESC LIMIT %(limit)s"""

# Deletes the groups of earlier scans, except the one before, whose groups may still be open in a browser.
# Resolved groups keep the members that were skipped, so that these are not proposed again.
DELETE_OLD_MEMBERS = """
DELETE FROM moderation_commentgroupmember m USING moderation_commentgroup g
WHERE g.id = m.group_id AND g.kind = ANY(%(kinds)s) AND g.run <> ALL(%(scans)s::uuid[])
  AND (g.resolved_at IS NULL
       OR EXISTS (SELECT FROM comments_comment c
                  WHERE c.id = m.comment_id AND c.state NOT IN ('pending', 'published')))"""
DELETE_EMPTY_GROUPS = """
DELETE FROM moderation_commentgroup g
WHERE g.kind = ANY(%(kinds)s) AND g.run <> ALL(%(scans)s::uuid[])
  AND NOT EXISTS (SELECT FROM moderation_commentgroupmember m WHERE m.group_id = g.id)"""


def running_scan() -> SimilarityScan | None:
    """Return the requested scan that has not ended, unless it is lost."""
    return (
        SimilarityScan.objects.filter(ended_at=None, requested_at__gt=timezone.now() - LOST_AFTER)
        .order_by("-requested_at")
        .first()
    )


def request_scan() -> SimilarityScan:
    """Request a scan by a background job, unless one is running already."""
    if scan := running_scan():
        return scan
    with transaction.atomic():
        scan = SimilarityScan.objects.create()
        run_requested_scan.enqueue(str(scan.pk))
    return scan


def is_stale(scan: SimilarityScan | None) -> bool:
    """Return whether the scan is missing, or is older than FRESH_FOR and something has changed since.

    An undo makes it stale at once, because it brings members back.
    """
    if scan is None:
        return True
    if scan.requested_at > timezone.now() - FRESH_FOR:
        return Action.objects.filter(at__gt=scan.requested_at, undoes__isnull=False).exists()
    return newest_transition_id() > scan.last_transition_id


def count_new_comments(scan: SimilarityScan) -> int:
    """Return the number of comments created since the scan."""
    new = Transition.objects.filter(pk__gt=scan.last_transition_id, kind=Transition.Kind.STATE, from_state="")
    return new.count()


@task()
def run_requested_scan(scan: str) -> int:
    """Run a requested scan. Returns the number of groups found."""
    found = SimilarityScan.objects.filter(pk=UUID(scan), ended_at=None).first()
    return len(run_scan(found).groups) if found else 0


def run_scan(scan: SimilarityScan | None = None) -> GroupingResult:
    """Scan the site now, store the groups found, and delete those of earlier scans."""
    scan = scan or SimilarityScan.objects.create()
    scan.last_transition_id, before = newest_transition_id(), finished_scans().first()
    rows, stories = read_comments()
    found = find_groups(rows, stories)
    scan.ended_at = now = timezone.now()
    scan.comments = len(rows)
    with transaction.atomic():
        scan.save()
        _store_groups(scan, now, rows, found.groups)
        kept_scans = [scan.pk, *([before.pk] if before else [])]
        old: dict[str, Any] = {"kinds": [kind.value for kind in SCAN_KINDS], "scans": kept_scans}
        execute(DELETE_OLD_MEMBERS, old)
        execute(DELETE_EMPTY_GROUPS, old)
        lost = Q(ended_at=None, requested_at__lt=now - LOST_AFTER)
        SimilarityScan.objects.filter(lost | Q(ended_at__lt=now)).delete()
    return found


def nightly_scan() -> int:
    """Run the nightly scan. Returns the number of cases it opened."""
    doubts = run_scan().doubts
    had_case = set(Case.objects.filter(comment__in=doubts).values_list("comment", flat=True))
    open_discussions = set(Case.objects.open().values_list("discussion", flat=True))
    comments = Comment.objects.filter(pk__in=[pk for pk in doubts if pk not in had_case]).exclude(
        discussion__in=open_discussions
    )
    chosen = list(comments.visible().order_by("pk").values_list("pk", flat=True)[:MAX_NIGHTLY_CASES])
    cases.create_missing_cases(chosen, states=[State.PUBLISHED])
    return len(chosen)


def read_comments() -> tuple[list[Row], dict[int, Story]]:
    """Return the comments to compare, ordered by time, and their stories by discussion."""
    values = {"limit": MAX_COMMENTS, "days": EVIDENCE_DAYS}
    rows = [Row(*row) for row in fetch_rows(READ_COMMENTS, values)]
    rows = [row._replace(ip_hash=row.ip_hash and bytes(row.ip_hash)) for row in rows]
    rows.sort(key=lambda row: (row.at, row.id))
    stories = fetch_rows(
        "SELECT id, published_at, title || ' ' || body FROM articles_article WHERE id = ANY(%s)",
        [list({row.discussion for row in rows})],
    )
    return rows, {pk: Story(at, text) for pk, at, text in stories}


def _store_groups(
    scan: SimilarityScan, at: datetime, rows: Sequence[Row], proposed_groups: Sequence[ProposedGroup]
) -> None:
    """Store the proposed groups of a scan as groups with members."""
    groups = [
        CommentGroup(
            kind=proposed.kind,
            scan_id=scan.pk,
            made_at=at,
            size=len(proposed.members),
            original_id=proposed.original,
            details=proposed.details,
        )
        for proposed in proposed_groups
    ]
    CommentGroup.objects.bulk_create(groups)
    for group, proposed in zip(groups, proposed_groups, strict=True):
        members = proposed.members
        add_members(
            group,
            comments=[rows[m.row].id for m in members],
            similarities=[m.similarity for m in members],
            clues=[m.clues for m in members],
            last_transition_ids=[rows[m.row].last_transition_id for m in members],
        )


def newest_transition_id() -> int:
    """Return the id of the last transition, or 0."""
    last: int | None = Transition.objects.aggregate(last=Max("id"))["last"]
    return last or 0
