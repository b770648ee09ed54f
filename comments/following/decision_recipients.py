"""The choice of authors whether they get mails about decisions on their comments.

It is a follow of the kind "decisions", one for each account and for each browser of a guest. Several guests
can have the same e-mail, so the mails to an e-mail are stopped if one of those who confirmed it stopped them.
"""

from collections.abc import Collection

from django.db.models import Q
from django.utils import timezone

from accounts.emails import filter_by_email
from accounts.models import Guest, User
from comments.models import DEFAULT_DELIVERY, Follow, FollowQuerySet
from core.database.sql import execute

KIND = Follow.Kind.DECISIONS

# A disabled account and a guest who is or will be erased get no row.
_ENSURE = """
INSERT INTO comments_follow
 (user_id, guest_id, kind, delivery, created_at, seen_at, mailed_at, failures)
SELECT u.id, NULL::bigint, %(kind)s, %(delivery)s, %(now)s, %(now)s, %(now)s, 0
FROM accounts_user u WHERE u.id = ANY(%(users)s::bigint[]) AND u.is_active
UNION ALL
SELECT NULL, g.id, %(kind)s, %(delivery)s, %(now)s, %(now)s, %(now)s, 0
FROM accounts_guest g WHERE g.id = ANY(%(guests)s::bigint[]) AND g.is_active AND g.name <> ''
ON CONFLICT DO NOTHING"""


def find_recipients(users: Collection[int], guests: Collection[int]) -> dict[str, Follow]:
    """Return those of these people who get the mails: one row of each e-mail, which is in lower case.

    People without a row get one, with the default choice.
    """
    _ensure_rows(users, guests, DEFAULT_DELIVERY[KIND])
    recipients: dict[str, Follow] = {}
    stopped = set[str]()
    for row in _rows_of_emails(users, guests):
        if person := row.user or row.guest:
            email = person.email.lower()
            recipients.setdefault(email, row)
            if row.delivery != Follow.Delivery.AT_ONCE:
                stopped.add(email)
    return {email: row for email, row in recipients.items() if email not in stopped}


def ensure_row(user: int | None, guest: int | None) -> None:
    """Store the default choice for a person who has no row."""
    _ensure_rows(_ids(user), _ids(guest), DEFAULT_DELIVERY[KIND])


def rows_of_person(user: int | None, guest: int | None) -> FollowQuerySet:
    """Return the rows of a person, and those of everybody with the same confirmed e-mail."""
    of_email = _rows_of_emails(_ids(user), _ids(guest))
    return Follow.objects.filter(Q(user=user, guest=guest) | Q(pk__in=of_email.values("pk")), kind=KIND)


def set_delivery(user: int | None, guest: int | None, delivery: str) -> None:
    """Set for a person, and for everybody with the same confirmed e-mail, whether they get the mails."""
    _ensure_rows(_ids(user), _ids(guest), delivery)
    rows = rows_of_person(user, guest)
    rows.update(delivery=delivery, delivery_before_stop="", delivery_before_own_stop="")


def are_stopped(user: int | None, guest: int | None) -> bool:
    """Return whether the mails to a person are stopped."""
    return rows_of_person(user, guest).exclude(delivery=Follow.Delivery.AT_ONCE).exists()


def _ensure_rows(users: Collection[int], guests: Collection[int], delivery: str) -> None:
    values = {"users": list(users), "guests": list(guests), "now": timezone.now()}
    execute(_ENSURE, values | {"kind": KIND.value, "delivery": str(delivery)})


def _rows_of_emails(users: Collection[int], guests: Collection[int]) -> FollowQuerySet:
    accounts, confirmed = User.objects.active(), Guest.objects.reachable()
    emails = [
        *accounts.filter(pk__in=users).values_list("email", flat=True),
        *confirmed.filter(pk__in=guests).values_list("email", flat=True),
    ]
    of_account = Q(user__in=filter_by_email(accounts, emails))
    of_guest = Q(guest__in=filter_by_email(confirmed, emails))
    return Follow.objects.filter(of_account | of_guest, kind=KIND).select_related("user", "guest")


def _ids(pk: int | None) -> list[int]:
    return [pk] if pk else []
