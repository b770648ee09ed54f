"""Parse numbers of and links to comments, as people type them."""

import re
from urllib.parse import urlsplit


def parse_comment_number(named: str) -> int | None:
    """Return the number of a comment, or None.

    Accepts 123, #123, comment-123, …/comments/123/ with anything below it, and …#comment-123.
    """
    text = named.strip()
    try:
        parts = urlsplit(text if {"/", "#"} & set(text) else f"#{text}")
    except ValueError:
        return None
    match = re.search(r"(?:^|/)comments/([0-9]{1,18})(?:/|$)", parts.path) or re.fullmatch(
        r"(?:comment-)?([0-9]{1,18})", parts.fragment
    )
    return int(match[1]) if match else None
