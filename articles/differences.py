"""What differs between two texts, word by word; and the changes of two people to one text, put together."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

AROUND = 240  # characters of an unchanged passage that stand beside a change
WORDS_MOST = 4_000_000  # pairs of words that are compared; beyond them a passage is told as a whole
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
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = "".join(before[i1:i2]), "".join(after[j1:j2])
        rows.append(Row([Part("same", gone)] if tag == "equal" else list(_words(gone, come))))
    return rows


def merge(base: str, mine: str, theirs: str) -> str | None:
    """Both changes of `base` in one text; None where they touch, so that a person has to choose."""
    by_line = _merge(*(text.splitlines(keepends=True) for text in (base, mine, theirs)))
    if by_line is not None:
        return by_line
    words = [_EXACT.findall(text) for text in (base, mine, theirs)]
    if len(words[0]) * max(len(words[1]), len(words[2])) > WORDS_MOST:
        return None
    return _merge(*words)


def _words(old: str, new: str) -> Iterator[Part]:
    before, after = _SHOWN.findall(old), _SHOWN.findall(new)
    if len(before) * len(after) > WORDS_MOST:
        yield from _changed(old, new)
        return
    gone = come = ""
    matcher = SequenceMatcher(None, [_bare(word) for word in before], [_bare(word) for word in after])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal" and (right.strip() or not (gone or come)):
            yield from _changed(gone, come)
            gone = come = ""
            yield Part("same", right)
        else:  # white space between two changes would cut one into many
            gone, come = gone + left, come + right
    yield from _changed(gone, come)


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
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, base, changed, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Hunk(i1, i2, tuple(changed[j1:j2]))
