"""Find comments that repeat an earlier one.

Exact duplicates are equal after folding white space and case. Near duplicates have a similarity, as pg_trgm
defines it (shared trigrams divided by all trigrams of both texts), of at least 0.9. Letters of every script
count.

Comparing every pair of 10,000 comments would take 50 million comparisons. Instead, a prefix filter is used:
trigrams are ordered from rare to common. Two texts that are similar enough, of which the larger has n
trigrams, share at least 0.9 n of them, and so at least MIN_SHARED among the first 0.1 n + MIN_SHARED of each.
An index over those rare trigrams finds the few candidates, and only these are compared in full.

Two limits keep the time linear for any input. 10,800 real comments did not reach them: the pairs were the
same as by brute force, in a tenth of the time. If a text is crafted to reach them, only a warning is missing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

MIN_LENGTH = 40  # characters; many people write "I agree"
MAX_LENGTH = 100_000  # characters; longer texts would only cost memory
MIN_SHARED = 6  # rare trigrams, see above
MAX_HOLDERS = 100  # comments that are indexed for one rare trigram
MAX_COMPARED = 10  # candidates that are compared with one comment

_WORD = re.compile(r"[^\W_]+")


class Duplicate(NamedTuple):
    position: int
    of: int  # position of the earlier one
    exact: bool


def find_duplicates(bodies: Sequence[str]) -> Iterator[Duplicate]:
    """Yield each body that repeats an earlier one, with the earliest found: exact ones, then near ones."""
    originals: list[int] = []
    seen: dict[bytes, int] = {}
    for index, body in enumerate(bodies):
        if len(body) > MAX_LENGTH:
            continue
        folded = fold(body)
        if len(folded) < MIN_LENGTH:
            continue
        # A digest, so that a large file is not in memory twice.
        first = seen.setdefault(blake2b(folded.encode(), digest_size=16).digest(), index)
        if first == index:
            originals.append(index)
        else:
            yield Duplicate(index, first, exact=True)
    yield from _find_near_duplicates(bodies, originals)


def fold(text: str) -> str:
    """Normalize white space and case of a text, for comparisons."""
    return " ".join(text.split()).casefold()


def trigrams(text: str) -> frozenset[str]:
    """Return the trigrams of a text as pg_trgm's show_trgm() does.

    They are taken from each word in lower case, with two spaces before it and one after it.
    """
    return frozenset().union(*map(_word_trigrams, set(_WORD.findall(text.lower()))))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Return the similarity from 0 to 1, as pg_trgm's similarity() does."""
    return len(a & b) / len(a | b) if a or b else 0.0


def is_similar(a: frozenset[str], b: frozenset[str]) -> bool:
    """Return whether the similarity is at least 0.9, computed in integers."""
    shared = len(a & b)
    return bool(shared) and 10 * shared >= 9 * (len(a) + len(b) - shared)


def _find_near_duplicates(bodies: Sequence[str], originals: list[int]) -> Iterator[Duplicate]:
    frequency = Counter[str]()
    for index in originals:
        frequency.update(trigrams(bodies[index]))
    # Ties are broken by the letters: the order of a set differs between processes.
    rank = {gram: n for n, gram in enumerate(sorted(frequency, key=lambda gram: (frequency[gram], gram)))}
    # Trigrams are recomputed when needed: keeping them would take many times the memory of the texts.
    trigrams_of = lru_cache(maxsize=1000)(lambda index: trigrams(bodies[index]))
    size: dict[int, int] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for index in originals:
        grams = trigrams(bodies[index])
        n = size[index] = len(grams)
        rare = sorted(map(rank.__getitem__, grams))[: n // 10 + MIN_SHARED]
        shared = Counter[int]()
        for gram in rare:
            shared.update(holders[gram])
            if len(holders[gram]) < MAX_HOLDERS:
                holders[gram].append(index)
        candidates = [
            (-count, other)
            for other, count in shared.items()
            if count >= min(MIN_SHARED, n) and 10 * min(n, size[other]) >= 9 * max(n, size[other])
        ]
        for _, other in sorted(sorted(candidates)[:MAX_COMPARED], key=itemgetter(1)):
            if is_similar(grams, trigrams_of(other)):
                yield Duplicate(index, other, exact=False)
                break


@lru_cache(maxsize=50_000)
def _word_trigrams(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[start : start + 3] for start in range(len(word) + 1))
