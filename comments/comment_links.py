"""Parse numbers of and links to comments, as people type them."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from comments.models import Comment


def find_comment(text: str) -> Comment:
    """Return the comment with this number or link. Raises ValidationError if there is none."""
    if (number := parse_comment_number(text)) is None:
        raise ValidationError(_("Enter the number of a comment or a link to it."), code="unreadable")
    if not (comment := Comment.objects.filter(pk=number).first()):
        raise ValidationError(_("There is no comment #%(number)s.") % {"number": number}, code="unknown")
    return comment


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
