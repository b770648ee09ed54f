"""Folding of texts for comparison, with a map back to the text as it was typed. Pure functions."""

import re
import unicodedata
from functools import lru_cache

MAX_FOLDED_LENGTH = 4  # letters; a character that stands for more is kept unfolded

_QUOTES = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "ـ": "", "ى": "ي", "ة": "ه"}
# Combining marks that are removed: accents, Hebrew points, tashkeel. Those of Indic scripts are letters.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
MAX_REMEMBERED = 20_000  # characters whose folds are remembered, the latest


class FoldedText:
    """A text folded for comparison, with a map back to the positions of the text as it was typed.

    With `case_only` accents and compatibility forms stay.
    """

    __slots__ = ("_positions", "text")

    def __init__(self, text: str, *, case_only: bool = False) -> None:
        self._positions: list[int] | None = None
        self.text = text.casefold()
        # Case folding makes no text shorter, so at the same length every position is the same.
        if text.isascii() or (case_only and len(self.text) == len(text)):
            return
        parts = list(map(str.casefold if case_only else _fold_one, text))
        self.text = "".join(parts)
        if len(self.text) != len(text) or "" in parts:
            self._positions = [position for position, part in enumerate(parts) for _ in part]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original text of text[start:end], where end > start."""
        if self._positions is None:
            return start, end
        return self._positions[start], self._positions[end - 1] + 1


def fold_case_and_accents(text: str) -> str:
    """Return a text folded for comparison."""
    return FoldedText(text).text


@lru_cache(MAX_REMEMBERED)
def _fold_one(c: str) -> str:
    """Return one character as it is compared.

    It has no compatibility form, accent, tashkeel or case, and one form each of alef, ya and ta marbuta.
    """
    if c in _QUOTES:
        return _QUOTES[c]
    if "\uac00" <= c <= "\ud7a3":
        return c
    if unicodedata.category(c) == "Cf":
        return ""
    folded = _MARKS.sub("", unicodedata.normalize("NFKD", c)).casefold()
    folded = "".join(_QUOTES.get(part, part) for part in folded)
    # ﷺ unfolds to eighteen letters: a text of such signs would become eighteen times as long.
    return folded if len(folded) <= MAX_FOLDED_LENGTH else c
