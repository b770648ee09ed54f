"""SQL queries about people, shared by profiles and the records of authors, and their results by person key.

Their parameters are lists of keys: `users`, `guests`, `imported` (comments that stand for imported names) and
`article_ids` (NULL for all). core.database.sql.fetch_together reads several of them in one statement.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.emails import EMAIL_IS_CONFIRMED
from comments.models import UNDONE_REASONS_SQL, Comment, Reason

# Restricted comments are removed ones, but no page lists them, so they are counted under their reason.
_COUNTED_STATE = f"CASE state_reason WHEN '{Reason.RESTRICTED}' THEN state_reason ELSE state END"
# Comments whose posting or import was undone (UNDONE_REASONS_SQL) are not counted: nobody deleted them.
_STATES = f"""
SELECT 'u' || author_id AS person, {_COUNTED_STATE} AS state, count(*) AS n, min(created_at) AS first
FROM comments_comment WHERE author_id = ANY(%(users)s) AND state_reason NOT IN {UNDONE_REASONS_SQL}
GROUP BY author_id, 2
UNION ALL
SELECT 'g' || guest_id, {_COUNTED_STATE}, count(*), min(created_at)
FROM comments_comment
WHERE guest_id = ANY(%(guests)s) AND author_id IS NULL AND state_reason NOT IN {UNDONE_REASONS_SQL}
GROUP BY guest_id, 2
UNION ALL
SELECT 'u' || id, NULL, 0, date_joined FROM accounts_user WHERE id = ANY(%(users)s)
UNION ALL
SELECT 'g' || id, NULL, 0, created_at FROM accounts_guest WHERE id = ANY(%(guests)s)"""

# Names of comments have no index, so this reads all comments of the source.
_STATES_OF_IMPORTED = f"""
SELECT 'i' || i.id AS person, c.state, count(*) AS n, min(c.created_at) AS first
FROM comments_comment i JOIN comments_comment c ON c.source = i.source AND c.author_name = i.author_name
  AND c.source <> ''  -- the condition of the index
WHERE i.id = ANY(%(imported)s) AND c.author_id IS NULL AND c.guest_id IS NULL AND c.erased_at IS NULL
  AND c.state_reason <> '{Reason.RESTRICTED}' AND c.state_reason NOT IN {UNDONE_REASONS_SQL}
GROUP BY i.id, c.state"""

# Grouped in the database, since thousands of one person's comments may be reported.
_REPORTS = """
WITH theirs AS (
  SELECT id, 'u' || author_id AS person FROM comments_comment WHERE author_id = ANY(%(users)s)
  UNION ALL
  SELECT id, 'g' || guest_id FROM comments_comment WHERE guest_id = ANY(%(guests)s) AND author_id IS NULL
  UNION ALL
  SELECT id, 'i' || id FROM comments_comment WHERE id = ANY(%(imported)s))
SELECT person, 'report' AS kind, count(*) AS n
FROM theirs JOIN moderation_report r ON r.comment_id = theirs.id GROUP BY person
UNION ALL
SELECT person, 'illegal', count(*)
FROM theirs JOIN moderation_illegalcontentreport r ON r.comment_id = theirs.id GROUP BY person
UNION ALL
SELECT 'u' || user_id, 'sent', count(*) FROM moderation_report WHERE user_id = ANY(%(users)s) GROUP BY user_id
UNION ALL
SELECT 'g' || guest_id, 'sent', count(*)
FROM moderation_report WHERE guest_id = ANY(%(guests)s) GROUP BY guest_id"""

_SAME_EMAIL = f"""
WITH confirmed AS (
  SELECT 'u' || u.id AS key, lower(u.email) AS email FROM accounts_user u
  JOIN account_emailaddress e ON {EMAIL_IS_CONFIRMED}
  WHERE u.id = ANY(%(users)s)
  UNION
  SELECT 'g' || id, lower(email) FROM accounts_guest WHERE id = ANY(%(guests)s) AND confirmed_at IS NOT NULL)
SELECT p.key AS person, 'g' || g.id AS other, g.name FROM confirmed p
JOIN accounts_guest g ON lower(g.email) = p.email
WHERE g.confirmed_at IS NOT NULL AND 'g' || g.id <> p.key AND (%(article_ids)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.guest_id = g.id AND c.discussion_id = ANY(%(article_ids)s::bigint[])))
UNION
SELECT p.key, 'u' || u.id, u.name FROM confirmed p JOIN accounts_user u ON lower(u.email) = p.email
JOIN account_emailaddress e ON {EMAIL_IS_CONFIRMED}
WHERE 'u' || u.id <> p.key AND (%(article_ids)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.author_id = u.id AND c.discussion_id = ANY(%(article_ids)s::bigint[])))
ORDER BY 1, 3"""


def counted_state(comment: Comment) -> str:
    """Return the State of a comment, or Reason.RESTRICTED."""
    return comment.state_reason if comment.state_reason == Reason.RESTRICTED else comment.state


def state_queries(imported: Sequence[int]) -> dict[str, str]:
    """Return the queries for the states of people's comments. `parse_states` reads their rows."""
    return {"states": _STATES} | ({"imported_states": _STATES_OF_IMPORTED} if imported else {})


def number_queries(imported: Sequence[int]) -> dict[str, str]:
    """Return the queries for everything in PersonNumbers."""
    return {**state_queries(imported), "reports": _REPORTS, "same_email": _SAME_EMAIL}


@dataclass(frozen=True)
class PersonNumbers:
    """Numbers of one person's comments and reports, and others with the same e-mail."""

    states: Counter[str]  # number of comments by counted_state
    since: datetime | None  # when they joined or first commented
    reports_received: int  # including those of illegal content
    illegal_reports: int
    reports_sent: int
    # (key, name) of others with the same confirmed e-mail; with `article_ids`, only of those who commented
    # under one of these articles
    same_email: list[tuple[str, str]]


def parse_states(
    found: dict[str, list[dict[str, Any]]],
) -> tuple[dict[str, Counter[str]], dict[str, datetime]]:
    """Return by person key the number of comments by state, and when the person joined or first commented."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    since: dict[str, datetime] = {}
    for row in found["states"] + found.get("imported_states", []):
        key, first = row["person"], datetime.fromisoformat(row["first"])
        if row["state"] is not None:
            states[key][row["state"]] += row["n"]
        since[key] = min(first, since.get(key, first))
    return states, since


def parse_numbers(found: dict[str, list[dict[str, Any]]]) -> PersonNumbers:
    """Return the numbers of the one person in the rows of `number_queries`."""
    states, since = parse_states(found)
    reports = Counter({row["kind"]: row["n"] for row in found["reports"]})
    return PersonNumbers(
        states=next(iter(states.values()), Counter()),
        since=next(iter(since.values()), None),
        reports_received=reports["report"] + reports["illegal"],
        illegal_reports=reports["illegal"],
        reports_sent=reports["sent"],
        same_email=[(row["other"], row["name"] or _("Anonymous")) for row in found["same_email"]],
    )
