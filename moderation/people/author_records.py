"""The record of a comment's author: what moderators read about the person on the comment's card."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import UNDONE_REASONS, UNDONE_REASONS_SQL, Comment, Reason
from moderation import explanations
from moderation.models import ModeratorNote, Sanction
from moderation.people.active_sanctions import ACTIVE_SANCTIONS_OF_PEOPLE
from moderation.people.person_queries import PersonNumbers, counted_state, number_queries, parse_numbers
from moderation.people.profiles import Person, person_url
from moderation.screening import origins

ModelT = TypeVar("ModelT", bound=Model)

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
    AND c.state_reason NOT IN {UNDONE_REASONS_SQL}
  UNION ALL
  SELECT 'g' || g.id, c.state, c.discussion_id
  FROM signed s JOIN accounts_guest g ON g.name = s.author_name AND g.id IS DISTINCT FROM s.guest_id
  JOIN comments_comment c ON c.guest_id = g.id
  WHERE c.erased_at IS NULL AND c.state_reason <> '{Reason.RESTRICTED}'
    AND c.state_reason NOT IN {UNDONE_REASONS_SQL}),
seen AS (
  SELECT * FROM found
  WHERE %(article_ids)s::bigint[] IS NULL OR discussion_id = ANY(%(article_ids)s::bigint[]))
SELECT state, count(*) AS n, (SELECT count(DISTINCT person) FROM seen) AS people FROM seen GROUP BY state"""

_NOTES = """
SELECT id FROM moderation_moderatornote
WHERE comment_id = ANY(%(ids)s) OR user_id = ANY(%(users)s) OR guest_id = ANY(%(guests)s)"""

# As in person_queries, this reads all comments of the source.
_NOTES_OF_IMPORTED = f"""
SELECT n.id FROM comments_comment i
JOIN comments_comment c ON c.source = i.source AND c.author_name = i.author_name
  AND c.source <> ''  -- the condition of the index
JOIN moderation_moderatornote n ON n.comment_id = c.id
WHERE i.id = ANY(%(imported)s) AND c.author_id IS NULL AND c.guest_id IS NULL AND c.erased_at IS NULL
  AND c.state_reason <> '{Reason.RESTRICTED}'"""


@dataclass(frozen=True)
class AuthorRecord:
    """The author of one comment, as moderators know them."""

    url: str  # of the person's profile
    numbers: PersonNumbers  # these count the comment itself, too
    other_comments: Counter[str]  # number of the person's other comments by counted_state
    sanctions: list[Sanction]  # active ones, also through the same e-mail
    same_name: int  # number of other people with the same name; they may be different persons
    same_name_states: str  # the comments of these others: "2 published, 1 spam"
    short_ip_hash: str  # of the comment's IP address, while its hash is kept; else ""
    other_names_at_address: list[str]  # names of others with that IP address, the latest first
    other_count_at_address: int  # number of these others, among MAX_COMMENTS_SEARCHED_PER_IP comments
    notes: list[ModeratorNote]  # on the comment and on the person, the oldest first

    @property
    def is_first(self) -> bool:
        """Return whether the person has no other comment."""
        return not +self.other_comments

    @property
    def states_text(self) -> str:
        """Return the other comments in words, such as "3 published, 1 removed"; empty if there are none."""
        return explanations.describe_state_counts(self.other_comments)

    @property
    def reports_received_text(self) -> str:
        """Return a sentence with the number of reports about their comments."""
        text = ngettext(
            "Their comments were reported once.",
            "Their comments were reported %(n)s times.",
            self.numbers.reports_received,
        )
        return text % {"n": f"{self.numbers.reports_received:,}"}

    @property
    def reports_sent_text(self) -> str:
        """Return a sentence with the number of comments that they reported."""
        count = self.numbers.reports_sent
        text = ngettext("They reported one comment.", "They reported %(n)s comments.", count)
        return text % {"n": f"{count:,}"}

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
        "max_comments": origins.MAX_COMMENTS_SEARCHED_PER_IP,
    }
    queries = number_queries(values["imported"]) | {
        "sanctions": ACTIVE_SANCTIONS_OF_PEOPLE,
        "same_name": _SAME_NAME,
        "addresses": origins.PEOPLE_BY_ADDRESS_SQL,
        "notes": f"{_NOTES} UNION {_NOTES_OF_IMPORTED}" if values["imported"] else _NOTES,
    }
    return queries, values


def parse_record(comment: Comment, found: dict[str, list[dict[str, Any]]]) -> AuthorRecord:
    """Return the facts about the author of a comment from the rows of `record_queries`.

    Sanctions and notes, which few people have, take a statement each.
    """
    person = Person.of(comment)
    numbers = parse_numbers(found)
    ip_hash, people_there = origins.parse_people_by_address(found["addresses"]).get(comment.pk, ("", {}))
    is_counted = comment.state_reason not in UNDONE_REASONS
    others = {other: name for other, name in people_there.items() if other != person.key}
    return AuthorRecord(
        url=person_url(person.key),
        numbers=numbers,
        other_comments=numbers.states - Counter([counted_state(comment)] if is_counted else []),
        sanctions=_fetch_by_id(Sanction.objects.order_by("pk"), found["sanctions"]),
        same_name=found["same_name"][0]["people"] if found["same_name"] else 0,
        same_name_states=explanations.describe_state_counts(
            {row["state"]: row["n"] for row in found["same_name"]}
        ),
        short_ip_hash=origins.shorten_hash(ip_hash),
        other_names_at_address=list(dict.fromkeys(others.values())),
        other_count_at_address=len(others),
        notes=_fetch_by_id(ModeratorNote.objects.select_related("by"), found["notes"]),
    )


def _fetch_by_id(instances: QuerySet[ModelT], rows: list[dict[str, Any]]) -> list[ModelT]:
    """Return the instances with the ids in these rows. Takes a statement only if there are any."""
    return list(instances.filter(pk__in=[row["id"] for row in rows])) if rows else []
