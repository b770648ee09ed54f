"""Deleting words for good, from a list that was made before and is looked at first.

Never "whatever is there now": what comes to be spam while somebody looks at the list is not in it, and what
somebody decided on or sealed meanwhile is left as it is and named. Rows, states, counts and the log stay, so
every number that readers see stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import forget_account, forget_guest
from articles.services import forget_author
from comments.models import Comment, State
from comments.services import lock
from comments.text_changes import erase_comments
from moderation.models import Appeal, Batch, Group, Member, Note, Origin, Report, Sanction, Seal
from moderation.people.profiles import Person

SPAM_KEPT = 90  # days, after which the words of spam are deleted by themselves
AT_ONCE = 10_000  # comments that the job deletes in one transaction
MOST = 50_000  # that an administrator may list at once

# By the time of the last decision. What was taken back with its import may come in again, what is sealed is
# for an administrator to decide, one by one, and of what is in question somebody has to read the words.
FREEZE = """
INSERT INTO moderation_member (group_id, comment_id, likeness, clues, seen)
SELECT %(group)s, c.id, 1, 0, last.id
FROM comments_comment c CROSS JOIN LATERAL (
  SELECT t.id, t.at FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) last
WHERE c.state = ANY(%(states)s) AND c.erased_at IS NULL AND last.at < %(before)s
  AND c.state_reason NOT IN ('sealed', 'import_undone')
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
ORDER BY c.id LIMIT %(most)s"""

UNCHANGED = """
SELECT m.comment_id FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
  AND m.seen = (SELECT max(t.id) FROM comments_transition t
                WHERE t.comment_id = m.comment_id AND t.kind = 'state')
