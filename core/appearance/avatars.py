"""Avatars: the initials of a name on a colour that follows from the name."""

from functools import lru_cache
from zlib import crc32

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

HUES = 9  # classes h1 to h9 of site.css


def initials(name: str) -> str:
    """Return one or two capital letters for a name, or "?" if it has neither letters nor digits.

    Two words give their first letters. One word gives its first two letters, or its first one in a script
    without capitals, whose letters would join or fill the circle.
    """
    words = [letters for word in name.split() if (letters := "".join(filter(str.isalnum, word)))]
    if not words:
        return "?"
    if not words[0][0].upper().isupper():
        return words[0][0]
    taken = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return taken.upper()[:2]


def avatar(name: str, size: str = "") -> SafeString:
    """Return the HTML of the avatar of a name, hidden from screen readers because the name is beside it.

    `size` is "", "small" or "large".
    """
    return mark_safe(avatar_html(name, size))  # noqa: S308


@lru_cache(maxsize=4096)  # a page of a discussion shows up to 200, and names recur
def avatar_html(name: str, size: str = "") -> str:
    """Return the same as a plain string, for the thread, in which nothing is escaped automatically."""
    hue = crc32(name.encode()) % HUES + 1
    classes = f"av h{hue} {size}".rstrip()
    return f'<span class="{classes}" aria-hidden="true">{escape(initials(name))}</span>'
