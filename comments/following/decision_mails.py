"""The choice of authors whether they get mails about decisions on their comments.

It is a follow of the kind "decisions", one for each account and for each browser of a guest. Several guests
can have the same e-mail, so the mails to an e-mail are stopped if one of those who confirmed it stopped them.
"""

from collections.abc import Collection

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

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


def ensure_rows(
    users: Collection[int], guests: Collection[int], *, delivery: str = DEFAULT_DELIVERY[KIND]
) -> None:
    """Add the rows that these people do not have, with this choice."""
    values = {"users": list(users), "guests": list(guests), "now": timezone.now()}
    execute(_ENSURE, values | {"kind": KIND.value, "delivery": str(delivery)})


def rows_of_emails(users: Collection[int], guests: Collection[int]) -> FollowQuerySet:
    """Return the rows of all people with the confirmed e-mail of one of these."""
    accounts = User.objects.active().annotate(lower_email=Lower("email"))
    confirmed = Guest.objects.reachable().annotate(lower_email=Lower("email"))
    emails = [
        *accounts.filter(pk__in=users).values_list("lower_email", flat=True),
        *confirmed.filter(pk__in=guests).values_list("lower_email", flat=True),
    ]
    of_account = Q(user__in=accounts.filter(lower_email__in=emails))
    return Follow.objects.filter(
        of_account | Q(guest__in=confirmed.filter(lower_email__in=emails)), kind=KIND
    ).select_related("user", "guest")


def are_stopped(user: int | None, guest: int | None) -> bool:
    """Return whether the mails to the e-mail of this person are stopped."""
    return rows_of_emails(_ids(user), _ids(guest)).exclude(delivery=Follow.Delivery.AT_ONCE).exists()


def stop(user: int | None, guest: int | None) -> None:
    """Stop the mails to the e-mail of this person."""
    ensure_rows(_ids(user), _ids(guest), delivery=Follow.Delivery.SITE)
    rows_of_emails(_ids(user), _ids(guest)).update(delivery=Follow.Delivery.SITE)


def _ids(pk: int | None) -> list[int]:
    return [pk] if pk else []
