"""Acts as the history tells them: what was done to what, and what of it is in force. Each was a Batch.

Many take the same few statements as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import title_for
from comments.models import Comment, Transition
from moderation.actions import setting_changes
from moderation.models import Batch, Change, Sanction, Seal
from moderation.queue import explanations


@dataclass(frozen=True)
class Act:
    """One line of the history. `is_undone`: somebody took it back since, and nobody took that back."""

    batch: Batch
    done: str
    about: str  # what it was done to, where that is one thing with a name: a story, a rule, a comment
    count: int  # comments
    is_undone: bool
    part: str  # "undone for 1 of 2", where that is so of some of its comments alone
    last: UUID  # of the act and its undos, the last: the one to undo now


# Over lines t of the log and their acts b: whether the act is undone for the comment of the line. Each undo
# acts upon the lines of the one before it, so that the last about a comment tells; it leaves alone what was
# decided on since, and seals are lifted one by one.
IS_UNDONE = """(
  SELECT mod(max(u.undos) - b.undos, 2) = 1
  FROM moderation_batch u JOIN comments_transition l ON l.batch = u.id AND l.comment_id = t.comment_id
  WHERE u.root_id = b.root_id)"""

# The last of an act and its undos, and how many undos that makes. Two undos of seals that were lifted one by
# one have nothing to do with each other.
LAST = """
SELECT DISTINCT ON (b.id) b.id, u.id, u.undos - b.undos
FROM moderation_batch b
JOIN moderation_batch r ON r.id = b.root_id
JOIN moderation_batch u ON u.root_id = b.root_id AND u.undos >= b.undos
WHERE b.id = ANY(%s) AND (u.id = b.id OR r.kind <> 'seal' OR EXISTS (
  SELECT FROM comments_transition t JOIN comments_transition l USING (comment_id)
  WHERE t.batch = b.id AND l.batch = u.id))
ORDER BY b.id, u.undos DESC, u.at DESC"""

# How many comments acts were about, and for how many of them each is undone.
PARTS = f"""
SELECT b.id, count(*), count(*) FILTER (WHERE {IS_UNDONE})
FROM moderation_batch b JOIN comments_transition t ON t.batch = b.id
WHERE b.id = ANY(%s) GROUP BY 1"""


def acts(batches: Sequence[Batch], user: User | None) -> list[Act]:
    lines = Transition.objects.filter(batch__in=[batch.pk for batch in batches]).order_by()
    moved = list(lines.values_list("batch").annotate(count=Count("pk"), one=Min("comment")))
    counts = {batch: count for batch, count, _one in moved}
    about, marked = _about(batches, {batch: one for batch, count, one in moved if count == 1}, user)
    with connection.cursor() as cursor:
        cursor.execute(LAST, [[batch.pk for batch in batches]])
        last = {act: (pk, undos % 2 == 1) for act, pk, undos in cursor.fetchall()}
        parts = {}
        if touched := [act for act, (pk, _is_undone) in last.items() if pk != act]:
            cursor.execute(PARTS, [touched])
            counted = [(act, {"k": f"{k:,}", "n": f"{n:,}"}) for act, n, k in cursor.fetchall() if 0 < k < n]
            parts = {act: _("undone for %(k)s of %(n)s") % part for act, part in counted}
    # Seals are lifted one by one: such an act is in force, and to be undone, until the last of its own is.
    if lifted := [b.pk for b in batches if b.kind == Batch.Kind.SEAL and last[b.pk][0] != b.pk]:
        here = Seal.objects.filter(batch__in=lifted, lifted_at=None, comment__erased_at=None)
        last |= {act: (act, False) for act in here.order_by().values_list("batch", flat=True)}
    return [
        Act(
            batch=batch,
            done=explanations.done(batch),
            about=about.get(batch.pk, ""),
            count=counts.get(batch.pk, 0) or marked.get(batch.pk, 0),
            is_undone=last[batch.pk][1],
            part=parts.get(batch.pk, ""),
            last=last[batch.pk][0],
        )
        for batch in batches
    ]


def _about(
    batches: Sequence[Batch], comments: Mapping[UUID, int], user: User | None
) -> tuple[dict[UUID, str], dict[UUID, int]]:
    """The name of the one thing that was changed, and how many comments have another setting. `comments`: of
    acts that brought one alone another state. What was set on the whole site says so itself
    (words.on_the_site)."""
    rows = Change.objects.filter(batch__in=batches).order_by().values_list("batch", "target")
    found = list(rows.annotate(things=Count("target_id", distinct=True), one=Min("target_id")))
    marked = {batch: things for batch, target, things, _one in found if target == Change.Target.COMMENT}
    single = {
        batch: Change(target=target, target_id=one)
        for batch, target, things, one in found
        if things == 1 and target not in {Change.Target.COMMENT, Change.Target.SITE}
    }
    one_marked = {
        batch: one for batch, target, things, one in found if target == Change.Target.COMMENT and things == 1
    }
    # A lock reaches all that is below the one that was meant.
    locks = [batch for batch in batches if batch.kind == Batch.Kind.COMMENT]
    pressed = {batch.pk: batch.parameters["comment"] for batch in locks if "comment" in batch.parameters}
    about = _comments(one_marked | dict(comments) | pressed, user)
    names = setting_changes.named(single.values(), user)
    about |= {batch: names.get((change.target, change.target_id), "") for batch, change in single.items()}
    about |= _held({batch: c.target_id for batch, c in single.items() if c.target == Change.Target.SANCTION})
    # The story of an import, which stands in none of its parameters.
    brought = [batch.pk for batch in batches if batch.kind == Batch.Kind.IMPORT]
    if brought:
        lines = Transition.objects.filter(batch__in=brought).order_by("batch", "id").distinct("batch")
        titles = lines.values_list("batch", title_for(user, "discussion__article__"))
        about |= {batch: title for batch, title in titles if batch}
    return about, marked


def _comments(ids: Mapping[UUID, int], user: User | None) -> dict[UUID, str]:
    """The one comment of each act, by its number and its story."""
    if not ids:
        return {}
    rows = Comment.objects.filter(pk__in=ids.values())
    titles = dict(rows.values_list("pk", title_for(user, "discussion__article__")))
    return {batch: f"#{pk}, “{titles[pk]}”" for batch, pk in ids.items()}


def _held(sanctions: Mapping[UUID, int]) -> dict[UUID, str]:
    """Who is held by the sanction of each act: read where it can be erased, as an act keeps no name."""
    if not sanctions:
        return {}
    rows = Sanction.objects.filter(pk__in=sanctions.values()).select_related("user", "guest")
    names = {row.pk: str(row.user or row.guest) for row in rows}
    return {batch: names[pk] for batch, pk in sanctions.items()}
