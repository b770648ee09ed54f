"""A look over the site: reads it, has groups found, stores them in place of those of the look before.

It changes no comment. It runs as a job when somebody opens the page of groups and something has changed, when
they ask for it, and each night; then the most doubtful comment of a discussion, if no group holds it, gets
a case.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django_tasks import task

from comments.models import Comment, State, Transition
from moderation.actions import cases
from moderation.models import Batch, Case, Group, Look
from moderation.similar import SCAN_KINDS, add_members, finished_scans
from moderation.similar.clues import Row, Story
from moderation.similar.grouping import GroupingResult, Proposal, find_groups

MAX_COMMENTS = 100_000  # comments that are compared: all that wait, and the latest of the others
FRESH_FOR = timedelta(minutes=3)  # so old may a look be that somebody is shown, whatever has happened since
LOST_AFTER = timedelta(minutes=3)  # after which a look that has not ended is not waited for any longer
EVIDENCE_DAYS = 90  # in which spam and what was removed still tell what is like them
MAX_NIGHTLY_CASES = 50

# Who wrote it is known of accounts and guests; a name of a source is one person in one discussion at most.
# `kept`: a person approved this text, or looked at a group and left it out of the act, which is in force.
READ_COMMENTS = """
WITH line AS (
  SELECT comment_id, max(id) AS seen,
         max(revision) FILTER (WHERE reason = 'approved' AND actor_id IS NOT NULL) AS approved
  FROM comments_transition WHERE kind = 'state' GROUP BY comment_id),
in_force AS (
  SELECT g.id FROM moderation_group g
  LEFT JOIN moderation_batch b ON b.root_id = g.act_id
  WHERE g.settled_at IS NOT NULL GROUP BY g.id HAVING mod(coalesce(max(b.undos), 0), 2) = 0),
kept AS (
  SELECT DISTINCT m.comment_id, t.revision FROM moderation_member m
  JOIN in_force f ON f.id = m.group_id JOIN comments_transition t ON t.id = m.seen)
SELECT c.id, c.discussion_id, c.parent_id, c.author_name,
       coalesce('u' || c.author_id, 'g' || c.guest_id, c.discussion_id || lower(c.author_name)),
       c.author_id IS NOT NULL OR c.guest_id IS NOT NULL,
       EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = c.author_id AND e.verified)
         OR EXISTS (SELECT FROM accounts_guest g WHERE g.id = c.guest_id AND g.confirmed_at IS NOT NULL),
       c.body, c.revision, c.text_missing, c.created_at, c.state,
       c.state = 'published' AND c.state_reason = 'approved' AND line.approved = c.revision
         OR c.state IN ('pending', 'published') AND kept.comment_id IS NOT NULL,
       o.ip_hash, line.seen
FROM comments_comment c
JOIN line ON line.comment_id = c.id
LEFT JOIN kept ON kept.comment_id = c.id AND kept.revision = c.revision
LEFT JOIN moderation_origin o ON o.comment_id = c.id
WHERE c.erased_at IS NULL
  AND (c.state IN ('pending', 'published')
       OR c.state IN ('spam', 'rejected') AND c.state_reason <> 'sealed'
          AND c.created_at > now() - %(days)s * interval '1 day')
  AND NOT EXISTS (SELECT FROM moderation_seal s WHERE s.comment_id = c.id AND s.lifted_at IS NULL)
