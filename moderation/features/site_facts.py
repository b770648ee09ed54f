"""Facts that the site knows about a comment, apart from its text: one statement for each comment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR

MAX_NAMES = 200  # latest comments of the discussion whose names are compared for imitation
DAY = timedelta(days=1)  # period for several names from one IP address, and for many links to one host
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")  # a host that the word index holds as one word
MAX_HOST_BYTES = 253  # the longest valid host name
MAX_HOSTS = 20  # hosts of one comment
# Comments that link to one host and are read. A host with more is a well-known one, and no signal.
MAX_COMMENTS_PER_HOST = 1_000
MAX_COMMENTS_COUNTED_PER_IP = 50  # latest comments from one IP address, whose names are counted
MAX_RECENT_NAMES = 100  # latest comments of the site whose names are compared with an unusual name


@dataclass(frozen=True)
class SiteFacts:
    """Facts about a comment and its surroundings, in the order of the columns of SITE_FACTS_SQL."""

    spam_hosts: Sequence[str] = ()  # its linked hosts that spam has linked to
    burst_hosts: Sequence[str] = ()  # its linked hosts that two or more others linked to within a day
    staff: Sequence[str] = ()  # names of administrators, editors and moderators
    names: Sequence[str] = ()  # names of other people in the discussion
    names_at_address: int = 0  # other names used from its IP address within a day
    recent_names: Sequence[str] = ()  # names of other recent writers; read for an unusual name only
    article: str = ""  # text of the article


# The word index holds a host as it was written, with www. or without. The words are looked up first and the
# comments by their ids, even if the planner would choose otherwise on a new connection.
_LINKING_SQL = f"""
SELECT host, c.* FROM unnest(%(hosts)s::text[]) AS host
CROSS JOIN LATERAL (
  WITH linking AS MATERIALIZED (
    SELECT comment_id FROM comments_commenttext
    WHERE vector @@ (quote_literal(host) || '|' || quote_literal('www.' || host))::tsquery)
  SELECT comment_id FROM linking LIMIT {MAX_COMMENTS_PER_HOST}) t
CROSS JOIN LATERAL (
  SELECT id, state, created_at, lower(author_name) AS author
  FROM comments_comment WHERE id = t.comment_id LIMIT 1) c"""
_ADDRESS_NAMES_SQL = f"""
SELECT count(DISTINCT c.author) FROM (
  SELECT comment_id FROM moderation_origin
  WHERE ip_hash = %(ip_hash)s AND at > %(since)s ORDER BY at DESC LIMIT {MAX_COMMENTS_COUNTED_PER_IP}) o
CROSS JOIN LATERAL (
  SELECT lower(author_name) AS author FROM comments_comment WHERE id = o.comment_id LIMIT 1) c
WHERE c.author <> lower(%(name)s)"""
_RECENT_NAMES_SQL = f"""
SELECT DISTINCT c.author FROM (
  SELECT comment_id FROM moderation_origin
  WHERE %(is_unusual_name)s AND at > %(since)s ORDER BY at DESC LIMIT {MAX_RECENT_NAMES}) o
CROSS JOIN LATERAL (
  SELECT author_name AS author FROM comments_comment WHERE id = o.comment_id AND id <> %(exclude)s LIMIT 1) c
WHERE lower(c.author) <> lower(%(name)s)"""
# The last column is Article.full_text.
SITE_FACTS_SQL = f"""
WITH linking AS MATERIALIZED ({_LINKING_SQL})
SELECT ARRAY(SELECT DISTINCT host FROM linking WHERE state = 'spam'),
       ARRAY(SELECT host FROM linking
             WHERE created_at BETWEEN %(since)s AND %(at)s AND id <> %(exclude)s AND author <> lower(%(name)s)
             GROUP BY host HAVING count(DISTINCT author) >= 2),
       ARRAY(SELECT DISTINCT u.name FROM accounts_user u
             JOIN accounts_user_groups m ON m.user_id = u.id JOIN auth_group g ON g.id = m.group_id
             WHERE u.is_active AND u.name <> '' AND u.id IS DISTINCT FROM %(author)s::bigint
               AND g.name = ANY(%(staff)s::text[])),
       ARRAY(SELECT DISTINCT author_name FROM (
               SELECT author_name FROM comments_comment
               WHERE discussion_id = %(article)s AND state = 'published' AND id <> %(exclude)s
                 AND (author_id IS NULL OR author_id IS DISTINCT FROM %(author)s::bigint)
                 AND (guest_id IS NULL OR guest_id IS DISTINCT FROM %(guest)s::bigint)
               ORDER BY created_at DESC, id DESC LIMIT {MAX_NAMES}) c),
       ({_ADDRESS_NAMES_SQL}),
       ARRAY({_RECENT_NAMES_SQL}),
       (SELECT standfirst || E'\\n' || body FROM articles_article WHERE id = %(article)s)"""


def site_facts_values(
    *,
    article: int,
    at: datetime,
    hosts: Sequence[str],
    name: str,
    is_unusual_name: bool,
    author: int | None,
    guest: int | None,
    ip_hash: bytes | None,
    exclude: int | None = None,
) -> dict[str, Any]:
    """Return the parameters of SITE_FACTS_SQL for a comment of this account or guest, posted at this time.

    `exclude`: the comment's own id, if it is stored; `is_unusual_name`: whether its name has an unusual
    shape, so that recent names are needed for comparison.
    """
    return {
        "article": article,
        "at": at,
        "is_unusual_name": is_unusual_name,
        "hosts": [host for host in hosts if _is_host(host)][:MAX_HOSTS],
        "name": name,
        "author": author,
        "guest": guest,
        "ip_hash": ip_hash,
        "since": at - DAY,
        "exclude": exclude or 0,
        "staff": [ADMINISTRATOR, EDITOR, MODERATOR],
    }


def _is_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and len(host.encode()) <= MAX_HOST_BYTES
