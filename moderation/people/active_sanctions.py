"""What people are held to: whom each sanction holds, and what they are told of it.

It holds its account or its guest, a browser that was that guest, and whoever gives the same e-mail, but for
those who proved that e-mail where the sanctioned person has not: an e-mail that nobody proved is anybody's.
Why, and in which words, is told only to the person: not to somebody who typed an e-mail.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Guest, User
from comments import removal_reasons
from core.templatetags.dates import clock
from moderation.models import Sanction
from moderation.models.people import person_key

SILENCE = (Sanction.Kind.BAN, Sanction.Kind.PAUSE)  # what lets nobody write; the graver one is told
EMAIL_HELD = gettext_lazy(
    "Comments with this e-mail are not taken at the moment. If it is yours, sign up with it and confirm it: "
    "then you may write, or are told why not."
)

# Needs a query `asked` (author, guest, browser, email in lower case, is_proved: all of one who writes) and
# gives for each the sanctions in force. Each branch goes by an index of its own.
HELD = """
SELECT asked.author, asked.guest, s.id, s.kind, s.reason, s.until, s.words, s.is_own
FROM asked CROSS JOIN LATERAL (
  SELECT DISTINCT ON (id) * FROM (
    SELECT s.*, true AS is_own FROM moderation_sanction s WHERE s.user_id = asked.author
    UNION ALL
    SELECT s.*, true FROM moderation_sanction s WHERE s.guest_id IN (asked.guest, asked.browser)
    UNION ALL
    SELECT s.*, asked.is_proved
    FROM accounts_guest g JOIN moderation_sanction s ON s.guest_id = g.id
    WHERE lower(g.email) = asked.email AND asked.email <> ''
      AND (g.confirmed_at IS NOT NULL OR NOT asked.is_proved)
    UNION ALL
    SELECT s.*, asked.is_proved
    FROM accounts_user u JOIN moderation_sanction s ON s.user_id = u.id
    WHERE lower(u.email) = asked.email AND asked.email <> ''
      AND (NOT asked.is_proved OR EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = u.id
                                          AND e.verified AND upper(e.email) = upper(u.email)))) found
  WHERE ended_at IS NULL AND (until IS NULL OR until > now())
  ORDER BY id, is_own DESC) s"""

HELD_OF_SEVERAL = f"""
WITH asked AS (
  SELECT u.id AS author, NULL::bigint AS guest, NULL::bigint AS browser, lower(u.email) AS email,
         EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = u.id AND e.verified
                 AND upper(e.email) = upper(u.email)) AS is_proved
  FROM accounts_user u WHERE u.id = ANY(%(users)s)
  UNION ALL
  SELECT NULL, id, NULL, lower(email), confirmed_at IS NOT NULL
  FROM accounts_guest WHERE id = ANY(%(guests)s))
{HELD}"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A sanction in force on somebody who writes. `is_own`: it is told to them; else it holds an e-mail."""

    kind: str
    reason: str
    until: datetime | None
    words: str
    is_own: bool


def in_force(
    users: Iterable[int], guests: Iterable[int], *, told_only: bool = False
) -> dict[str, list[Sanction]]:
    """By key of a person ("u12", "g7"), what holds them now, the oldest first; two statements.

    `told_only`: without what holds them by an e-mail that is not proved to be theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute(HELD_OF_SEVERAL, {"users": list(users), "guests": list(guests)})
        rows = [
            (person_key(author, guest), pk)
            for author, guest, pk, *_, is_own in cursor.fetchall()
            if is_own or not told_only
        ]
    held: dict[str, list[Sanction]] = defaultdict(list)
    if rows:
        found = Sanction.objects.select_related("batch__actor").in_bulk({pk for _, pk in rows})
        for key, pk in sorted(rows, key=lambda row: row[1]):
            held[key].append(found[pk])
    return held


def read_held(rows: Iterable[dict[str, Any]] | None) -> list[Held]:
    """Of the rows of HELD as JSON."""
    return [
        Held(
            kind=row["kind"],
            reason=row["reason"],
            until=datetime.fromisoformat(row["until"]) if row["until"] else None,
            words=row["words"],
            is_own=row["is_own"],
        )
        for row in rows or []
    ]


def refuse(held: Sequence[Held]) -> None:
    """Raises ValidationError for who is paused or banned: what, until when, why, and the way to ask."""
    for kind in SILENCE:
        for sanction in sorted(held, key=lambda one: not one.is_own):
            if sanction.kind == kind:
                raise ValidationError(told(sanction), code="sanctioned")


def told(sanction: Held | Sanction) -> SafeString:
    """The same as `sentence`, as HTML, and where one asks for another look."""
    if isinstance(sanction, Held) and not sanction.is_own:
        return format_html("{}", EMAIL_HELD)
    way = _("Your standing, and how to ask for another look")
    # The form of a reply, in which this stands, would fetch the page into its own place.
    return format_html(
        '{} <a href="{}" hx-boost="false">{}</a>', sentence(sanction), reverse("standing"), way
    )


def sentence(sanction: Held | Sanction) -> str:
    """What a sanction says to the person, as plain text: You are paused from commenting until 3 March 2026,
    14:00 UTC. Why: insult. “Third time.”"""
    what = _what(sanction.kind, sanction.until)
    said = _("%(what)s Why: %(reason)s.") % {"what": what, "reason": removal_reasons.label(sanction.reason)}
    if not sanction.words:
        return said
    return _("%(said)s “%(words)s”") % {"said": said, "words": sanction.words}


def standing_of(user: User | None, guest: Guest | None) -> list[Sanction]:
    """What holds who reads, as far as it is told to them."""
    return holding(user, guest, told_only=True)


def is_email_silenced(user: User | None, guest: Guest | None) -> bool:
    """Whether their e-mail, which they have not proved, is not taken, for what is told to another."""
    return any(one.kind in SILENCE for one in holding(user, guest))


def holding(user: User | None, guest: Guest | None, *, told_only: bool = False) -> list[Sanction]:
    """`in_force` of one person: the account, else the guest, else nobody."""
    if user:
        return in_force([user.pk], [], told_only=told_only).get(person_key(user.pk, None), [])
    if guest:
        return in_force([], [guest.pk], told_only=told_only).get(person_key(None, guest.pk), [])
    return []


def _what(kind: str, until: datetime | None) -> str:
    if until:
        times = clock()
        when = f"{times.moment_words(until)} {times.zone_name(until)}"
        match kind:
            case Sanction.Kind.BAN:
                return _("You are banned from commenting until %(when)s.") % {"when": when}
            case Sanction.Kind.PAUSE:
                return _("You are paused from commenting until %(when)s.") % {"when": when}
            case Sanction.Kind.REVIEW:
                return _("Until %(when)s a moderator reads what you write before it is published.") % {
                    "when": when
                }
        return _("You were warned by a moderator.")
    match kind:
        case Sanction.Kind.BAN:
            return _("You are banned from commenting.")
        case Sanction.Kind.PAUSE:
            return _("You are paused from commenting.")
        case Sanction.Kind.REVIEW:
            return _("A moderator reads what you write before it is published.")
    return _("You were warned by a moderator.")
