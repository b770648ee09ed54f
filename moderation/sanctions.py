"""What people are held to: imposed, ended and asked about, and whom each of it holds.

A sanction holds its account or its guest, a browser that was that guest, and whoever gives the same e-mail,
but for those who proved that e-mail where the sanctioned person has not: an e-mail that nobody proved is
anybody's.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from moderation.models import Sanction

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
    SELECT s.*, g.confirmed_at IS NOT NULL
    FROM accounts_guest g JOIN moderation_sanction s ON s.guest_id = g.id
    WHERE lower(g.email) = asked.email AND (g.confirmed_at IS NOT NULL OR NOT asked.is_proved)
    UNION ALL
    SELECT s.*, p.is_proved
    FROM accounts_user u
    CROSS JOIN LATERAL (
      SELECT EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = u.id AND e.verified
                     AND upper(e.email) = upper(u.email)) AS is_proved) p
    JOIN moderation_sanction s ON s.user_id = u.id
    WHERE lower(u.email) = asked.email AND (p.is_proved OR NOT asked.is_proved)) found
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


def in_force(users: Iterable[int], guests: Iterable[int]) -> dict[str, list[Sanction]]:
    """By key of a person ("u12", "g7"), what holds them now, the oldest first; two statements."""
    with connection.cursor() as cursor:
        cursor.execute(HELD_OF_SEVERAL, {"users": list(users), "guests": list(guests)})
        rows = [(f"u{row[0]}" if row[0] else f"g{row[1]}", row[2]) for row in cursor.fetchall()]
    found = Sanction.objects.select_related("user", "guest", "batch__actor").in_bulk({pk for _, pk in rows})
    held: dict[str, list[Sanction]] = defaultdict(list)
    for key, pk in sorted(rows, key=lambda row: row[1]):
        held[key].append(found[pk])
    return held
