"""Names that are unlike a person's: web addresses, search phrases and unusual shapes. Pure functions."""

import re
from collections.abc import Sequence
from functools import lru_cache

from moderation.features.phrases import DOMAIN
from moderation.features.word_lists import GROUP_SALES_WORDS
from moderation.features.words import HYPHENATED_WORD


def is_domain(name: str) -> bool:
    """Return whether a name contains the domain of a website."""
    return "." in name and DOMAIN.search(name) is not None


def is_in_lower_case(name: str, words: Sequence[str]) -> bool:
    """Return whether a name of several words has only small letters, as people type a search phrase."""
    return len(words) >= 2 and name == name.lower() and name != name.upper()


def is_search_phrase(name: str) -> bool:
    """Return whether a name reads like a search phrase instead of a person's name.

    signals.author.name_is_search_phrase grades it.
    """
    words = HYPHENATED_WORD.findall(name.lower())
    is_in_words = len(name.split()) > 1 and is_in_lower_case(name, words)  # gr8_matt is a name of an account
    return is_domain(name) or not GROUP_SALES_WORDS.isdisjoint(words) or is_in_words


# Parts of a name, each replaced by one character for its shape: Jim is A, JimBer AA, jim77 a0.
_NAME_PARTS = re.compile(
    r"(?P<A>[^\W\d_a-z][a-zß-öø-ÿ]+)|(?P<a>[a-zß-öø-ÿ]+)|(?P<Q>[^\W\d_]+)|(?P<zero>\d+)|(?P<space>\s+)"
)
_SHAPE_CHARACTERS = {"zero": "0", "space": " "}
# Up to three words, with one separator between two.
_USUAL_SHAPE = re.compile(r"[AaQ](?:(?:\. ?|[ '’-])[AaQ]){0,2}\.?")


@lru_cache(maxsize=1_024)
def unusual_name_shape(name: str) -> str | None:
    """Return the shape of a name that is unlike a person's, or None for a usual name.

    Such a name has digits or signs, words run together, or more than three words.
    """
    shape = _NAME_PARTS.sub(
        lambda part: _SHAPE_CHARACTERS.get(str(part.lastgroup), str(part.lastgroup)), name.strip()
    )
    return None if not shape or _USUAL_SHAPE.fullmatch(shape) else shape
