"""Which comments repeat an earlier one.

Exact: equal after folding white space and case. Near: similarity as pg_trgm defines it (shared trigrams over
all trigrams of both) is at least 0.9. Letters of every script count.

Comparing every pair of 10,000 comments would be 50 million comparisons. Instead, with trigrams ordered from
rare to common: two texts of which the larger has n trigrams and that are similar enough share at least 0.9 n
of them, hence at least ENOUGH among the first 0.1 n + ENOUGH of each ("prefix filter"). An index over those
rare trigrams finds the few candidates, and only they are compared in full. Two caps keep it linear whatever
the input; 10,800 real comments did not reach them (the same pairs as by brute force, in a tenth of the time
at that size), and where text is made to reach them, a warning is missing and nothing else.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

SHORTEST = 40  # characters; "I agree" is said by many
LONGEST = 100_000  # more than anybody types; to compare it would only cost memory
ENOUGH = 6
MOST_HOLDERS = 100  # of one rare trigram
MOST_COMPARED = 10  # with one comment

_WORD = re.compile(r"[^\W_]+")


class Repeat(NamedTuple):
    position: int
    of: int  # the earlier one's position
    exact: bool


def find_repeats(bodies: Sequence[str]) -> Iterator[Repeat]:
    """Each body that repeats an earlier one, with the earliest that was found: exact ones, then near ones."""
    originals: list[int] = []
    seen: dict[bytes, int] = {}
    for index, body in enumerate(bodies):
        if len(body) > LONGEST:
            continue
        folded = fold(body)
        if len(folded) < SHORTEST:
            continue
        # A digest, so that a large file is not held in memory twice.
        first = seen.setdefault(blake2b(folded.encode(), digest_size=16).digest(), index)
        if first == index:
            originals.append(index)
        else:
            yield Repeat(index, first, exact=True)
    yield from _near_repeats(bodies, originals)


def fold(text: str) -> str:
    """A text for comparison: white space and case do not count."""
    return " ".join(text.split()).casefold()


def trigrams(text: str) -> frozenset[str]:
    """As pg_trgm's show_trgm(): of each word in lower case, with two spaces before and one after."""
    return frozenset().union(*map(_word_trigrams, set(_WORD.findall(text.lower()))))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """As pg_trgm's similarity(): 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 0.0


def similar(a: frozenset[str], b: frozenset[str]) -> bool:
    """pg_trgm's similarity() is at least 0.9, in integers."""
    shared = len(a & b)
    return bool(shared) and 10 * shared >= 9 * (len(a) + len(b) - shared)


def _near_repeats(bodies: Sequence[str], originals: list[int]) -> Iterator[Repeat]:
    frequency = Counter[str]()
    for index in originals:
        frequency.update(trigrams(bodies[index]))
    # Equal ones by their letters, not as a set gives them, whose order differs from process to process.
    rank = {gram: n for n, gram in enumerate(sorted(frequency, key=lambda gram: (frequency[gram], gram)))}
    # The trigrams are made again when needed: to keep them would take many times the memory of the text.
    again = lru_cache(maxsize=1000)(lambda index: trigrams(bodies[index]))
    size: dict[int, int] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for index in originals:
        grams = trigrams(bodies[index])
        n = size[index] = len(grams)
        rare = sorted(map(rank.__getitem__, grams))[: n // 10 + ENOUGH]
        shared = Counter[int]()
        for gram in rare:
            shared.update(holders[gram])
            if len(holders[gram]) < MOST_HOLDERS:
                holders[gram].append(index)
        candidates = [
            (-count, other)
            for other, count in shared.items()
            if count >= min(ENOUGH, n) and 10 * min(n, size[other]) >= 9 * max(n, size[other])
        ]
        for _, other in sorted(sorted(candidates)[:MOST_COMPARED], key=itemgetter(1)):
            if similar(grams, again(other)):
                yield Repeat(index, other, exact=False)
                break


@lru_cache(maxsize=50_000)
def _word_trigrams(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[start : start + 3] for start in range(len(word) + 1))
