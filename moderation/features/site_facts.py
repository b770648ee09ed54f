"""What the site knows that tells of a comment, beside its own words: one statement for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from core.sql import execute_planned

THREAD_COMMENTS = 20  # of the comments before it, with whose words it may be on the subject
THREAD_COMMENT_LENGTH = 500  # characters of each of these
MAX_NAMES = 200  # of the latest comments of the discussion, whose names it may imitate
DAY = timedelta(days=1)  # in which one IP address speaks under several names, or many link to one host
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")  # what the index of words can hold as one …
MAX_HOST_BYTES = 253  # … in bytes, as a name can be
MAX_HOSTS = 20  # of one comment
MAX_COMMENTS_PER_HOST = (
    1_000  # comments with links to one host that are looked at: one with more is no news, nor a reason
)
MAX_COMMENTS_PER_ADDRESS = 50  # of the latest comments from one IP address
MAX_RECENT_NAMES = 100  # of the latest comments of the site, with whose names one of an odd shape is compared


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    thread: str = ""  # what was said in the discussion before, in lower case
    spam_hosts: Sequence[str] = ()  # of those that it links to, what spam has linked to
    burst_hosts: Sequence[str] = ()  # … and what two others or more have linked to within a day
    staff: Sequence[str] = ()  # the names of those who publish and decide here
    names: Sequence[str] = ()  # of the discussion
    names_at_address: int = 0  # under which its IP address spoke within a day, but for its own
    names_of_the_day: Sequence[str] = ()  # of others who wrote on the site, if they were asked for
    replied: str = ""  # the comment that it answers
    article: str = ""  # the story's own text


_THREAD_SQL = f"""
(SELECT string_agg(left(t.folded, {THREAD_COMMENT_LENGTH}), ' ')
 FROM (SELECT id FROM comments_comment
       WHERE discussion_id = %(article)s AND state = 'published' AND created_at < %(at)s AND id <> %(but)s
       ORDER BY created_at DESC, id DESC LIMIT {THREAD_COMMENTS}) c
 JOIN comments_commenttext t ON t.comment_id = c.id)"""
_PARENT_SQL = f"""
coalesce((SELECT left(folded, {THREAD_COMMENT_LENGTH * 4}) FROM comments_commenttext
          WHERE comment_id = %(parent)s), '')"""
THREAD_CONTEXT_SQL = f"SELECT {_THREAD_SQL}, {_PARENT_SQL}"
# A host stands in the index of words as it was written, with www. or without. The words are looked up first,
# and the comments by their ids, whatever the planner thinks of them when a connection is young.
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
  WHERE ip_hash = %(ip_hash)s AND at > %(since)s ORDER BY at DESC LIMIT {MAX_COMMENTS_PER_ADDRESS}) o
CROSS JOIN LATERAL (
  SELECT lower(author_name) AS author FROM comments_comment WHERE id = o.comment_id LIMIT 1) c
WHERE c.author <> lower(%(name)s)"""
_RECENT_NAMES_SQL = f"""
SELECT DISTINCT c.author FROM (
  SELECT comment_id FROM moderation_origin
  WHERE %(is_odd)s AND at > %(since)s ORDER BY at DESC LIMIT {MAX_RECENT_NAMES}) o
CROSS JOIN LATERAL (
  SELECT author_name AS author FROM comments_comment WHERE id = o.comment_id AND id <> %(but)s LIMIT 1) c
WHERE lower(c.author) <> lower(%(name)s)"""
SITE_FACTS_SQL = f"""
WITH linking AS MATERIALIZED ({_LINKING_SQL})
SELECT {_THREAD_SQL},
       ARRAY(SELECT DISTINCT host FROM linking WHERE state = 'spam'),
       ARRAY(SELECT host FROM linking
             WHERE created_at BETWEEN %(since)s AND %(at)s AND id <> %(but)s AND author <> lower(%(name)s)
             GROUP BY host HAVING count(DISTINCT author) >= 2),
       ARRAY(SELECT DISTINCT u.name FROM accounts_user u
             JOIN accounts_user_groups m ON m.user_id = u.id JOIN auth_group g ON g.id = m.group_id
             WHERE u.is_active AND u.name <> '' AND u.id IS DISTINCT FROM %(author)s::bigint
               AND g.name = ANY(%(staff)s::text[])),
       ARRAY(SELECT DISTINCT author_name FROM (
               SELECT author_name FROM comments_comment
               WHERE discussion_id = %(article)s AND state = 'published' AND id <> %(but)s
                 AND (author_id IS NULL OR author_id IS DISTINCT FROM %(author)s::bigint)
                 AND (guest_id IS NULL OR guest_id IS DISTINCT FROM %(guest)s::bigint)
               ORDER BY created_at DESC, id DESC LIMIT {MAX_NAMES}) c),
       ({_ADDRESS_NAMES_SQL}),
       ARRAY({_RECENT_NAMES_SQL}),
       {_PARENT_SQL},
       (SELECT standfirst || E'\\n' || body FROM articles_article WHERE id = %(article)s)"""


def load_thread_context(*, article: int, at: datetime, parent: int | None, but: int) -> SiteFacts:
    """What was said around a comment that is stored, and nothing else."""
    values = {"article": article, "at": at, "parent": parent or 0, "but": but}
    with connection.cursor() as cursor:
        execute_planned(cursor, THREAD_CONTEXT_SQL, values)
        thread, replied = cursor.fetchone()
    return SiteFacts(thread=thread or "", replied=replied)


def load_site_facts(
    *,
    article: int,
    at: datetime,
    hosts: Sequence[str],
    name: str,
    is_odd: bool,
    author: int | None,
    guest: int | None,
    parent: int | None,
    ip_hash: bytes | None,
    but: int | None = None,
) -> SiteFacts:
    """Of a comment by this account or guest, that is written at this time; `but`: its id, if it has one;
    `is_odd`: its name is of a shape that few have."""
    values = {
        "article": article,
        "at": at,
        "is_odd": is_odd,
        "hosts": [host for host in hosts if _is_host(host)][:MAX_HOSTS],
        "name": name,
        "author": author,
        "guest": guest,
        "parent": parent or 0,
        "ip_hash": ip_hash,
        "since": at - DAY,
        "but": but or 0,
        "staff": [ADMINISTRATOR, EDITOR, MODERATOR],
    }
    with connection.cursor() as cursor:
        execute_planned(cursor, SITE_FACTS_SQL, values)
        thread, spam_hosts, burst_hosts, staff, names, at_address, of_day, replied, text = cursor.fetchone()
    return SiteFacts(
        thread=thread or "",
        spam_hosts=spam_hosts,
        burst_hosts=burst_hosts,
        staff=staff,
        names=names,
        names_at_address=at_address,
        names_of_the_day=of_day,
        replied=replied,
        article=text or "",
    )


def _is_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and len(host.encode()) <= MAX_HOST_BYTES
