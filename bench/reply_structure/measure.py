"""Flatten threads whose true reply structure is known, restore it, and count what was found."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from bench.reply_structure.threads import SavedPage, Thread, TrueComment
from moderation.features.folding import fold_case_and_accents
from moderation.features.word_lists import STOP_WORDS
from moderation.reply_structure.inference import ProposedParent, ThreadComment, infer_parents

# A passage in quotation marks, or a line after ">".
QUOTATION = re.compile(r"[\"“”„«»]([^\"“”„«»]+)[\"“”„«»]|^[ \t]*>(.+)", re.MULTILINE)
MIN_QUOTED = 4  # words


@dataclass
class Counts:
    """Counts over flattened threads. A proposal is right only if it names the very comment."""

    replies: int = 0  # replies whose parent was lost
    named: int = 0  # … that name or quote whom they answer
    proposed: int = 0
    right: int = 0
    top_level: int = 0  # proposals for comments that the export has at the top level
    named_proposed: int = 0  # proposals for replies that name or quote whom they answer
    named_right: int = 0
    by_rule: Counter[tuple[str, str]] = field(default_factory=Counter)  # by rule and result

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def depth(thread_list: Iterable[Thread]) -> int:
    """Return the number of levels of the deepest of these threads."""
    return max(comment.level for thread in thread_list for comment in flatten(thread, 1_000))


def flatten(thread: Thread, levels: int) -> list[ThreadComment]:
    """Return the thread with at most so many levels, as a site with that limit shows it."""
    parents, depths = {one.number: one.parent for one in thread.comments}, dict[int, int]()
    comments = []
    for one in thread.comments:  # by time, so a parent comes first
        depths[one.number] = depths[one.parent] + 1 if one.parent else 1
        parent, level = one.parent, depths[one.number]
        while level > levels:
            parent, level = (parents[parent] if parent else None), level - 1
        comments.append(ThreadComment(one.number, one.author, one.text, one.at, parent, level))
    return comments


def count_source(thread_list: Iterable[Thread], levels: int) -> Counts:
    """Flatten and restore threads, and return what was found."""
    counts = Counts()
    for thread in thread_list:
        flat = flatten(thread, levels)
        _add(
            counts,
            thread.comments,
            flat,
            infer_parents(flat, story_authors=thread.story_authors, story=thread.story),
        )
    return counts


def count_saved(pages: Iterable[SavedPage]) -> Counts:
    """Restore saved pages as they are, and return what was found."""
    counts = Counts()
    for page in pages:
        true = [
            TrueComment(one.number, one.author, one.text, one.at, page.parents[one.number])
            for one in page.comments
        ]
        _add(counts, true, page.comments, infer_parents(page.comments))
    return counts


def _add(
    counts: Counts, thread: list[TrueComment], flat: list[ThreadComment], found: list[ProposedParent]
) -> None:
    by_number = {one.number: one for one in thread}
    proposals = {proposal.comment: proposal for proposal in found}
    for true, shown in zip(thread, flat, strict=True):
        proposal = proposals.get(true.number)
        is_right = proposal is not None and proposal.parent == true.parent
        is_named = true.parent is not None and names_or_quotes(true, by_number[true.parent])
        if proposal:
            is_top_level = true.parent is None
            counts.proposed += 1
            counts.right += is_right
            counts.top_level += is_top_level
            counts.named_proposed += is_named
            counts.by_rule[
                proposal.reason, "right" if is_right else "top-level" if is_top_level else "wrong"
            ] += 1
        if true.parent is not None and shown.parent != true.parent:
            counts.replies += 1
            counts.named += is_named
            counts.named_right += is_named and is_right


def names_or_quotes(reply: TrueComment, parent: TrueComment) -> bool:
    """Return whether a reply has the name of its true parent's author, or a quotation of at least four words.

    The name, or its first word, may stand anywhere in the reply, also where the rules do not look for it.
    """
    if reply.author == parent.author:
        return False
    text, name = _words(reply.text), _words(parent.author)
    names = [name, name[:1]] if name and len(name[0]) > 2 and name[0] not in STOP_WORDS else [name]
    if any(_contains(text, one) for one in names if one):
        return True
    quoted = [_words(match[1] or match[2]) for match in QUOTATION.finditer(reply.text)]
    return any(len(words) >= MIN_QUOTED and _contains(_words(parent.text), words) for words in quoted)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold_case_and_accents(text))


def _contains(words: list[str], part: list[str]) -> bool:
    return any(words[place : place + len(part)] == part for place in range(len(words)))
