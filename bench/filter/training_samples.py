"""The comments that the starter is trained on, read as features, in folds of whole sources."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from bench.filter.sets import DATA, Kind, Row
from moderation.features.folding import fold_case_and_accents
from moderation.features.text_reading import ParsedComment
from moderation.features.words import find_words
from moderation.spam_filter.classifier import ngrams
from moderation.spam_filter.classifier.reference import (
    LETTERS,
    MIN_BLOCKED_LENGTH,
    Reference,
    letter_triples,
    ngram_hashes,
    text_hash,
)
from moderation.spam_filter.classifier.starter import read_values, shorten
from moderation.spam_filter.classifier.text_features import MAX_WORDS

Array = Any  # of numpy
BLOG_FOLDS = 8
NEWSPAPER_WEIGHT = 0.5
STORY_CHARACTERS = 5_000  # of a story that count for the reference
MIN_WORD_COUNT = 3  # of a known word in all stories
MIN_LOG_FREQUENCY = -9.0  # logarithm of the frequency that is stored as 0
LISTS = ("hostile/wordpress_comment_blocklist.txt", "spam/spambot_template_dump.txt")


def make_reference(rows: Iterable[Row]) -> Reference:
    """Return the reference data: words and letters of stories and newspapers, and both public lists."""
    rows = list(rows)
    stories = {(row.data.article_title, row.data.article_text) for row in rows if row.data.article_text}
    texts = [
        f"{title or ''}\n{(text or '')[:STORY_CHARACTERS]}" for title, text in sorted(map(_key, stories))
    ]
    texts += [row.data.body for row in rows if row.kind == Kind.NEWS]
    counts, triples, pairs = Counter[str](), Counter[int](), Counter[int]()
    for text in texts:
        words = find_words(fold_case_and_accents(text))
        found = letter_triples(" ".join(words))
        counts.update(words)
        triples.update(found)
        pairs.update(triple // LETTERS for triple in found)
    usual = [
        math.log((triples[n] + 0.5) / (pairs[n // LETTERS] + 500.0)) / -MIN_LOG_FREQUENCY + 1
        for n in range(LETTERS**3)
    ]
    dump = (DATA / LISTS[1]).read_text("utf-8").split("|\n")
    return Reference(
        words=frozenset(text_hash(word) for word, count in counts.items() if count >= MIN_WORD_COUNT),
        blocked=_blocked_terms((DATA / LISTS[0]).read_text("utf-8", errors="replace").splitlines()),
        spam_runs=frozenset(
            run for part in dump for run in ngram_hashes(find_words(fold_case_and_accents(part)))[-1]
        ),
        triples=bytes(max(0, min(255, round(255 * value))) for value in usual),
    )


def _key(story: tuple[str | None, str | None]) -> tuple[str, str]:
    return story[0] or "", story[1] or ""


@dataclass
class Samples:
    """Training comments with all that is read of them."""

    rows: Sequence[Row]
    values: list[dict[str, float]]
    slots: dict[str, list[list[int]]]  # by the kind of text
    runs: list[list[int]]
    is_spam: Array = field(init=False)
    source: Array = field(init=False)
    fold: Array = field(init=False)  # comments of one fold are left out together

    def __post_init__(self) -> None:
        self.is_spam = np.array([int(row.is_spam) for row in self.rows])
        self.source = np.array([row.source for row in self.rows])
        self.fold = np.array(fold_numbers(self.rows))

    @cached_property
    def folds(self) -> list[int]:
        return sorted(set(self.fold.tolist()))

    @cached_property
    def matrices(self) -> dict[str, Any]:
        return {kind: _matrix(slots, ngrams.BITS[kind]) for kind, slots in self.slots.items()}

    def weights(self, chosen: Array) -> Array:
        """Return the weights of the chosen comments: the root of a source's size, both labels alike."""
        counts = Counter(zip(self.source[chosen], self.is_spam[chosen], strict=True))
        weights = np.array(
            [
                counts[source, label] ** -0.5 * (NEWSPAPER_WEIGHT if row.kind == Kind.NEWS else 1.0)
                for source, label, row in zip(
                    self.source[chosen],
                    self.is_spam[chosen],
                    (self.rows[n] for n in np.flatnonzero(chosen)),
                    strict=True,
                )
            ]
        )
        for label in (0, 1):
            some = self.is_spam[chosen] == label
            weights[some] *= len(weights) / 2 / weights[some].sum()
        return weights


def read_samples(rows: Sequence[Row], reference: Reference) -> Samples:
    """Read the comments. Runs of spam are not counted here, as that takes their sources."""
    samples = Samples(rows, [], {kind: [] for kind in ngrams.BITS}, [])
    for row in rows:
        comment = shorten(ParsedComment(row.data))
        samples.values.append(read_values(comment, reference)[0])
        samples.runs.append(ngram_hashes(comment.word_texts[:MAX_WORDS])[-1])
        for kind, slots in ngrams.comment_slots(comment).items():
            samples.slots[kind].append(slots)
    return samples


def fold_numbers(rows: Sequence[Row]) -> list[int]:
    """Return the fold of each comment: whole blogs in BLOG_FOLDS folds of like size, other sources alone."""
    sizes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.kind == Kind.BLOG:
            sizes[row.source][row.is_spam] += 1
    loads, fold_of = [[0, 0] for _ in range(BLOG_FOLDS)], dict[str, int]()
    for source in sorted(sizes, key=lambda one: (-sum(sizes[one]), one)):
        good, spam = sizes[source]
        fold = min(range(BLOG_FOLDS), key=lambda n: (loads[n][0] + good) / 400 + (loads[n][1] + spam) / 200)
        fold_of[source] = fold
        loads[fold][0] += good
        loads[fold][1] += spam
    others = sorted({row.source for row in rows if row.kind != Kind.BLOG})
    return [
        fold_of[row.source] if row.kind == Kind.BLOG else BLOG_FOLDS + others.index(row.source)
        for row in rows
    ]


def _matrix(slots: Sequence[Sequence[int]], bits: int) -> Any:
    lengths = [len(some) for some in slots]
    values = np.repeat([1 / math.sqrt(max(1, length)) for length in lengths], lengths)
    columns = np.fromiter((slot for some in slots for slot in some), dtype=np.int32)
    return scipy.sparse.csr_matrix((values, columns, np.cumsum([0, *lengths])), shape=(len(slots), 1 << bits))


def _blocked_terms(lines: Iterable[str]) -> frozenset[int]:
    """Return the hashes of the terms of a block list that are long enough."""
    terms = (line.strip().lower() for line in lines)
    return frozenset(text_hash(term) for term in terms if len(term) >= MIN_BLOCKED_LENGTH and term[0] != "_")
