"""Origins: keyed hashes of the IP address and the address block of each comment, kept for 30 days.

The search for similar comments and the checks compare them. Reports that are stored without an account or a
guest (anonymous reports, reports of illegal content, requests for removal) are counted by the hash of the
address, for an hour.

The IP address of a comment is never stored. Anyone with the secret key could try all addresses, so the key
must not be stored next to the database.
"""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.requests import client_ip
from core.database.sql import fetch_together, fetch_value
from core.rate_limits import RateLimitError
from moderation.models import AddressReportCount, Origin
from moderation.models.people import ORIGIN_RETENTION, person_key

HOUR = timedelta(hours=1)
MAX_ANONYMOUS_REPORTS_PER_HOUR = 20  # from one IP address
MAX_COMMENTS_SEARCHED_PER_IP = 200  # latest comments from one IP address that are searched for other people

# Part of the statement that inserts the comment (comments.policy.Policy.extra_ctes).
INSERT_ORIGIN_SQL = """
, origin AS (INSERT INTO moderation_origin (comment_id, ip_hash, block_hash, at)
             SELECT id, %(ip_hash)s::bytea, %(block_hash)s::bytea, created_at
             FROM inserted WHERE %(ip_hash)s::bytea IS NOT NULL)"""


def hash_address(ip: str) -> bytes | None:
    """Return a keyed hash of an IP address with 16 bytes, or None if `ip` is no address.

    It is equal for equal IPv4 addresses and within one IPv6 /64.
    """
    address = _parse(ip)
    if isinstance(address, IPv6Address):
        # A household has a /64 and may use any address in it.
        return _hash(str(ip_network((address, 64), strict=False)))
    return _hash(str(address)) if address else None


def hash_block(ip: str) -> bytes | None:
    """Return a keyed hash of the block of an IP address with 16 bytes, or None if `ip` is no address.

    A block is an IPv4 /24 or an IPv6 /48: one renter of servers often has a whole one.
    """
    address = _parse(ip)
    if not address:
        return None
    return _hash(str(ip_network((address, 48 if address.version == 6 else 24), strict=False)))


def _parse(ip: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address, or None if `ip` is no address. IPv4 in IPv6 notation is returned as IPv4."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _hash(text: str) -> bytes:
    return salted_hmac("moderation.origin", text, algorithm="sha256").digest()[:16]


def shorten_hash(ip_hash: str) -> str:
    """Return the first characters of a hash in hex, enough to see that two are equal."""
    return ip_hash[:6]


# Parameters: `ids` (comments), `max_comments` (MAX_COMMENTS_SEARCHED_PER_IP), `article_ids` (NULL for all).
PEOPLE_BY_ADDRESS_SQL = """
WITH queried AS (SELECT comment_id, ip_hash FROM moderation_origin WHERE comment_id = ANY(%(ids)s))
SELECT a.comment_id, encode(a.ip_hash, 'hex') AS ip_hash, n.author_id, n.guest_id, n.name
FROM queried a
LEFT JOIN (SELECT h.ip_hash, c.author_id, c.guest_id, max(o.comment_id) AS last,
                  (array_agg(c.author_name ORDER BY o.comment_id DESC))[1] AS name
           FROM (SELECT DISTINCT ip_hash FROM queried) h
           CROSS JOIN LATERAL (SELECT comment_id FROM moderation_origin WHERE ip_hash = h.ip_hash
                               ORDER BY at DESC LIMIT %(max_comments)s) o
           JOIN comments_comment c ON c.id = o.comment_id
           WHERE %(article_ids)s::bigint[] IS NULL OR c.discussion_id = ANY(%(article_ids)s::bigint[])
           GROUP BY 1, 2, 3) n ON n.ip_hash = a.ip_hash
ORDER BY n.last DESC"""


def people_by_address(
    comments: Iterable[int], article_ids: list[int] | None
) -> dict[int, tuple[str, dict[str, str]]]:
    """Return, by comment, the hash of its IP address in hex and the people who posted from there.

    Only people under these articles are returned: their names by person key, the latest first.
    """
    values = {"ids": list(comments), "max_comments": MAX_COMMENTS_SEARCHED_PER_IP, "article_ids": article_ids}
    return parse_people_by_address(fetch_together({"found": PEOPLE_BY_ADDRESS_SQL}, values)["found"])


def parse_people_by_address(rows: Iterable[dict[str, Any]]) -> dict[int, tuple[str, dict[str, str]]]:
    """Return the rows of PEOPLE_BY_ADDRESS_SQL as `people_by_address` does."""
    people_by_comment: dict[int, tuple[str, dict[str, str]]] = {}
    for row in rows:
        people = people_by_comment.setdefault(row["comment_id"], (row["ip_hash"], {}))[1]
        if row["author_id"] or row["guest_id"]:
            name = row["name"] or _("Somebody")  # content is restricted
            people.setdefault(person_key(row["author_id"], row["guest_id"]), name)
    return people_by_comment


COUNT_REPORT_SQL = """
INSERT INTO moderation_addressreportcount AS n (ip_hash, began_at, count) VALUES (%(ip_hash)s, %(now)s, 1)
ON CONFLICT (ip_hash) DO UPDATE
SET count = CASE WHEN n.began_at > %(hour_ago)s THEN n.count + 1 ELSE 1 END,
    began_at = CASE WHEN n.began_at > %(hour_ago)s THEN n.began_at ELSE %(now)s END
RETURNING count"""


def throttle_report_without_account(request: HttpRequest) -> None:
    """Count a report without an account. Raise RateLimitError if its IP address sent too many."""
    if count_report(client_ip(request)) > MAX_ANONYMOUS_REPORTS_PER_HOUR:
        raise RateLimitError(
            _("We got many reports from your network within an hour. Please try again later."),
            seconds=int(HOUR.total_seconds()),
        )


def count_report(ip: str) -> int:
    """Count a report, and return the number from its IP address in the hour since the first.

    Concurrent reports wait for each other, so this is one statement that is committed by itself.
    """
    now = timezone.now()
    return int(
        fetch_value(
            COUNT_REPORT_SQL, {"ip_hash": hash_address(ip) or b"", "now": now, "hour_ago": now - HOUR}
        )
    )


def delete_expired() -> int:
    """Delete expired origins and counts of reports. Return the number of deleted origins."""
    AddressReportCount.objects.filter(began_at__lt=timezone.now() - HOUR).delete()
    return Origin.objects.filter(at__lt=timezone.now() - ORIGIN_RETENTION).delete()[0]