ORDER BY c.state = 'pending' DESC, c.created_at DESC, c.id DESC LIMIT %(most)s"""

# What a later look has taken the place of, but for the one before it, whose groups may be open in a window.
# Of groups that were settled those members stay on which nobody acted: they do not come again.
DELETE_OLD_MEMBERS = """
DELETE FROM moderation_member m USING moderation_group g
WHERE g.id = m.group_id AND g.kind = ANY(%(kinds)s) AND g.run <> ALL(%(runs)s::uuid[])
  AND (g.settled_at IS NULL
       OR EXISTS (SELECT FROM comments_comment c
                  WHERE c.id = m.comment_id AND c.state NOT IN ('pending', 'published')))"""
DELETE_EMPTY_GROUPS = """
DELETE FROM moderation_group g
WHERE g.kind = ANY(%(kinds)s) AND g.run <> ALL(%(runs)s::uuid[])
  AND NOT EXISTS (SELECT FROM moderation_member m WHERE m.group_id = g.id)"""


def latest_scan() -> Look | None:
    return finished_scans().first()


def running_scan() -> Look | None:
    """The look that is asked for and has not ended, unless it was lost."""
    return (
        Look.objects.filter(ended_at=None, asked_at__gt=timezone.now() - LOST_AFTER)
        .order_by("-asked_at")
        .first()
    )


def request_scan() -> Look:
    """Have the site looked over by a job, unless that is about to happen."""
    if look := running_scan():
        return look
    with transaction.atomic():
        look = Look.objects.create()
        look_over.enqueue(str(look.pk))
    return look


def is_stale(look: Look | None) -> bool:
    """Whether it is older than some minutes and something was decided or written since; what was taken back
    is there again at once."""
    if look is None:
        return True
    if look.asked_at > timezone.now() - FRESH_FOR:
        return Batch.objects.filter(at__gt=look.asked_at, undoes__isnull=False).exists()
    return last_transition_id() > look.until


def count_new_comments(look: Look) -> int:
    """How many comments it does not know of."""
    lines = Transition.objects.filter(pk__gt=look.until, kind=Transition.Kind.STATE, from_state="")
    return lines.count()


@task()
def look_over(look: str) -> int:
    """Returns the groups that were found."""
    found = Look.objects.filter(pk=UUID(look), ended_at=None).first()
    return len(run(found).proposals) if found else 0


def run(look: Look | None = None) -> GroupingResult:
    """Look over the site now and store what is found; groups of earlier looks go."""
    look = look or Look.objects.create()
    look.until, before = last_transition_id(), latest_scan()
    rows, stories = read_comments()
    found = find_groups(rows, stories)
    look.ended_at = now = timezone.now()
    look.comments = len(rows)
    with transaction.atomic():
        look.save()
        _store_groups(look, now, rows, found.proposals)
        runs = [look.pk, *([before.pk] if before else [])]
        old: dict[str, Any] = {"kinds": [kind.value for kind in SCAN_KINDS], "runs": runs}
        with connection.cursor() as cursor:
            cursor.execute(DELETE_OLD_MEMBERS, old)
            cursor.execute(DELETE_EMPTY_GROUPS, old)
        lost = Q(ended_at=None, asked_at__lt=now - LOST_AFTER)
        Look.objects.filter(lost | Q(ended_at__lt=now)).delete()
    return found


def nightly_scan() -> int:
    """The nightly look. Returns the cases that it opened."""
    doubts = run().doubts
    asked = set(Case.objects.filter(comment__in=doubts).values_list("comment", flat=True))
    asked_in = set(Case.objects.open().values_list("discussion", flat=True))
    comments = Comment.objects.filter(pk__in=[pk for pk in doubts if pk not in asked]).exclude(
        discussion__in=asked_in
    )
    chosen = list(comments.visible().order_by("pk").values_list("pk", flat=True)[:MAX_NIGHTLY_CASES])
    cases.open_cases(chosen, states=[State.PUBLISHED])
    return len(chosen)


def read_comments() -> tuple[list[Row], dict[int, Story]]:
    with connection.cursor() as cursor:
        cursor.execute(READ_COMMENTS, {"most": MAX_COMMENTS, "days": EVIDENCE_DAYS})
        rows = [Row(*row) for row in cursor.fetchall()]
        rows = [row._replace(ip_hash=row.ip_hash and bytes(row.ip_hash)) for row in rows]
        rows.sort(key=lambda row: (row.at, row.id))
        cursor.execute(
            "SELECT id, published_at, title || ' ' || body FROM articles_article WHERE id = ANY(%s)",
            [list({row.discussion for row in rows})],
        )
        stories = {pk: Story(at, text) for pk, at, text in cursor.fetchall()}
    return rows, stories


def _store_groups(look: Look, at: datetime, rows: Sequence[Row], proposals: Sequence[Proposal]) -> None:
    groups = [
        Group(
            kind=proposal.kind,
            run=look.pk,
            made_at=at,
            size=len(proposal.members),
            original_id=proposal.original,
            shared=proposal.shared,
        )
        for proposal in proposals
    ]
    Group.objects.bulk_create(groups)
    for group, proposal in zip(groups, proposals, strict=True):
        members = proposal.members
        add_members(
            group,
            comments=[rows[m.row].id for m in members],
            likeness=[m.likeness for m in members],
            clues=[m.clues for m in members],
            seen=[rows[m.row].seen for m in members],
        )


def last_transition_id() -> int:
    """Of the log, by now."""
    last: int | None = Transition.objects.aggregate(last=Max("id"))["last"]
    return last or 0
