"""Features of the author's name and website, as numbers. Pure functions.

A feature that is missing from the result is unknown, because the name or the website is. The features that
a moderator is shown are signals (features/signals/author.py).
"""

import re
from math import log1p
from urllib.parse import unquote

from moderation.features.links import host
from moderation.features.phrases import PROFILE_HOST
from moderation.features.signals.author import name_is_search_phrase, name_is_web_address
from moderation.features.text_reading import ParsedComment
from moderation.spam_filter.classifier.reference import Reference

MAX_WORDS = 20  # words of a name that are read
_JOINED = re.compile(r"[^\W\d_]*[a-z][A-Z][^\W\d_]*")  # JohnSmith, but not the noise of jU7cz


def name_features(comment: ParsedComment, reference: Reference) -> dict[str, float]:
    """Return the features of the name."""
    if comment.data.author is None:
        return {}
    words = comment.name_words[:MAX_WORDS]
    blocked = reference.count_blocked(words) + reference.count_blocked_parts("".join(words))
    return {
        "name_words": min(8.0, len(words)),
        "name_joined": float(_JOINED.fullmatch(comment.author) is not None),
        "name_blocked": log1p(blocked),
    }


def website_features(comment: ParsedComment, reference: Reference) -> dict[str, float]:
    """Return the features of the author's own website, as given in the form."""
    website = comment.website
    if website is None:
        return {}
    name = host(website).lower()
    label = name.rpartition(".")[0]
    path = unquote(website.path or "")[:200].lower()
    name_words = comment.name_words[:MAX_WORDS]
    address = re.sub(r"[^a-z]", "", label) + path
    shared = sum(len(word) for word in name_words if len(word) > 2 and word in address)
    if name_is_search_phrase(comment) or name_is_web_address(comment):
        shared = 0  # a website that is named after its products
    return {
        "website_path": log1p(len(path)),
        "website_profile": float(PROFILE_HOST.search(name) is not None),
        "website_name": shared / max(1, sum(map(len, name_words))),
        "website_blocked": log1p(reference.count_blocked_parts(label + path)),
    }
