"""Compare two texts word by word, and merge the changes of two people."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

CONTEXT_CHARACTERS = 240  # characters of an unchanged passage that are shown next to a change
MAX_STEPS = 20_000_000  # of one comparison, about two seconds; beyond that a passage counts as one change
POPULAR_FROM = 200  # length in tokens from which difflib ignores those that are over 1% of all
_TOKENS_WITH_SPACE = re.compile(r"\w[\w’'-]*[ \t]*|\s+|[^\w\s][ \t]*")
_TOKENS = re.compile(r"\w[\w’'-]*|\s+|[^\w\s]")


class DiffPart(NamedTuple):
    """A piece of a passage. `kind` is "same", "del" (only in the old text) or "ins" (only in the new one)."""

    kind: str
    text: str

    @property
    def html(self) -> SafeString:
        """Return the text as HTML, as deleted or inserted if it is in one of the texts only."""
        if self.kind == "same":
            return escape(self.text)
        return format_html("<{0}>{1}</{0}>", self.kind, self.text)


class FoldedPassage(NamedTuple):
    """A long unchanged passage: its beginning and end, which are shown, and the folded middle."""

    head: str
    middle: str
    tail: str

    @property
    def words(self) -> int:
        return len(self.middle.split())


class DiffPassage(NamedTuple):
    """A part of a text, of one or more lines, changed or not."""

    parts: list[DiffPart]

    @property
    def is_same(self) -> bool:
        return all(part.kind == "same" for part in self.parts)

    @property
    def folded(self) -> FoldedPassage | None:
        """Return the passage with its middle folded; None if it is too short or has changes."""
        if (
            not self.is_same
            or len(text := "".join(part.text for part in self.parts)) < 4 * CONTEXT_CHARACTERS
        ):
            return None
        head = text[:CONTEXT_CHARACTERS].rsplit(maxsplit=1)[0]
        tail = text[-CONTEXT_CHARACTERS:].split(maxsplit=1)[-1]
        return FoldedPassage(head, text[len(head) : len(text) - len(tail)], tail)

    @property
    def old(self) -> list[DiffPart]:
        """Return the parts of the old text."""
        return [part for part in self.parts if part.kind != "ins"]

    @property
    def new(self) -> list[DiffPart]:
        """Return the parts of the new text."""
        return [part for part in self.parts if part.kind != "del"]


def compare(old: str, new: str) -> list[DiffPassage]:
    """Return the passages of both texts. Lines are compared first, then the words of those that differ."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    passages = []
    for tag, i1, i2, j1, j2 in _opcodes(before, after, is_junk=_is_blank):
        deleted, inserted = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal":
            passages.append(DiffPassage([DiffPart("same", deleted)]))
        elif i2 - i1 == j2 - j1 and _is_too_long(deleted, inserted):
            # Too long to be compared as one. Where both sides have as many lines, each is probably a change
            # of the line at the same place.
            pairs = zip(before[i1:i2], after[j1:j2], strict=True)
            passages += [DiffPassage(list(_diff_words(*pair))) for pair in pairs]
        else:
            passages.append(DiffPassage(list(_diff_words(deleted, inserted))))
    return passages


def merge(base: str, mine: str, theirs: str) -> str | None:
    """Return `base` with the changes of both; None if they touch, so that a person has to choose."""
    by_line = _merge_tokens(*(text.splitlines(keepends=True) for text in (base, mine, theirs)))
    if by_line is not None:
        return by_line
    return _merge_tokens(*(_TOKENS.findall(text) for text in (base, mine, theirs)))


def _diff_words(old: str, new: str) -> Iterator[DiffPart]:
    before, after = _TOKENS_WITH_SPACE.findall(old), _TOKENS_WITH_SPACE.findall(new)
    deleted = inserted = ""
    for tag, i1, i2, j1, j2 in _opcodes(_comparable_tokens(old), _comparable_tokens(new), autojunk=True):
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal" and (right.strip() or not (deleted or inserted)):
            # Each side keeps its own white space: where that differs after an equal word, it is a change.
            for same, old_space, new_space in _split_at_spaces(before[i1:i2], after[j1:j2]):
                if same:
                    yield from _changed_parts(deleted, inserted)
                    deleted = inserted = ""
                    yield DiffPart("same", same)
                deleted, inserted = deleted + old_space, inserted + new_space
        else:  # equal white space between two changes belongs to them: it would cut one change into many
            deleted, inserted = deleted + left, inserted + right
    yield from _changed_parts(deleted, inserted)


def _split_at_spaces(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the texts that both have, each with the white space that follows only in one or the other."""
    same = ""
    for left, right in zip(before, after, strict=True):
        if left == right:
            same += left
        else:
            word = left.rstrip()
            yield same + word, left[len(word) :], right[len(word) :]
            same = ""
    if same:
        yield same, "", ""


def _is_too_long(old: str, new: str) -> bool:
    return _steps(_comparable_tokens(old), _comparable_tokens(new), None, autojunk=True) > MAX_STEPS


def _comparable_tokens(text: str) -> list[str]:
    """Return the words and signs, without the white space around them."""
    return [word.strip() or ("\n" if "\n" in word else " ") for word in _TOKENS_WITH_SPACE.findall(text)]


def _changed_parts(old: str, new: str) -> Iterator[DiffPart]:
    for kind, text in (("del", old), ("ins", new)):
        if text:
            yield DiffPart(kind, text if text.strip() else text.replace("\n", "¶\n"))


class _Hunk(NamedTuple):
    """A change: the tokens from `start` to `end` of the base are replaced by `tokens`."""

    start: int
    end: int
    tokens: tuple[str, ...]


def _merge_tokens(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> str | None:
    my_hunks, their_hunks = set(_hunks(base, mine)), set(_hunks(base, theirs))
    for my_hunk in my_hunks - their_hunks:
        if any(my_hunk.start <= other.end and other.start <= my_hunk.end for other in their_hunks - my_hunks):
            return None
    merged: list[str] = []
    position = 0
    for hunk in sorted(my_hunks | their_hunks):
        if hunk.start < position:
            return None
        merged += [*base[position : hunk.start], *hunk.tokens]
        position = hunk.end
    return "".join([*merged, *base[position:]])


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
    """Yield the same opcodes as SequenceMatcher.get_opcodes, in bounded time.

    The common beginning and end are compared once. For each equal passage of the rest, difflib looks
    at every pair of equal lines: for 1,000 rewritten paragraphs, with empty lines between them, that was a
    million pairs a thousand times. Where this would take more than MAX_STEPS, `is_junk` names the tokens
    that difflib matches only next to others; what would still take more is returned as one change.
    """
    shortest = min(len(before), len(after))
    start = next((n for n in range(shortest) if before[n] != after[n]), shortest)
    rest = shortest - start
    end = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if start:
        yield ("equal", 0, start, 0, start)
    affordable = [junk for junk in (None, is_junk) if _steps(old, new, junk, autojunk) <= MAX_STEPS]
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
    """Return the largest number of pairs of equal tokens that SequenceMatcher may look at."""
    counts = Counter(new)
    popular = len(new) // 100 + 1 if autojunk and len(new) >= POPULAR_FROM else len(new)
    pairs = sum(
        n * counts[token]
        for token, n in Counter(old).items()
        if counts[token] <= popular and not (is_junk and is_junk(token))
    )
    return pairs * min(len(old), len(new))


def _is_blank(line: str) -> bool:
    return not line.strip()
