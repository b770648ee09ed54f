"""Find comments that repeat an earlier one.

Exact duplicates are equal after normalizing white space and case. Near duplicates have a similarity, as
pg_trgm defines it (shared trigrams divided by all trigrams of both texts), of at least 0.9. Letters of every
script count.

Comparing every pair of 10,000 comments would take 50 million comparisons. Instead, all trigrams are divided
into classes by a hash, into one more than the number of trigrams in which two texts of this size may differ.
So two similar texts have at least one class in common: the same trigrams of that class. A checksum stands for
the trigrams of a class; only texts that share a checksum are compared in full.

Texts are divided by size into ranges, which have numbers of classes of their own. A text near the lower end
of a range is also looked for in the range below.

Two limits keep the time linear for any input. Texts that people wrote do not reach them: the pairs are the
same as by brute force. If a text is crafted to reach them, only a warning is missing.
"""

import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

MIN_LENGTH = 40  # characters; many people write "I agree"
MAX_LENGTH = 100_000  # characters; longer texts would only cost memory
MAX_HOLDERS = 100  # comments that are indexed for one checksum
MAX_COMPARED = 10  # candidates that are compared with one comment
SEEN_BITS = 25  # most last bits of a checksum that index the table of checksums that were seen (32 MB)
SEEN_BYTES_PER_TEXT = 4096  # bytes of that table for each text, which has about 40 checksums
CACHED_WORDS = 16_384  # words whose trigrams are kept
CACHED_LENGTH = 24  # letters; a text without spaces is one word of any length

_WORD = re.compile(r"[^\W_]+")


class DuplicatePair(NamedTuple):
    position: int
    of: int  # position of the earlier one
    exact: bool


class _Digest(NamedTuple):
    """The number of a text's trigrams, and the checksums of their classes."""

    size: int
    checksums: "array[int]"


def find_duplicates(bodies: Sequence[str]) -> Iterator[DuplicatePair]:
    """Yield each body that repeats an earlier one, with the earliest found: exact ones, then near ones."""
    originals: list[int] = []
    seen: dict[bytes, int] = {}
    for index, body in enumerate(bodies):
        if len(body) > MAX_LENGTH:
            continue
        text = normalize_text(body)
        if len(text) < MIN_LENGTH:
            continue
        # A digest, so that a large file is not in memory twice.
        first = seen.setdefault(blake2b(text.encode(), digest_size=16).digest(), index)
        if first == index:
            originals.append(index)
        else:
            yield DuplicatePair(index, first, exact=True)
    yield from _find_near_duplicates(bodies, originals)


def normalize_text(text: str) -> str:
    """Normalize white space and case of a text, for comparisons."""
    return " ".join(text.split()).casefold()


def trigrams(text: str) -> frozenset[str]:
    """Return the trigrams of a text as pg_trgm's show_trgm() does.

    They are taken from each word in lower case, with two spaces before it and one after it.
    """
    words = set(_WORD.findall(text.lower()))
    return frozenset().union(
        *(_cached_trigrams(word) if len(word) <= CACHED_LENGTH else _word_trigrams(word) for word in words)
    )


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Return the similarity from 0 to 1, as pg_trgm's similarity() does."""
    return len(a & b) / len(a | b) if a or b else 0.0


def is_similar(a: frozenset[str], b: frozenset[str]) -> bool:
    """Return whether the similarity is at least 0.9, computed in integers."""
    shared = len(a & b)
    return bool(shared) and 10 * shared >= 9 * (len(a) + len(b) - shared)


