"""Words and runs of characters as hashed features of a text, and the small models that score them.

A model's score is one feature of the filter (model.py). So words of other sites weigh as
much as they are worth on sites that they were not learnt from.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from math import sqrt
from urllib.parse import unquote
from zlib import crc32

from moderation.features.links import host
from moderation.features.text_reading import ParsedComment
from moderation.features.words import WORD, find_words

BITS = {"body": 17, "name": 15, "website": 15}  # of a slot's number
MAX_CHARACTERS = {"body": 2_000, "name": 80, "website": 120}
_DIGIT = re.compile(r"\d")
_WORD, _PAIR, _RUN = 1, 2, 3  # start values of the hashes
_BODY_RUNS = (3, 4, 5)  # characters
_LONGEST_RUN = max(_BODY_RUNS)
MAX_REMEMBERED = 10_000  # characters, the latest


def comment_slots(comment: ParsedComment) -> dict[str, list[int]]:
    """Return the distinct slots of the body, the name and the website; none if there is no such text."""
    return {
        "body": body_slots(comment.plain),
        "name": _slots(comment.name, "name", sizes=(3, 4)),
        "website": website_slots(comment),
    }


def body_slots(plain: str) -> list[int]:
    """Return the slots of the words, pairs of words and runs of characters of a body."""
    return _slots(plain, "body", sizes=_BODY_RUNS, pairs=True)


def website_slots(comment: ParsedComment) -> list[int]:
    """Return the slots of the host and the path of the author's website."""
    if comment.website is None:
        return []
    path = unquote(f"{comment.website.path} {comment.website.query}").lower()
    return _slots(f"{host(comment.website).lower()} {path}", "website", sizes=(3, 4, 5))


def _slots(text: str, kind: str, *, sizes: Sequence[int], pairs: bool = False) -> list[int]:
    text = _normalise(text, kind)
    if not text:
        return []
    mask = (1 << BITS[kind]) - 1
    words = [word.encode("utf-8", "replace") for word in find_words(text)]
    slot_numbers = [crc32(word, _WORD) & mask for word in words]
    if pairs:
        slot_numbers += [crc32(a + b" " + b, _PAIR) & mask for a, b in pairwise(words)]
    slot_numbers += chain.from_iterable(_run_slots(text, sizes, mask))
    return list(dict.fromkeys(slot_numbers))


def _normalise(text: str, kind: str) -> str:
    """Return a text with single spaces and zeros as its only digits. A long text is cut after a word."""
    if len(text) > MAX_CHARACTERS[kind]:
        text = text[: MAX_CHARACTERS[kind]]
        # Links are spaces here, and they may be all of the text.
        text = text.rsplit(maxsplit=1)[0] if " " in text and not text.isspace() else text
    return _DIGIT.sub("0", " ".join(text.split()))


def _run_slots(text: str, sizes: Collection[int], mask: int) -> Iterator[list[int]]:
    """Yield the slots of all runs of each of these numbers of characters, with a space around the text.

    A slot is the CRC-32 of a run in UTF-32. That is the exclusive or of one number for the length and one for
    each character and its place, so all runs are computed at once, in integers of 32 bits for each run.
    """
    text = f" {text} "
    parts = array("I", b"".join(map(_character_parts, text)))
    by_position = [_to_integer(parts[position::_LONGEST_RUN]) for position in range(_LONGEST_RUN)]
    for size in sizes:
        count = max(0, len(text) - size + 1)
        runs = _to_integer(array("I", [crc32(bytes(4 * size), _RUN)]) * count)
        for position in range(size):
            runs ^= by_position[position] >> 32 * (size - 1 - position)
        runs &= _to_integer(array("I", [mask]) * count)
        yield array("I", runs.to_bytes(4 * count, "little")).tolist()


def _to_integer(numbers: "array[int]") -> int:
    return int.from_bytes(numbers.tobytes(), "little")


@lru_cache(MAX_REMEMBERED)
def _character_parts(character: str) -> bytes:
    """Return the numbers that a character adds to the hash of a run, for each position in it."""
    raw = character.encode("utf-32-le", "replace")
    paddings = [bytes(4 * position) for position in range(_LONGEST_RUN)]
    return array("I", [crc32(raw + padding) ^ crc32(bytes(4) + padding) for padding in paddings]).tobytes()


def body_words(plain: str) -> dict[int, list[str]]:
    """Return the words that each slot of a body comes from; a run of characters is of its middle word."""
    text = _normalise(plain, "body")
    mask = (1 << BITS["body"]) - 1
    matches = list(WORD.finditer(text))
    words = [m[0] for m in matches]
    starts = [m.start() for m in matches]
    words_by_slot: dict[int, list[str]] = {}
    for word in words:
        words_by_slot.setdefault(crc32(word.encode("utf-8", "replace"), _WORD) & mask, []).append(word)
    for a, b in pairwise(words):
        words_by_slot.setdefault(crc32(f"{a} {b}".encode("utf-8", "replace"), _PAIR) & mask, []).extend(
            (a, b)
        )
    for size, slots in zip(_BODY_RUNS, _run_slots(text, _BODY_RUNS, mask), strict=True):
        for n, slot in enumerate(slots):
            word_index = bisect_right(starts, max(0, n - 1 + size // 2)) - 1
            if word_index >= 0:
                words_by_slot.setdefault(slot, []).append(words[word_index])
    return words_by_slot


@dataclass(frozen=True)
class NgramModel:
    """Weights of the slots of one kind of text, in 8 bits."""

    weights: "array[int]"  # signed, one for each slot
    scale: float  # of the weights
    bias: float

    def score(self, text_slots: Sequence[int]) -> float | None:
        """Return the logit of the text with these slots, or None without a text."""
        if not text_slots:
            return None
        return self.bias + self.scale * sum(map(self.weights.__getitem__, text_slots)) / sqrt(len(text_slots))
