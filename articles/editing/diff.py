"""What differs between two texts, word by word; and the changes of two people to one text, put together."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

AROUND = 240  # characters of an unchanged passage that stand beside a change
STEPS_MOST = 20_000_000  # of one comparison, about two seconds; beyond them a passage is told as a whole
POPULAR = 200  # words, from which on difflib leaves out those that make up more than a hundredth
_SHOWN = re.compile(r"\w[\w’'-]*[ \t]*|\s+|[^\w\s][ \t]*")
_EXACT = re.compile(r"\w[\w’'-]*|\s+|[^\w\s]")


class Part(NamedTuple):
    """`kind`: "same", "del" (in the old text only) or "ins" (in the new one only)."""

    kind: str
    text: str


class Folded(NamedTuple):
    """A long passage that is the same: what stands beside the changes around it, and what is between."""

    head: str
    middle: str
    tail: str

    @property
    def words(self) -> int:
        return len(self.middle.split())


class Row(NamedTuple):
    """A passage of one or more lines, in reading order."""

    parts: list[Part]

    @property
    def is_same(self) -> bool:
        return all(part.kind == "same" for part in self.parts)

    @property
    def folded(self) -> Folded | None:
        """None where there is nothing to fold."""
        if not self.is_same or len(text := "".join(part.text for part in self.parts)) < 4 * AROUND:
            return None
        head = text[:AROUND].rsplit(maxsplit=1)[0]
        tail = text[-AROUND:].split(maxsplit=1)[-1]
        return Folded(head, text[len(head) : len(text) - len(tail)], tail)

    @property
    def old(self) -> list[Part]:
        return [part for part in self.parts if part.kind != "ins"]

    @property
    def new(self) -> list[Part]:
        return [part for part in self.parts if part.kind != "del"]


def compare(old: str, new: str) -> list[Row]:
    """Lines first, then the words of those that differ."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    rows = []
    for tag, i1, i2, j1, j2 in _opcodes(before, after, is_junk=_is_blank):
        gone, come = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal":
            rows.append(Row([Part("same", gone)]))
        elif i2 - i1 == j2 - j1 and _steps(_read(gone), _read(come), None, autojunk=True) > STEPS_MOST:
            # Too much to be read as one: as many lines on both sides are mostly the same ones, changed.
            pairs = zip(before[i1:i2], after[j1:j2], strict=True)
            rows += [Row(list(_words(*pair))) for pair in pairs]
        else:
            rows.append(Row(list(_words(gone, come))))
    return rows


def merge(base: str, mine: str, theirs: str) -> str | None:
    """Both changes of `base` in one text; None where they touch, so that a person has to choose."""
    by_line = _merge(*(text.splitlines(keepends=True) for text in (base, mine, theirs)))
    if by_line is not None:
        return by_line
    return _merge(*(_EXACT.findall(text) for text in (base, mine, theirs)))


def _words(old: str, new: str) -> Iterator[Part]:
    before, after = _SHOWN.findall(old), _SHOWN.findall(new)
    gone = come = ""
    for tag, i1, i2, j1, j2 in _opcodes(_read(old), _read(new), autojunk=True):
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal" and (right.strip() or not (gone or come)):
            yield from _changed(gone, come)
            gone = come = ""
            yield Part("same", right)
        else:  # white space between two changes would cut one into many
            gone, come = gone + left, come + right
    yield from _changed(gone, come)


def _read(text: str) -> list[str]:
    """The words as they are compared."""
    return [_bare(word) for word in _SHOWN.findall(text)]


def _bare(word: str) -> str:
    return word.strip() or ("\n" if "\n" in word else " ")


def _changed(old: str, new: str) -> Iterator[Part]:
    for kind, text in (("del", old), ("ins", new)):
        if text:
            yield Part(kind, text if text.strip() else text.replace("\n", "¶\n"))


class _Hunk(NamedTuple):
    start: int
    end: int
    words: tuple[str, ...]


def _merge(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> str | None:
    own, others = set(_hunks(base, mine)), set(_hunks(base, theirs))
    for one in own - others:
        if any(one.start <= other.end and other.start <= one.end for other in others - own):
            return None
    out: list[str] = []
    at = 0
    for hunk in sorted(own | others):
        if hunk.start < at:
            return None
        out += [*base[at : hunk.start], *hunk.words]
        at = hunk.end
    return "".join([*out, *base[at:]])


def _hunks(base: Sequence[str], changed: Sequence[str]) -> Iterator[_Hunk]:
    for tag, i1, i2, j1, j2 in _opcodes(base, changed, is_junk=_is_blank):
        if tag != "equal":
            yield _Hunk(i1, i2, tuple(changed[j1:j2]))


Opcode = tuple[str, int, int, int, int]


def _opcodes(
    before: Sequence[str],
    after: Sequence[str],
    *,
    is_junk: Callable[[str], bool] | None = None,
    autojunk: bool = False,
) -> Iterator[Opcode]:
    """Yield what SequenceMatcher.get_opcodes would, in a bounded time.

    What both begin and end with is compared once. difflib reads the rest once for each passage that is the
    same, and each time every pair of equal lines: of 1,000 paragraphs written anew, with the empty lines
    between them, that was a million pairs a thousand times. Where that would take more than STEPS_MOST, empty
    lines are its junk, which it matches beside others alone; what would take more still is one change.
    """
    least = min(len(before), len(after))
    start = next((n for n in range(least) if before[n] != after[n]), least)
    most = least - start
    end = next((n for n in range(most) if before[-1 - n] != after[-1 - n]), most)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if start:
        yield ("equal", 0, start, 0, start)
    affordable = [junk for junk in (None, is_junk) if _steps(old, new, junk, autojunk) <= STEPS_MOST]
    if old and new and affordable:
        matcher = SequenceMatcher(affordable[0], old, new, autojunk=autojunk)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            yield (tag, start + i1, start + i2, start + j1, start + j2)
    elif old or new:
        tag = "replace" if old and new else "delete" if old else "insert"
        yield (tag, start, start + len(old), start, start + len(new))
    if end:
        yield ("equal", len(before) - end, len(before), len(after) - end, len(after))


def _steps(
    old: Sequence[str], new: Sequence[str], is_junk: Callable[[str], bool] | None, autojunk: bool
) -> int:
    """The most pairs of equal ones that SequenceMatcher can look at."""
    counts = Counter(new)
    popular = len(new) // 100 + 1 if autojunk and len(new) >= POPULAR else len(new)
    pairs = sum(
        n * counts[one]
        for one, n in Counter(old).items()
        if counts[one] <= popular and not (is_junk and is_junk(one))
    )
    return pairs * min(len(old), len(new))


def _is_blank(line: str) -> bool:
    return not line.strip()
