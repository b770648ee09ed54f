"""Replay of erasures: permanent deletions and restrictions are repeated after an older backup was restored.

They are listed by core/erasure_log.py. A comment or a person is identified by id and creation time, so
that a new row that got the same id after a restore is not taken for it. Nobody is notified a second time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model, QuerySet

from accounts.models import Guest, User
from articles.models import Subscription
from articles.newsletter.subscriptions import end_subscriptions
from articles.redaction import redact
from comments.models import REMOVED_OR_DELETED, Comment, Reason, State
from comments.services.discussions import lock_discussions_of
from comments.services.states import change_states
from comments.services.text_changes import erase_comments
from core import erasure_log
from core.erasure_log import Erasure
from moderation.erasure import account_erasure, purge, restricted_content, restrictions
from moderation.models import AccountErasure, Action, Restriction
from moderation.people.profiles import Person

BATCH_SIZE = 5_000  # rows per query


@dataclass(frozen=True)
class ReplayedErasures:
    """The numbers of comments, people and revisions that were erased or restricted again."""

    restricted: int = 0  # comments
    comments: int = 0  # permanently deleted comments
    people: int = 0
    revisions: int = 0  # redacted revisions of stories and pages
    subscriptions: int = 0  # to the newsletter, which had been ended

    @property
    def summary(self) -> str:
        """Return one sentence with all numbers."""
        return (
            f"Comments permanently deleted: {self.comments:,}; restricted: {self.restricted:,}; "
            f"people erased: {self.people:,}; versions of stories redacted: {self.revisions:,}; "
            f"subscriptions ended: {self.subscriptions:,}."
        )


def replay_erasures(erasures: Sequence[Erasure]) -> ReplayedErasures:
    """Replay these erasures in the caller's transaction. Those that are in effect already change nothing."""
    latest: dict[tuple[str, int, str], Erasure] = {}
    for erasure in sorted(erasures, key=lambda erasure: erasure.at):  # a line may have been written late
        latest[_key(erasure)] = erasure
    by_kind: defaultdict[str, list[Erasure]] = defaultdict(list)
    for erasure in latest.values():
        by_kind[erasure.kind].append(erasure)
    # A comment that was restricted and then permanently deleted is restricted first, as at that time.
    deleted = [erasure for erasure in by_kind["comment"] if erasure.reason == Reason.RESTRICTED]
    logged = {(erasure.id, erasure.made) for erasure in by_kind["sealed"]}
    not_logged = [erasure for erasure in deleted if (erasure.id, erasure.made) not in logged]
    restricted = _restrict([*by_kind["sealed"], *not_logged])
    # Each entry about a revision or a note lists some of its redacted places, so all entries are needed.
    revisions = redact.replay_redactions(erasures)
    comments = _delete(by_kind["comment"])
    people = _erase_people(by_kind["account"], by_kind["guest"])
    _replay_account_erasures(erasures)
    ended = _matching_rows(Subscription.objects.all(), "created_at", by_kind["subscription"])
    subscriptions = end_subscriptions(Subscription.objects.filter(pk__in=ended))
    return ReplayedErasures(restricted, comments, people, revisions, subscriptions)


def log_all() -> int:
    """Add every erasure in the database that the erasure log lacks. Runs as a job.

    The log may lack some if the server stopped while it was written. Returns the number of additions.
    """
    return log_missing(_erasures_in_database())


def log_missing(erasures: Iterable[Erasure]) -> int:
    """Add the erasures that the log lacks, and return their number. Raises OSError."""
    known = {_key(erasure): (erasure.kind, erasure.spans) for erasure in erasure_log.read_all()}
    missing = [erasure for erasure in erasures if known.get(_key(erasure)) != (erasure.kind, erasure.spans)]
    erasure_log.append(missing)
    return len(missing)


def _key(erasure: Erasure) -> tuple[str, int, str]:
    """Return the key of an erasure. A restriction and its end have the same key."""
    return "sealed" if erasure.kind == "unsealed" else erasure.kind, erasure.id, erasure.made


def _erasures_in_database() -> Iterator[Erasure]:
    """Yield the erasures that are in effect in the database."""
    restricted = Restriction.objects.filter(lifted_at=None).select_related("comment")
    for restriction in (
        restricted.defer("comment__body", "comment__body_html").order_by("pk").iterator(BATCH_SIZE)
    ):
        yield restricted_content.restriction_erasure(restriction)
    erased = Comment.objects.exclude(erased_at=None).order_by("pk")
    rows = erased.values_list("pk", "created_at", "state", "state_reason")
    for pk, made, state, reason in rows.iterator(BATCH_SIZE):
        yield Erasure("comment", pk, made.isoformat(), state, reason)
    erased_users = User.objects.filter(name="", email__endswith="@invalid").order_by("pk")
    for pk, made in erased_users.values_list("pk", "date_joined").iterator(BATCH_SIZE):
        yield Erasure("account", pk, made.isoformat())
    for pk, made in Guest.objects.filter(name="").order_by("pk").values_list("pk", "created_at"):
        yield Erasure("guest", pk, made.isoformat())
    yield from redact.redaction_erasures()


