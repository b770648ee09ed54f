"""Active sanctions: which people a sanction applies to, and the sentences that explain it to them.

It applies to its account or guest, to a browser that was that guest, and to everyone who gives the same
e-mail. If the sanctioned person did not confirm that e-mail, it does not apply to people who did, since an
unconfirmed e-mail may belong to anyone. The reason and the moderator's message are shown only to the
sanctioned person, not to someone who typed the e-mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.emails import EMAIL_IS_CONFIRMED
from accounts.models import Guest, User
from comments import removal_reasons
from core.database.sql import fetch_rows
from core.dates.formats import time_formatter
from moderation.models import Sanction

SILENCING_KINDS = (Sanction.Kind.BAN, Sanction.Kind.PAUSE)  # the most severe first, which is the one shown
EMAIL_REFUSED = gettext_lazy(
    "Comments with this e-mail are not accepted at the moment. If it is your e-mail, sign up with it and "
    "confirm it. Then you can comment, or you can see why not."
)

# Returns the sanctions of people that meet a condition. It needs a query `queried` with one row for each
# person: author, guest, browser, email in lower case, is_confirmed. Each branch uses its own index.
SANCTIONS = f"""
SELECT s.id, s.kind, s.reason, s.until, s.message, s.is_own
FROM queried CROSS JOIN LATERAL (
  SELECT DISTINCT ON (id) * FROM (
    SELECT s.*, true AS is_own FROM moderation_sanction s WHERE s.user_id = queried.author
    UNION ALL
    SELECT s.*, true FROM moderation_sanction s WHERE s.guest_id IN (queried.guest, queried.browser)
    UNION ALL
    SELECT s.*, queried.is_confirmed
    FROM accounts_guest g JOIN moderation_sanction s ON s.guest_id = g.id
    WHERE lower(g.email) = queried.email AND queried.email <> ''
      AND (g.confirmed_at IS NOT NULL OR NOT queried.is_confirmed)
    UNION ALL
    SELECT s.*, queried.is_confirmed
    FROM accounts_user u JOIN moderation_sanction s ON s.user_id = u.id
    WHERE lower(u.email) = queried.email AND queried.email <> ''
      AND (NOT queried.is_confirmed
           OR EXISTS (SELECT FROM account_emailaddress e WHERE {EMAIL_IS_CONFIRMED}))) found
  WHERE %s
  ORDER BY id, is_own DESC) s"""
IS_ACTIVE = "ended_at IS NULL AND (until IS NULL OR until > now())"
# The answer to an appeal is shown for three months, not forever.
ENDED_AFTER_APPEAL = f"""appealed_at IS NOT NULL AND answered_at IS NULL AND NOT ({IS_ACTIVE})
AND coalesce(ended_at, until) > now() - interval '90 days'"""
ACTIVE_SANCTIONS = SANCTIONS % IS_ACTIVE

PEOPLE = f"""
WITH queried AS (
  SELECT u.id AS author, NULL::bigint AS guest, NULL::bigint AS browser, lower(u.email) AS email,
         EXISTS (SELECT FROM account_emailaddress e WHERE {EMAIL_IS_CONFIRMED}) AS is_confirmed
  FROM accounts_user u WHERE u.id = ANY(%(users)s)
  UNION ALL
  SELECT NULL, id, NULL, lower(email), confirmed_at IS NOT NULL
  FROM accounts_guest WHERE id = ANY(%(guests)s))"""
ACTIVE_SANCTIONS_OF_PEOPLE = PEOPLE + ACTIVE_SANCTIONS
ALL_SANCTIONS_OF_PEOPLE = PEOPLE + SANCTIONS % "true"
SANCTIONS_OF_PEOPLE_ENDED_AFTER_APPEAL = PEOPLE + SANCTIONS % ENDED_AFTER_APPEAL


@dataclass(frozen=True, kw_only=True)
class ActiveSanction:
    """An active sanction that applies to the author of a comment.

    With `is_own` the author is the sanctioned person. Otherwise only the e-mail is the same.
    """

    kind: str
    reason: str
    until: datetime | None
    message: str
    is_own: bool


def parse_active_sanctions(rows: Iterable[dict[str, Any]] | None) -> list[ActiveSanction]:
    """Return the active sanctions from the JSON rows of the SQL query above."""
    return [
        ActiveSanction(
            kind=row["kind"],
            reason=row["reason"],
            until=datetime.fromisoformat(row["until"]) if row["until"] else None,
            message=row["message"],
            is_own=row["is_own"],
        )
        for row in rows or []
    ]


def refuse_paused_or_banned(sanctions: Sequence[ActiveSanction]) -> None:
    """Raise ValidationError if a sanction pauses or bans the author.

    The message explains it and names the way to appeal.
    """
    for kind in SILENCING_KINDS:
        for sanction in sorted(sanctions, key=lambda sanction: not sanction.is_own):
            if sanction.kind == kind:
                raise ValidationError(sanction_html_with_link(sanction), code="sanctioned")


def sanction_html_with_link(sanction: ActiveSanction | Sanction) -> SafeString:
    """Return the text of a sanction as HTML, with a link to the account status."""
    if isinstance(sanction, ActiveSanction) and not sanction.is_own:
        return format_html("{}", EMAIL_REFUSED)
    link = _("Account status, and how to appeal")
    # Without hx-boost="false" a reply form that shows this would load the page into itself.
    return format_html(
        '{} <a href="{}" hx-boost="false">{}</a>', sanction_html(sanction), reverse("account-status"), link
    )


def sanction_html(sanction: ActiveSanction | Sanction) -> SafeString:
    """Return the text of a sanction as HTML, in which the message has the direction of its own letters."""
    message = format_html("<bdi>{}</bdi>", sanction.message) if sanction.message else ""
    return mark_safe(_with_message(escape(_sentence_and_reason(sanction)), message))  # noqa: S308  # escaped


def sanction_text(sanction: ActiveSanction | Sanction) -> str:
    """Return the text of a sanction for the sanctioned person, without HTML.

    An example: You are paused from commenting until 3 March 2026, 14:00 UTC. Reason: insult. “Third time.”
    """
    return _with_message(_sentence_and_reason(sanction), sanction.message)


def _with_message(text: str, message: str) -> str:
    return _("%(text)s “%(message)s”") % {"text": text, "message": message} if message else text


def _sentence_and_reason(sanction: ActiveSanction | Sanction) -> str:
    return _("%(sentence)s Reason: %(reason)s.") % {
        "sentence": _kind_sentence(sanction.kind, sanction.until),
        "reason": removal_reasons.label(sanction.reason),
    }


def own_sanctions(user: User | None, guest: Guest | None) -> list[Sanction]:
    """Return the active sanctions that are shown to this account or guest."""
    return sanctions_of(user, guest, own_only=True)


def is_email_blocked(user: User | None, guest: Guest | None) -> bool:
    """Return whether a pause or a ban applies to this account or guest, be it only through the e-mail."""
    return any(sanction.kind in SILENCING_KINDS for sanction in sanctions_of(user, guest))


def sanctions_of(user: User | None, guest: Guest | None, *, own_only: bool = False) -> list[Sanction]:
    """Return the active sanctions of the account, or else of the guest, the oldest first.

    `own_only` leaves out sanctions that apply only through an unconfirmed e-mail.
    """
    return _find_sanctions(ACTIVE_SANCTIONS_OF_PEOPLE, user, guest, own_only=own_only)


def all_own_sanctions(user: User | None, guest: Guest | None) -> list[Sanction]:
    """Return the sanctions that are or were shown to this account or guest, with those that have ended."""
    return _find_sanctions(ALL_SANCTIONS_OF_PEOPLE, user, guest, own_only=True)


def ended_after_appeal(user: User | None, guest: Guest | None) -> list[Sanction]:
    """Return the sanctions that ended while the appeal of this account or guest was open."""
    return _find_sanctions(SANCTIONS_OF_PEOPLE_ENDED_AFTER_APPEAL, user, guest, own_only=True)


def _find_sanctions(query: str, user: User | None, guest: Guest | None, *, own_only: bool) -> list[Sanction]:
    """Return the sanctions that a query finds for the account, or else for the guest, the oldest first."""
    if user is None and guest is None:
        return []
    people = {"users": [user.pk] if user else [], "guests": [guest.pk] if guest and not user else []}
    found = fetch_rows(query, people)
    ids = [pk for pk, *_values, is_own in found if is_own or not own_only]
    if not ids:
        return []
    return list(Sanction.objects.select_related("action__actor").filter(pk__in=ids).order_by("pk"))


def _kind_sentence(kind: str, until: datetime | None) -> str:
    if until:
        times = time_formatter()
        when = f"{times.moment_text(until)} {times.zone_name(until)}"
        texts = {
            Sanction.Kind.BAN: _("You are banned from commenting until %(when)s."),
            Sanction.Kind.PAUSE: _("You are paused from commenting until %(when)s."),
            Sanction.Kind.REVIEW: _("Until %(when)s your comments are reviewed before they are published."),
        }
    else:
        when = ""
        texts = {
            Sanction.Kind.BAN: _("You are banned from commenting."),
            Sanction.Kind.PAUSE: _("You are paused from commenting."),
            Sanction.Kind.REVIEW: _("Your comments are reviewed before they are published."),
        }
    text = texts.get(Sanction.Kind(kind), _("You were warned by a moderator."))
    return text % {"when": when}
