"""Whence a comment was sent: a keyed hash of the IP address, for groups and bursts, and for 30 days only. By
the same hash the reports of strangers are counted, for an hour.

The IP address itself is stored nowhere. Who has the secret key could try all of them, so the key must not
lie where the database does.
"""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from moderation.models import Network, Origin
from moderation.models.people import KEPT_FOR, person_key

HOUR = timedelta(hours=1)
ALIKE = 200  # comments from one IP address that are looked through for other people

# It goes with the insert of the comment (comments.policy.Policy.beside).
INSERT_ORIGIN_SQL = """
, origin AS (INSERT INTO moderation_origin (comment_id, ip_hash, at)
             SELECT id, %(ip_hash)s::bytea, created_at FROM ins WHERE %(ip_hash)s::bytea IS NOT NULL)"""


def mark(ip: str) -> bytes | None:
    """16 bytes that are the same for the same IPv4 address or the same IPv6 /64; None for what is neither."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A household has a /64 and may choose anything in it.
        mapped = address.ipv4_mapped
        said = str(mapped or ip_network((address, 64), strict=False))
    else:
        said = str(address)
    return salted_hmac("moderation.origin", said, algorithm="sha256").digest()[:16]


def short(ip_hash: bytes) -> str:
    """Enough of the hash of an IP address to see that two are the same."""
    return bytes(ip_hash)[:3].hex()


PEOPLE_BY_ADDRESS_SQL = """
WITH asked AS (SELECT comment_id, ip_hash FROM moderation_origin WHERE comment_id = ANY(%(ids)s))
SELECT a.comment_id, a.ip_hash, n.author_id, n.guest_id, n.name
FROM asked a
LEFT JOIN (SELECT h.ip_hash, c.author_id, c.guest_id, max(o.comment_id) AS last,
                  (array_agg(c.author_name ORDER BY o.comment_id DESC))[1] AS name
           FROM (SELECT DISTINCT ip_hash FROM asked) h
           CROSS JOIN LATERAL (SELECT comment_id FROM moderation_origin WHERE ip_hash = h.ip_hash
                               ORDER BY at DESC LIMIT %(alike)s) o
           JOIN comments_comment c ON c.id = o.comment_id
           WHERE %(stories)s::bigint[] IS NULL OR c.discussion_id = ANY(%(stories)s::bigint[])
           GROUP BY 1, 2, 3) n ON n.ip_hash = a.ip_hash
ORDER BY n.last DESC"""


def of(comments: Iterable[int], stories: list[int] | None = None) -> dict[int, tuple[bytes, dict[str, str]]]:
    """By comment: the hash of its IP address, and by the key of each person who wrote from there (under one
    of these stories) their name, who did so last first."""
    found: dict[int, tuple[bytes, dict[str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE_BY_ADDRESS_SQL, {"ids": list(comments), "alike": ALIKE, "stories": stories})
        for comment, ip_hash, author, guest, name in cursor.fetchall():
            people = found.setdefault(comment, (bytes(ip_hash), {}))[1]
            if author or guest:
                people.setdefault(person_key(author, guest), name or _("Somebody"))  # whose words are sealed
    return found


COUNT_REPORT_SQL = """
INSERT INTO moderation_network AS n (ip_hash, began_at, count) VALUES (%(ip_hash)s, %(now)s, 1)
ON CONFLICT (ip_hash) DO UPDATE
SET count = CASE WHEN n.began_at > %(hour_ago)s THEN n.count + 1 ELSE 1 END,
    began_at = CASE WHEN n.began_at > %(hour_ago)s THEN n.began_at ELSE %(now)s END
RETURNING count"""


def count_report(ip: str) -> int:
    """Count one more report from there, and return how many these are within the hour since the first. Those
    who send at the same moment wait for each other: one statement, to be committed by itself."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(COUNT_REPORT_SQL, {"ip_hash": mark(ip) or b"", "now": now, "hour_ago": now - HOUR})
        return int(cursor.fetchone()[0])


def forget() -> int:
    """Delete what is older than it may be. Returns from how many comments."""
    Network.objects.filter(began_at__lt=timezone.now() - HOUR).delete()
    return Origin.objects.filter(at__lt=timezone.now() - timedelta(days=KEPT_FOR)).delete()[0]