def _restrict(erasures: Sequence[Erasure]) -> int:
    """Restrict these comments again, and return the number of those that changed."""
    groups: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    matching = _matching_rows(Comment.objects.filter(erased_at=None), "created_at", erasures)
    for pk, erasure in matching.items():
        why = erasure.reason if erasure.reason in Restriction.Why.values else Restriction.Why.OTHER
        groups[why, erasure.is_held].append(pk)
    count = 0
    for (why, is_legal_hold), ids in groups.items():
        result = restrictions.restrict(
            ids=ids, why=why, actor=None, is_legal_hold=is_legal_hold, notify=False
        )
        count += len(result.changed)
        if is_legal_hold:  # the legal hold may be newer than the restriction
            Restriction.objects.filter(comment__in=ids, lifted_at=None, is_legal_hold=False).update(
                is_legal_hold=True
            )
    return count


def _delete(erasures: Sequence[Erasure]) -> int:
    """Delete these comments permanently again, and return their number."""
    matching = _matching_rows(Comment.objects.filter(erased_at=None), "created_at", erasures)
    if not matching:
        return 0
    action = Action.objects.create(kind=Action.Kind.PURGE, parameters={"erased": len(matching)})
    lock_discussions_of(matching)
    groups: defaultdict[tuple[State, str], list[int]] = defaultdict(list)
    # These comments were removed only after the backup was made.
    not_removed = Comment.objects.filter(pk__in=matching, state__in=[State.PUBLISHED, State.PENDING])
    for pk in not_removed.values_list("pk", flat=True):
        state = State(matching[pk].state) if matching[pk].state in REMOVED_OR_DELETED else State.REJECTED
        groups[state, matching[pk].reason or Reason.OTHER].append(pk)
    for (state, reason), ids in groups.items():
        change_states(ids=ids, to=state, reason=reason, actor=None, action_id=action.pk)
    # A legal hold in the backup was ended before the texts were deleted.
    restricted_content.clear_texts(list(Restriction.objects.filter(comment__in=matching, lifted_at=None)))
    erased = erase_comments(ids=list(matching), at=action.at, include_restricted=True)
    purge.erase_related_data(erased)
    return len(erased)


def _erase_people(accounts: Sequence[Erasure], guests: Sequence[Erasure]) -> int:
    """Erase these people again, and return their number."""
    users = User.objects.exclude(name="", email__endswith="@invalid")
    people = [
        Person(user=user) for user in users.filter(pk__in=_matching_rows(users, "date_joined", accounts))
    ]
    named = Guest.objects.exclude(name="", email="")
    people += [
        Person(guest=guest) for guest in named.filter(pk__in=_matching_rows(named, "created_at", guests))
    ]
    for person in people:
        purge.erase_person(person=person, actor=None)
    return len(people)


def _replay_account_erasures(erasures: Sequence[Erasure]) -> None:
    """Store the account erasures that include the comments. A scheduled job then deletes the comments."""
    with_comments = [erasure for erasure in erasures if erasure.reason == account_erasure.WITH_COMMENTS]
    for kind, field, created_field, rows in (
        ("account", "user_id", "date_joined", User.objects.all()),
        ("guest", "guest_id", "created_at", Guest.objects.all()),
    ):
        for pk in _matching_rows(
            rows, created_field, [erasure for erasure in with_comments if erasure.kind == kind]
        ):
            AccountErasure.objects.get_or_create(**{field: pk}, defaults={"deletes_comments": True})
            # The backup may be older than the request to delete the comments, too.
            AccountErasure.objects.filter(**{field: pk}, finished_at=None, deletes_comments=False).update(
                deletes_comments=True
            )


def _matching_rows(
    rows: QuerySet[Model], created_field: str, erasures: Sequence[Erasure]
) -> dict[int, Erasure]:
    """Return by id the erasures whose id and creation time match a row."""
    matching: dict[int, Erasure] = {}
    for start in range(0, len(erasures), BATCH_SIZE):
        # An id may occur twice: after a restore, a new row can get the id of an erased one, and be erased.
        batch = {
            (erasure.id, datetime.fromisoformat(erasure.made)): erasure
            for erasure in erasures[start : start + BATCH_SIZE]
        }
        for pk, at in rows.filter(pk__in={pk for pk, _made in batch}).values_list("pk", created_field):
            if erasure := batch.get((pk, at)):
                matching[pk] = erasure
    return matching