def _find_near_duplicates(bodies: Sequence[str], originals: list[int]) -> Iterator[DuplicatePair]:
    digests, shared = _read_digests(bodies, originals)
    # Trigrams are recomputed when needed: keeping them would take many times the memory of the texts.
    trigrams_of = lru_cache(maxsize=1000)(lambda number: trigrams(bodies[originals[number]]))
    holders: dict[int, list[int]] = {checksum: [] for checksum in shared}
    for number, digest in enumerate(digests):
        found = Counter[int]()
        for checksum in shared.intersection(digest.checksums):
            earlier = holders[checksum]
            found.update(earlier)
            if len(earlier) < MAX_HOLDERS:
                earlier.append(number)
        candidates = sorted((-count, other) for other, count in found.items())[:MAX_COMPARED]
        for _, other in sorted(candidates, key=itemgetter(1)):
            if not _may_be_similar(digest, digests[other]):
                continue
            if is_similar(trigrams_of(number), trigrams_of(other)):
                yield DuplicatePair(originals[number], originals[other], exact=False)
                break


def _may_be_similar(a: _Digest, b: _Digest) -> bool:
    """Return False if too few classes of two texts are equal for a comparison of their trigrams.

    Classes that differ have at least one trigram each that only one of the texts has. Of those, similar texts
    have at most a 19th of the sum of their sizes. Nearly all texts that share a class by chance are excluded.
    """
    common = set(_class_counts(a.size)).intersection(_class_counts(b.size))
    differing = sum(common) - len(set(a.checksums).intersection(b.checksums))
    return 19 * differing <= len(common) * (a.size + b.size)


def _read_digests(bodies: Sequence[str], originals: list[int]) -> tuple[list[_Digest], set[int]]:
    """Return the digest of each of these bodies, and the checksums that more than one body has.

    A byte for each possible end of a checksum says whether one was there before. So a few checksums count as
    shared that are not, and memory need not hold all of them as objects. The table grows with the number of
    bodies: to touch single bytes of 32 MB took three quarters of the time in which a page is read.
    """
    bits = min(SEEN_BITS, (len(originals) * SEEN_BYTES_PER_TEXT).bit_length())
    was_there = bytearray(1 << bits)
    shared: set[int] = set()
    digests = []
    for index in originals:
        grams = trigrams(bodies[index])
        own = _checksums(grams)
        for checksum in own:
            bucket = checksum & (1 << bits) - 1
            if was_there[bucket]:
                shared.add(checksum)
            else:
                was_there[bucket] = 1
        digests.append(_Digest(len(grams), own))
    return digests, shared


def _checksums(grams: frozenset[str]) -> "array[int]":
    """Return a checksum of 32 bits for each class of these trigrams, in each range of their number."""
    numbers = [*map(_hash_trigram, grams)]
    found = array("I")
    for count in _class_counts(len(grams)):
        sums = [(count << 32) + index for index in range(count)]
        for number in numbers:
            sums[number % count] += number
        found.extend([hash_sum * 0x9E3779B97F4A7C15 >> 32 & 0xFFFFFFFF for hash_sum in sums])
    return found


@lru_cache(maxsize=10_000)
def _class_counts(size: int) -> list[int]:
    """Return the number of classes in the range of this number of trigrams, and in the range below if needed.

    If the smaller of two similar texts has n trigrams, they differ in at most n / 9: together they have at
    most n / 0.9 trigrams, and they share 0.9 of these.
    """
    low, high = 1, 10
    while size >= high:
        low, high = high, max(high + 9, high * 4 // 3)
    counts = [(high - 1) // 9 + 1]
    if 9 * size <= 10 * (low - 1):  # a text of the range below may be similar
        counts.append((low - 1) // 9 + 1)
    return counts


@lru_cache(maxsize=50_000)
def _hash_trigram(gram: str) -> int:
    return int.from_bytes(blake2b(gram.encode(), digest_size=8).digest())


def _word_trigrams(word: str) -> tuple[str, ...]:
    """Return the trigrams of a word, as strings that all words share: 0.2 kB for a word instead of 1.3 kB."""
    padded = f"  {word} "
    return tuple(sys.intern(padded[start : start + 3]) for start in range(len(word) + 1))


_cached_trigrams = lru_cache(maxsize=CACHED_WORDS)(_word_trigrams)
