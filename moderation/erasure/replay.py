"""What was deleted for good or sealed, done again upon an older state of the site.

accounts/erasure_log.py is the list. A comment or a person on it is known by number and time together, so that
nobody who got the same number after a restore is taken for them. Nobody is written to: they were told then.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model, QuerySet

from accounts import erasure_log
from accounts.erasure_log import Erasure
from accounts.models import Guest, User
from articles.redaction import redact
from comments.models import REMOVED, Comment, Reason, State
from comments.services import change_states, lock
from comments.text_changes import erase_comments
from moderation.erasure import purge, restricted_content, restrictions
from moderation.models import Batch, Seal
from moderation.people.profiles import Person

SOME = 5_000  # rows that are asked for at once
GONE = {*REMOVED, State.DELETED}


@dataclass(frozen=True)
class Replayed:
    """How many were sealed, deleted for good or blanked again."""

    sealed: int = 0
    comments: int = 0
    people: int = 0
    versions: int = 0  # of stories, in which words were blacked out

    @property
    def told(self) -> str:
        return (
            f"Comments deleted for good: {self.comments:,}; sealed: {self.sealed:,}; people blanked: "
            f"{self.people:,}; versions of stories with words blacked out: {self.versions:,}."
        )


def replay(known: Sequence[Erasure]) -> Replayed:
    """In the caller's transaction. What is as it should be stays as it is."""
    last: dict[tuple[str, int, str], Erasure] = {}
    for one in known:
        kind = "sealed" if one.what == "unsealed" else one.what
        last[kind, one.id, one.made] = one
    found: defaultdict[str, list[Erasure]] = defaultdict(list)
    for one in last.values():
        found[one.what].append(one)
    # Deleted for good after it was sealed: it is sealed first, as then.
    deleted = [one for one in found["comment"] if one.reason == Reason.SEALED]
    known_why = {(one.id, one.made) for one in found["sealed"]}
    unknown = [one for one in deleted if (one.id, one.made) not in known_why]
    sealed = _seal([*found["sealed"], *unknown])
    # Of a version or a note each line tells some of its places, and all of them hold.
    versions = redact.black_out_again(known)
    return Replayed(sealed, _delete(found["comment"]), _blank(found["account"], found["guest"]), versions)


def remember_all() -> int:
    """The job: add to the list what is deleted, sealed or blanked here and is not on it, such as what the
    machine stopped over. Returns how many."""
    return note_missing(_all())


def note_missing(these: Iterable[Erasure]) -> int:
    """Add those that the list lacks. Raises OSError."""
    known = {}
    if erasure_log.path().exists():
        known = {_key(one): (one.what, one.spans) for one in erasure_log.read(erasure_log.path())}
    missing = [one for one in these if known.get(_key(one)) != (one.what, one.spans)]
    erasure_log.append(missing)
    return len(missing)


def _key(one: Erasure) -> tuple[str, int, str]:
    return "sealed" if one.what == "unsealed" else one.what, one.id, one.made


def _all() -> Iterator[Erasure]:
    stand = Seal.objects.filter(lifted_at=None).select_related("comment")
    for seal in stand.defer("comment__body", "comment__body_html").order_by("pk").iterator(SOME):
        yield restricted_content.erasure(seal)
    gone = Comment.objects.exclude(erased_at=None).order_by("pk")
    for row in gone.values_list("pk", "created_at", "state", "state_reason").iterator(SOME):
        yield of_comment(*row)
    blank = User.objects.filter(name="", email__endswith="@invalid").order_by("pk")
    for pk, made in blank.values_list("pk", "date_joined").iterator(SOME):
        yield Erasure("account", pk, made.isoformat())
    for pk, made in Guest.objects.filter(name="").order_by("pk").values_list("pk", "created_at"):
        yield Erasure("guest", pk, made.isoformat())

    yield from redact.blackened()


def of_comment(pk: int, made: datetime, state: str, reason: str) -> Erasure:
    return Erasure("comment", pk, made.isoformat(), state, reason)


def _seal(these: Sequence[Erasure]) -> int:
    alike: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    here = _here(Comment.objects.filter(erased_at=None), "created_at", these)
    for pk, one in here.items():
        why = one.reason if one.reason in Seal.Why.values else Seal.Why.OTHER
        alike[why, one.is_held].append(pk)
    count = 0
    for (why, is_held), ids in alike.items():
        count += len(restrictions.seal(ids=ids, why=why, actor=None, held=is_held, tell=False).changed)
        if is_held:  # since it was sealed
            Seal.objects.filter(comment__in=ids, lifted_at=None, is_held=False).update(is_held=True)
    return count


def _delete(these: Sequence[Erasure]) -> int:
    here = _here(Comment.objects.filter(erased_at=None), "created_at", these)
    if not here:
        return 0
    batch = Batch(kind=Batch.Kind.EMPTYING, parameters={"erased": len(here)})
    batch.save(force_insert=True)
    lock(here)
    alike: defaultdict[tuple[State, str], list[int]] = defaultdict(list)
    read = Comment.objects.filter(pk__in=here, state__in=[State.PUBLISHED, State.PENDING])
    for pk in read.values_list("pk", flat=True):  # which was removed only after the backup
        state = State(here[pk].state) if here[pk].state in GONE else State.REJECTED
        alike[state, here[pk].reason or Reason.OTHER].append(pk)
    for (state, reason), ids in alike.items():
        change_states(ids=ids, to=state, reason=reason, actor=None, batch=batch.pk)
    # A hold that stands here was ended before the words were deleted.
    restricted_content.clear(list(Seal.objects.filter(comment__in=here, lifted_at=None)))
    erased = erase_comments(ids=list(here), at=batch.at, sealed=True)
    purge.clear_beside(erased)
    return len(erased)


def _blank(accounts: Sequence[Erasure], guests: Sequence[Erasure]) -> int:
    users = User.objects.exclude(name="", email__endswith="@invalid")
    people = [Person(user=user) for user in users.filter(pk__in=_here(users, "date_joined", accounts))]
    signed = Guest.objects.exclude(name="", email="")
    people += [Person(guest=guest) for guest in signed.filter(pk__in=_here(signed, "created_at", guests))]
    for person in people:
        purge.forget_person(person=person, actor=None)
    return len(people)


def _here(rows: QuerySet[Model], made: str, these: Sequence[Erasure]) -> dict[int, Erasure]:
    """Those of them that are among the rows, by number."""
    found: dict[int, Erasure] = {}
    for start in range(0, len(these), SOME):
        some = {one.id: one for one in these[start : start + SOME]}
        for pk, at in rows.filter(pk__in=some).values_list("pk", made):
            if datetime.fromisoformat(some[pk].made) == at:
                found[pk] = some[pk]
    return found
