"""Reference data of the features: known words, letter frequencies, blocked terms and runs of words of spam.

bench/train_starter.py makes it from texts of other sites. It holds hashes and frequencies, no text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from zlib import crc32

MIN_BLOCKED_LENGTH = 5  # characters of a blocked term, which has up to three words
MAX_BLOCKED_IN_HOST = 14  # characters of a blocked term that is searched for within a host
LETTERS = 28  # a to z, the space, and any other character
_CODES = bytes((" abcdefghijklmnopqrstuvwxyz".find(chr(n)) % LETTERS) for n in range(256))


@dataclass(frozen=True)
class Reference:
    """Properties that texts of other sites have in common. Hashes are from `text_hash`."""

    words: frozenset[int] = frozenset()  # words that stories and newspapers' readers use
    blocked: frozenset[int] = frozenset()  # terms of a public block list
    spam_runs: frozenset[int] = frozenset()  # runs of words in robots' templates and in spam of several sites
    # For three successive letters (letter_triples), how usual they are: 0 to 255.
    triples: bytes = bytes(LETTERS**3)

    def known_share(self, letters: str) -> float:
        """Return the share of a string without spaces that known words of four letters and more cover."""
        return _known_share(letters[:40], self.words) if letters else 0.0

    def count_blocked(self, words: Sequence[str]) -> int:
        """Return the number of runs of one, two and three words that are blocked terms."""
        return sum(map(self.blocked.__contains__, chain(*ngram_hashes(words))))

    def count_blocked_parts(self, letters: str) -> int:
        """Return the number of parts of a string without spaces that are blocked terms."""
        raw, blocked, count = letters.encode("utf-8", "replace"), self.blocked, 0
        for start in range(len(raw) - MIN_BLOCKED_LENGTH + 1):
            part = raw[start : start + MIN_BLOCKED_LENGTH]
            found = crc32(part)
            count += found in blocked
            for end in range(start + MIN_BLOCKED_LENGTH, min(len(raw), start + MAX_BLOCKED_IN_HOST)):
                found = crc32(raw[end : end + 1], found)
                count += found in blocked
        return count

    def usual_letters(self, text: str) -> float:
        """Return the frequency of the letters of a text in lower case, 0 to 255: low for keyboard noise."""
        triples = letter_triples(text)
        return sum(map(self.triples.__getitem__, triples)) / len(triples) if triples else 0.0


def text_hash(text: str) -> int:
    """Return the hash by which reference data holds a text."""
    return crc32(text.encode("utf-8", "replace"))


def ngram_hashes(words: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
    """Return the hashes of all words, all pairs of consecutive words, and all triples.

    Each is the text_hash of the words with spaces between, continued from that of the shorter n-gram.
    """
    encoded = [word.encode("utf-8", "replace") for word in words]
    spaced = [b" " + word for word in encoded]
    ones = list(map(crc32, encoded))
    twos = list(map(crc32, spaced[1:], ones))
    threes = list(map(crc32, spaced[2:], twos))
    return ones, twos, threes


def letter_triples(text: str) -> list[int]:
    """Return the index of each three successive characters, below LETTERS ** 3."""
    codes = text.encode("ascii", "replace").translate(_CODES)
    return [a * LETTERS**2 + b * LETTERS + c for a, b, c in zip(codes, codes[1:], codes[2:], strict=False)]


@lru_cache(maxsize=4_096)
def _known_share(letters: str, words: frozenset[int]) -> float:
    best = [0] * (len(letters) + 1)
    for end in range(1, len(letters) + 1):
        best[end] = best[end - 1]
        for start in range(max(0, end - 12), end - 3):
            length = end - start
            if best[start] + length > best[end] and text_hash(letters[start:end]) in words:
                best[end] = best[start] + length
    return best[-1] / len(letters)
