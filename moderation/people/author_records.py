"""The record of a comment's author: what moderators read about the person on the comment's card."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import ngettext

from accounts.models import User
from comments.models import UNDONE_REASONS, UNDONE_SQL, Comment, Reason
from moderation.models import ModeratorNote, Sanction
from moderation.people.active_sanctions import ACTIVE_SANCTIONS_OF_PEOPLE
from moderation.people.person_queries import counted_state, number_queries, parse_numbers
from moderation.people.profiles import Person, person_url
from moderation.queue import explanations
from moderation.screening import origins

# The query goes through the indexed names of accounts and guests. The names of comments have no index, since
# every change of a state would have to update it.
_SAME_NAME = f"""
WITH signed AS MATERIALIZED (
  SELECT author_name, author_id, guest_id FROM comments_comment
  WHERE id = ANY(%(ids)s) AND author_name <> ''),
found AS (
  SELECT 'u' || u.id AS person, c.state, c.discussion_id
  FROM signed s JOIN accounts_user u ON u.name = s.author_name AND u.id IS DISTINCT FROM s.author_id
  JOIN comments_comment c ON c.author_id = u.id
  WHERE c.erased_at IS NULL AND c.state_reason <> '{Reason.RESTRICTED}'
    AND c.state_reason NOT IN {UNDONE_SQL}
  UNION ALL
  SELECT 'g' || g.id, c.state, c.discussion_id
  FROM signed s JOIN accounts_guest g ON g.name = s.author_name AND g.id IS DISTINCT FROM s.guest_id
  JOIN comments_comment c ON c.guest_id = g.id
  WHERE c.erased_at IS NULL AND c.state_reason <> '{Reason.RESTRICTED}'
    AND c.state_reason NOT IN {UNDONE_SQL}),
seen AS (
  SELECT * FROM found
  WHERE %(stories)s::bigint[] IS NULL OR discussion_id = ANY(%(stories)s::bigint[]))
SELECT state, count(*) AS n, (SELECT count(DISTINCT person) FROM seen) AS people FROM seen GROUP BY state"""

_NOTES = """
SELECT id FROM moderation_moderatornote
WHERE comment_id = ANY(%(ids)s) OR user_id = ANY(%(users)s) OR guest_id = ANY(%(guests)s)"""


@dataclass(frozen=True)
class AuthorRecord:
    """The author of one comment, as moderators know them. The numbers leave out that comment."""

    url: str  # of the person's profile
    since: datetime | None  # when they joined or first commented
    states: Counter[str] = field(default_factory=Counter)  # number of comments by counted_state
    reports_received: int = 0  # reports of their comments, including those of illegal content
    reports_sent: int = 0
    sanctions: list[Sanction] = field(default_factory=list)  # active ones, also through the same e-mail
    same_email: list[str] = field(default_factory=list)  # names of others with the same confirmed e-mail
    same_name: int = 0  # number of other people with the same name; they may be different persons
    same_name_states: str = ""  # the comments of these others: "2 published, 1 spam"
    ip: str = ""  # a short form of the hash of the comment's IP address, while it is kept
    same_ip: list[str] = field(default_factory=list)  # names of others at that address, the latest first
    people_at_ip: int = 0  # number of these others, among the last origins.MAX_COMMENTS_PER_ADDRESS comments
    # Notes on the comment and on the person, the oldest first.
    notes: list[ModeratorNote] = field(default_factory=list)

    @property
    def is_first(self) -> bool:
        """Return whether the person has no other comment."""
        return not +self.states

    @property
    def states_text(self) -> str:
        """Return the other comments in words, such as "3 published, 1 removed"; empty if there are none."""
        return explanations.describe_state_counts(self.states)

    @property
    def reports_received_text(self) -> str:
        """Return a sentence with the number of reports about their comments."""
        text = ngettext(
            "Their comments were reported once.",
            "Their comments were reported %(n)s times.",
            self.reports_received,
        )
        return text % {"n": f"{self.reports_received:,}"}

    @property
    def reports_sent_text(self) -> str:
        """Return a sentence with the number of comments that they reported."""
        text = ngettext("They reported one comment.", "They reported %(n)s comments.", self.reports_sent)
        return text % {"n": f"{self.reports_sent:,}"}

    @property
    def same_name_text(self) -> str:
        """Return a sentence with the number of other authors of the same name, and their comments."""
        text = ngettext(
            "One other author used the same name (%(comments)s) and may be a different person.",
            "%(n)s other authors used the same name (%(comments)s) and may be different people.",
            self.same_name,
        )
        return text % {"n": f"{self.same_name:,}", "comments": self.same_name_states}


def record_queries(comment: Comment, user: User) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the queries for the record of a comment's author and their values, for fetch_together.

    `parse_record` reads their rows. An editor sees other people with the same name, e-mail or IP address only
    if these commented under the editor's own articles, which takes a statement.
    """
    values = {
        **Person.of(comment).query_values(user),
        "ids": [comment.pk],
        "max_comments": origins.MAX_COMMENTS_PER_ADDRESS,
    }
    queries = number_queries(values["imported"]) | {
        "sanctions": ACTIVE_SANCTIONS_OF_PEOPLE,
        "same_name": _SAME_NAME,
        "addresses": origins.PEOPLE_BY_ADDRESS_SQL,
        "notes": _NOTES,
    }
    return queries, values


def parse_record(comment: Comment, found: dict[str, list[dict[str, Any]]]) -> AuthorRecord:
    """Return what is known about the author of a comment from the rows of `record_queries`.

    Sanctions and notes, which few people have, take a statement each.
    """
    person = Person.of(comment)
    numbers = parse_numbers(found)
    ip, people_there = origins.parse_people_by_address(found["addresses"]).get(comment.pk, ("", {}))
    is_counted = comment.state_reason not in UNDONE_REASONS
    others = {other: name for other, name in people_there.items() if other != person.key}
    return AuthorRecord(
        url=person_url(person.key),
        since=numbers.since,
        states=numbers.states - Counter([counted_state(comment)] if is_counted else []),
        reports_received=numbers.reports_received,
        reports_sent=numbers.reports_sent,
        sanctions=_sanctions(found["sanctions"]),
        same_email=[name for _other, name in numbers.same_email],
        same_name=found["same_name"][0]["people"] if found["same_name"] else 0,
        same_name_states=explanations.describe_state_counts(
            {row["state"]: row["n"] for row in found["same_name"]}
        ),
        ip=origins.shorten_hash(ip),
        same_ip=list(dict.fromkeys(others.values())),
        people_at_ip=len(others),
        notes=_notes(found["notes"]),
    )


def _sanctions(rows: list[dict[str, Any]]) -> list[Sanction]:
    """Return the sanctions that were found, the oldest first."""
    return list(Sanction.objects.filter(pk__in=[row["id"] for row in rows]).order_by("pk")) if rows else []


def _notes(rows: list[dict[str, Any]]) -> list[ModeratorNote]:
    """Return the notes that were found, the oldest first."""
    notes = ModeratorNote.objects.select_related("by")
    return list(notes.filter(pk__in=[row["id"] for row in rows])) if rows else []
