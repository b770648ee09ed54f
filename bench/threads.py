"""Made-up threads for benches, the same at every run.

A third of the comments are top-level. The others reply to an existing comment: half of them to a recent one,
half to one chosen in proportion to its replies. They are at most 24 levels deep. Bodies have 60 to 600
characters, most of them few. Words are made up, but have the lengths, frequencies and letters of English:
otherwise a comparison by trigrams would have ten times as much to compare, or nothing.
"""

from collections import defaultdict
from itertools import accumulate
from random import Random
from typing import NamedTuple

SEED, ROOTS, DEPTH = 20130619, 0.35, 24
COMMON = (
    "the of and to in a is that it was for on with as be at by this not are but from or have an they which "
    "you were all her she there would their we him been has when who will no more if out so up said what"
).split()
STARTS = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr qu r s sh sk sl sm sn sp st str sw t th tr "
    "tw v w y z"
).split()
VOWELS = "a a a e e e e i i i o o o u u ai ea ee ie io oa oo ou ay y".split()
ENDS = "b ck d d f g l ll ld m mp n n n nd ng nk nt p r r rd rk rm rn rt s s ss st t t tch th v x".split()
FIRST = ("Red", "Blue", "Old", "New", "Quiet", "Loud", "Fair", "Tough", "Late", "Early")
LAST = ("fox", "owl", "reader", "voter", "clerk", "pilot", "nurse", "gull", "tree", "river")


class ThreadComment(NamedTuple):
    """A comment of a made-up thread."""

    parent: int | None  # index in the same list
    depth: int
    name: str
    at: float  # 0 to 1, the fraction of the thread's duration
    body: str


class Words:
    """A generator of texts from one random sequence."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.words = list(COMMON)
        made = Random(SEED)  # the same words in every thread
        while len(self.words) < 8_000:
            self.words.append("".join(_syllable(made) for _ in range(made.choice((1, 2, 2, 2, 3, 3)))))
        self.weights = list(accumulate(1 / (place + 3) for place in range(len(self.words))))

    def body(self) -> str:
        wanted = min(600, max(60, int(self.random.lognormvariate(5.2, 0.6))))
        sentences, length = [], 0
        while length < wanted:
            words = self.random.choices(self.words, cum_weights=self.weights, k=self.random.randint(5, 16))
            sentences.append(" ".join(words).capitalize() + self.random.choice("...!?"))
            length += len(sentences[-1]) + 1
        return " ".join(sentences)[:600].rstrip()


def _syllable(random: Random) -> str:
    end = random.choice(ENDS) if random.random() < 0.5 else ""
    return random.choice(STARTS) + random.choice(VOWELS) + end


def article() -> str:
    """Return the body of a made-up story."""
    words = Words(SEED)
    return "\n\n".join(f"{words.body()} {words.body()}" for _ in range(12))


def thread(count: int) -> list[ThreadComment]:
    """Return a made-up thread of this many comments."""
    random, words = Random(SEED + count), Words(SEED + count)
    comments: list[ThreadComment] = []
    answered: list[int] = []  # each comment once, and once more for each reply
    for place in range(count):
        parent = None if not comments or random.random() < ROOTS else _answered(random, comments, answered)
        answered.append(place)
        if parent is not None:
            answered.append(parent)
        name = random.choice(FIRST) + random.choice(LAST)
        depth = 0 if parent is None else comments[parent].depth + 1
        comments.append(ThreadComment(parent, depth, name, place / count, words.body()))
    return comments


def one_tree(count: int) -> list[ThreadComment]:
    """Return a thread that is a single tree: all comments are below the first one."""
    return [
        row._replace(parent=0, depth=1) if place and row.parent is None else row
        for place, row in enumerate(thread(count))
    ]


def same_trees(small: list[ThreadComment], large: list[ThreadComment]) -> list[int]:
    """Return positions in `large` of whole trees that are as many and as large as those of `small`."""
    by_size: dict[int, list[list[int]]] = defaultdict(list)
    for tree in _trees(large):
        by_size[len(tree)].append(tree)
    chosen: list[int] = []
    for tree in _trees(small):
        nearest = min((size for size in by_size if by_size[size]), key=lambda size: abs(size - len(tree)))
        chosen += by_size[nearest].pop()
    return chosen


def _trees(comments: list[ThreadComment]) -> list[list[int]]:
    root: list[int] = []
    trees: dict[int, list[int]] = {}
    for place, row in enumerate(comments):
        root.append(place if row.parent is None else root[row.parent])
        trees.setdefault(root[place], []).append(place)
    return list(trees.values())


def _answered(random: Random, comments: list[ThreadComment], answered: list[int]) -> int | None:
    for _ in range(20):
        if random.random() < 0.5:
            place = max(0, len(comments) - 1 - int(random.expovariate(1 / 12)))
        else:
            place = random.choice(answered)
        if comments[place].depth < DEPTH:
            return place
    return None
