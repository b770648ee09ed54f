"""Whence a comment was sent: a keyed hash of the IP address, for groups and bursts, and for 30 days only.

The IP address itself is stored nowhere. Who has the secret key could try all of them, so the key must not
lie where the database does.
"""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.utils import timezone
from django.utils.crypto import salted_hmac

from moderation.models import Origin
from moderation.models.people import KEPT_FOR

# It goes with the insert of the comment (comments.policy.Policy.beside).
REMEMBER = """
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


def forget() -> int:
    """Delete what is older than it may be. Returns how many."""
    return Origin.objects.filter(at__lt=timezone.now() - timedelta(days=KEPT_FOR)).delete()[0]