ORDER BY m.comment_id"""


@dataclass(frozen=True)
class Emptied:
    """What became of a list. Without a batch somebody had emptied it before, or nothing was left of it."""

    batch: Batch | None
    erased: int = 0
    left: list[int] = field(default_factory=list)


def freeze(*, states: Sequence[str], days: int, actor: User | None, most: int | None = None) -> Group | None:
    """List what has been in one of these states for so many days, as it is now, at most so many (MOST), the
    earliest first. None: there is nothing."""
    group = Group(
        kind=Group.Kind.EMPTYING,
        run=uuid4(),
        size=0,
        shared={"states": [str(state) for state in states], "days": days, "by": actor and actor.pk},
    )
    values: dict[str, Any] = {
        "group": group.pk,
        "states": [str(state) for state in states],
        "before": group.made_at - timedelta(days=days),
        "most": most or MOST,
    }
    with transaction.atomic():
        group.save(force_insert=True)
        with connection.cursor() as cursor:
            cursor.execute(FREEZE, values)
            group.size = cursor.rowcount
        if not group.size:
            transaction.set_rollback(True)
            return None
        group.save(update_fields=["size"])
    return group


def unchanged(group: Group) -> list[int]:
    """The members to which nothing has happened since the list was made, and about which nobody asks."""
    with connection.cursor() as cursor:
        cursor.execute(UNCHANGED, {"group": group.pk})
        return [row[0] for row in cursor.fetchall()]


def empty(*, group: Group, actor: User | None) -> Emptied:
    """Delete the words of a list for good, in one transaction; those that changed since are left.

    With each goes what clear_beside clears.
    """
    batch = Batch(kind=Batch.Kind.EMPTYING, actor=actor, parameters={"group": str(group.pk)})
    with transaction.atomic():
        fresh = Group.objects.select_for_update().get(pk=group.pk)
        if fresh.settled_at:
            return Emptied(None)
        members = list(
            Member.objects.filter(group=group).order_by("comment").values_list("comment", flat=True)
        )
        lock(members)
        erased = erase_comments(ids=unchanged(group), at=batch.at)
        clear_beside(erased)
        left = sorted(set(members) - set(erased))
        batch.parameters["erased"] = len(erased)
        if erased:
            batch.save(force_insert=True)
        told = fresh.shared | {"erased": len(erased), "left": left}
        done = batch if erased else None
        Group.objects.filter(pk=group.pk).update(settled_at=batch.at, settled_by=actor, act=done, shared=told)
    return Emptied(done, len(erased), left)


def clear_beside(comments: Sequence[int]) -> None:
    """Of comments whose words go, what was noted of them, what their authors said about it, whence they came,
    and the words of their reporters. Reports of illegal content stay: a record of what the law asks."""
    Origin.objects.filter(comment__in=comments).delete()
    Note.objects.filter(comment__in=comments).delete()
    Report.objects.filter(comment__in=comments).exclude(words="").update(words="")
    Appeal.objects.filter(comment__in=comments).exclude(words="").update(words="")


def forget_person(*, person: Person, actor: User | None) -> None:
    """Blank for good who an account or a guest was, also with a seal; what was noted of them, what they were
    told, and what they asked and reported in their own words. Their comments are not touched, nor what is a
    part of one that a legal hold keeps. Without an actor it is done again after a restore, and not noted."""
    about = person.about
    with transaction.atomic():
        held = Seal.objects.filter(lifted_at=None, is_held=True).values("comment")
        if person.user:
            forget_account(user=person.user)
            forget_author(user=person.user)
        elif person.guest:
            forget_guest(guest=person.guest)
        seals = Seal.objects.filter(lifted_at=None, is_held=False, comment__in=person.comments().values("pk"))
        seals.update(author_name="", author_email="")
        Note.objects.filter(Q(**about) | Q(comment__in=person.comments().values("pk"))).delete()
        asked = Appeal.objects.filter(comment__in=person.comments().values("pk"))
        for own in (asked, Report.objects.filter(**about)):
            own.exclude(comment__in=held).exclude(words="").update(words="")
        Sanction.objects.filter(**about).update(words="", asked_words="")
        if actor:
            text = _("Name and e-mail were blanked as a child’s data.")
            Note.objects.create(text=text, by=actor, **about)


def blank_old_spam() -> int:
    """The job: each batch of it has its list. Returns how many comments lost their words."""
    erased = 0
    while group := freeze(states=[State.SPAM], days=SPAM_KEPT, actor=None, most=AT_ONCE):
        done = empty(group=group, actor=None)
        erased += done.erased
        if not done.erased:
            break
    return erased


def throw_away_lists() -> int:
    """The job: a list for emptying, of what a rule found or of a queue, on which nobody acted for a month is
    of no use any more. Returns how many."""
    month_ago = timezone.now() - timedelta(days=30)
    kinds = [Group.Kind.EMPTYING, Group.Kind.RULE, Group.Kind.QUEUE]
    old = Group.objects.filter(kind__in=kinds, settled_at=None, made_at__lt=month_ago)
    return old.delete()[1].get("moderation.Group", 0)


def forget_sealed_emails() -> int:
    """The job: an e-mail that nobody confirmed is forgotten with a seal as it is elsewhere, unless an
    authority wants it kept. Returns how many."""
    seals = Seal.objects.filter(lifted_at=None, is_held=False, comment__guest__email="")
    return seals.exclude(author_email="").update(author_email="")


@dataclass(frozen=True)
class Summary:
    """What a list holds, to be looked at before it is emptied."""

    by_reason: list[tuple[str, str, int]]  # state, reason, comments
    by_discussion: list[tuple[str, int]]  # title of its story, comments; the most first
    more_discussions: int
    oldest: datetime | None
    newest: datetime | None
    sample: list[Comment]  # from its start, its middle and its end
    changed: list[int]  # to which something has happened since, and which will be left


DISCUSSIONS = 10
SAMPLE = 9
REASONS = """
SELECT c.state, c.state_reason, count(*), min(c.created_at), max(c.created_at)
FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""
STORIES = """
SELECT a.title, n.count, count(*) OVER () FROM (
  SELECT c.discussion_id, count(*) FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
  WHERE m.group_id = %(group)s GROUP BY 1) n
JOIN articles_article a ON a.id = n.discussion_id ORDER BY n.count DESC, a.id LIMIT %(most)s"""
PICKED = """
SELECT comment_id FROM (
  SELECT comment_id, row_number() OVER (ORDER BY comment_id) - 1 AS n, count(*) OVER () AS size
  FROM moderation_member WHERE group_id = %(group)s) x
WHERE n IN (SELECT (size - 1) * step / greatest(1, least(size, %(sample)s) - 1)
            FROM generate_series(0, least(size, %(sample)s) - 1) AS step)"""


def summary(group: Group) -> Summary:
    """In six statements for a list of any length."""
    with connection.cursor() as cursor:
        cursor.execute(REASONS, {"group": group.pk})
        reasons = cursor.fetchall()
        cursor.execute(STORIES, {"group": group.pk, "most": DISCUSSIONS})
        stories = cursor.fetchall()
        cursor.execute(PICKED, {"group": group.pk, "sample": SAMPLE})
        picked = [row[0] for row in cursor.fetchall()]
    members = set(Member.objects.filter(group=group).values_list("comment", flat=True))
    return Summary(
        by_reason=[(state, reason, count) for state, reason, count, *_times in reasons],
        by_discussion=[(title, count) for title, count, _all in stories],
        more_discussions=stories[0][2] - len(stories) if stories else 0,
        oldest=min((row[3] for row in reasons), default=None),
        newest=max((row[4] for row in reasons), default=None),
        sample=list(
            Comment.objects.filter(pk__in=picked)
            .select_related("discussion__article")
            .defer("body_html", "discussion__article__body", "discussion__article__body_html")
            .order_by("pk")
        ),
        changed=[] if group.settled_at else sorted(members - set(unchanged(group))),
    )
