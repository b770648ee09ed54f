"""What the desk shows: the two lists, and a card for each comment with all that a decision needs.

A page of cards takes the same few statements whatever its length; each is fetched once for all cards.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from comments.models import Comment, CommentRevision, Reason, Transition
from comments.models import CommentQuerySet as Comments
from moderation import words
from moderation.models import Batch, Finding, has_page
from moderation.policy import last_decisions

PAGE = 25  # cards, and acts in the history
LISTS = ("waiting", "published")


@dataclass(frozen=True)
class Writer:
    """Who somebody is here: an account, else a guest; neither for a name that a source gave."""

    author: int | None
    guest: int | None


@dataclass(frozen=True)
class Known:
    """What somebody wrote here besides this comment."""

    since: datetime
    states: str  # "3 published, 1 waiting"; nothing if this is all


@dataclass(frozen=True)
class Why:
    sentence: str
    strength: int  # 1 to 3
    twin: Comment | None  # the other one, if it can be read


@dataclass(frozen=True)
class Card:
    comment: Comment
    seen: str  # what a decision is made upon: the comment and the last line of the log about it
    body: SafeString
    why: list[Why]
    known: Known | None
    has_page: bool  # whether it can be read in its place
    earlier: list[CommentRevision]  # what it said before it was edited, the latest first


@dataclass(frozen=True)
class Waiting:
    """The line over the queue."""

    count: int
    oldest: str  # "3 h"; nothing for an empty queue


def waiting(user: User) -> Comments:
    return Comment.objects.moderated_by(user).waiting()


def published_with_findings(user: User) -> Comments:
    """Published, something was found in them as they read now, and nobody has approved that text yet."""
    found = Finding.objects.filter(comment=OuterRef("pk"), revision=OuterRef("revision"))
    approved = Transition.objects.filter(
        comment=OuterRef("pk"), revision=OuterRef("revision"), reason=Reason.APPROVED, actor__isnull=False
    )
    return (
        Comment.objects.moderated_by(user)
        .visible()
        .filter(Exists(found))
        .exclude(Exists(approved), state_reason=Reason.APPROVED)
    )


def how_many_wait(user: User) -> Waiting:
    numbers = waiting(user).aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = numbers["oldest"]
    return Waiting(numbers["count"], words.ago(timezone.now() - oldest) if oldest else "")


def page_of(comments: Comments, after: int | None) -> tuple[list[Comment], int | None]:
    """The oldest of these, or those that come after one of them; and after which the next page starts.

    The one that `after` names may have left the list meanwhile: its time is still its place.
    """
    if after and (last := Comment.objects.filter(pk=after).only("created_at").first()):
        comments = comments.filter(
            Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, pk__gt=last.pk),
            created_at__gte=last.created_at,  # the part of it that an index can use
        )
    rows = list(
        comments.select_related("discussion__article", "parent", "guest", "author")
        .defer(
            *("body_html", "parent__body_html"),
            *("discussion__article__body", "discussion__article__body_html", "discussion__article__vector"),
        )
        .order_by("created_at", "pk")[: PAGE + 1]
    )
    return rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None


def cards(comments: Sequence[Comment], user: User) -> list[Card]:
    """In five statements for any number of comments."""
    ids = [comment.pk for comment in comments]
    seen = last_decisions(ids)
    findings = defaultdict(list)
    for finding in Finding.objects.of_now(ids):
        findings[finding.comment_id].append(finding)
    twins = [found.twin_id for some in findings.values() for found in some if found.twin_id]
    own = set(Comment.objects.moderated_by(user).filter(pk__in=twins).values_list("pk", flat=True))
    known = _known({_writer(comment) for comment in comments})
    earlier = defaultdict(list)
    for version in CommentRevision.objects.filter(comment__in=ids).order_by("-revision"):
        earlier[version.comment_id].append(version)
    return [
        Card(
            comment=comment,
            seen=f"{comment.pk}.{seen.get(comment.pk, 0)}",
            body=words.marked(comment.body, [s for found in findings[comment.pk] for s in found.spans]),
            why=[_why(found, own) for found in findings[comment.pk]],
            known=_besides(comment, *known[writer]) if (writer := _writer(comment)) in known else None,
            has_page=has_page(comment),
            earlier=earlier[comment.pk],
        )
        for comment in comments
    ]


def _why(found: Finding, own: set[int]) -> Why:
    """`own`: ids of other comments that this person decides on, and so may know of before they are public."""
    twin = found.twin if found.twin_id in own else found.public_twin
    sentence = words.why(found, to_moderator=True, twin=twin)
    return Why(sentence, 1 + int(found.strength * 2.5), twin if twin and has_page(twin) else None)


def _writer(comment: Comment) -> Writer:
    return Writer(comment.author_id, comment.guest_id)


def _known(writers: Iterable[Writer]) -> dict[Writer, tuple[datetime, Counter[str]]]:
    """When each was first here, and how many of their comments are in which state."""
    authors = [w.author for w in writers if w.author]
    guests = [w.guest for w in writers if w.guest]
    rows = (
        Comment.objects.filter(Q(author__in=authors) | Q(guest__in=guests))
        .order_by()
        .values_list("author", "guest", "state")
        .annotate(count=Count("pk"), first=Min("created_at"))
    )
    known: dict[Writer, tuple[datetime, Counter[str]]] = {}
    for author, guest, state, count, first in rows:
        since, states = known.get(Writer(author, guest), (first, Counter()))
        known[Writer(author, guest)] = min(since, first), states + Counter({state: count})
    return known


def _besides(comment: Comment, since: datetime, states: Counter[str]) -> Known:
    return Known(since, words.history(states - Counter([comment.state])))


@dataclass(frozen=True)
class Act:
    """One line of the history. `is_undone`: somebody took it back since, and nobody took that back."""

    batch: Batch
    done: str
    count: int
    is_undone: bool
    last: UUID  # of the act and its undos, the last: the one to undo now


# An act, the undo of it, the undo of that …, down to the last, and how many undos that makes.
LAST = """
WITH RECURSIVE chain AS (
  SELECT id AS act, id, at, 0 AS undos FROM moderation_batch WHERE id = ANY(%s)
  UNION ALL
  SELECT chain.act, b.id, b.at, undos + 1 FROM chain JOIN moderation_batch b ON b.undoes_id = chain.id)
SELECT DISTINCT ON (act) act, id, undos FROM chain ORDER BY act, undos DESC, at DESC"""


def acts(batches: Sequence[Batch]) -> list[Act]:
    counts = dict(
        Transition.objects.filter(batch__in=[batch.pk for batch in batches])
        .order_by()
        .values_list("batch")
        .annotate(count=Count("pk"))
    )
    with connection.cursor() as cursor:
        cursor.execute(LAST, [[batch.pk for batch in batches]])
        last = {act: (pk, undos % 2 == 1) for act, pk, undos in cursor.fetchall()}
    return [
        Act(
            batch=batch,
            done=words.done(batch),
            count=counts.get(batch.pk, 0),
            is_undone=last[batch.pk][1],
            last=last[batch.pk][0],
        )
        for batch in batches
    ]
