"""Which comment somebody means by its number or its link."""

import re
from urllib.parse import urlsplit


def comment_number(named: str) -> int | None:
    """123 · #123 · comment-123 · …/comments/123/ and what is beneath it · …#comment-123; else None."""
    text = named.strip()
    try:
        parts = urlsplit(text if {"/", "#"} & set(text) else f"#{text}")
    except ValueError:
        return None
    found = re.search(r"(?:^|/)comments/([0-9]{1,18})(?:/|$)", parts.path) or re.fullmatch(
        r"(?:comment-)?([0-9]{1,18})", parts.fragment
    )
    return int(found[1]) if found else None
