"""Warnings about comments that may be incomplete or in the wrong place of the tree."""

import re
from collections import Counter
from collections.abc import Iterator

from archive.formats.page import PageWarning, SavedComment, label
from archive.formats.soundoff.comments import LEVELS

GREETING = re.compile(r"(?:(?:hi|hello|hey|dear)\b[\s,]*)?(@?)\s*", re.IGNORECASE)
ADDRESSED = re.compile(r"\s*[,:;.!?…–—-]")  # follows the name of a person who is addressed
WORD = re.compile(r"[^\W_]+")


def incomplete_comment_warnings(comments: list[SavedComment]) -> Iterator[PageWarning]:
    """Yield warnings about comments without a text, a complete text or a name."""
    for comment in comments:
        if comment.text_missing == "all":
            yield PageWarning(comment.line, "no_text", f"{label(comment)} has no text.")
        elif comment.text_missing == "rest":
            yield PageWarning(
                comment.line,
                "fragment",
                f"{label(comment)} breaks off. The rest of its text is missing.",
            )
        if not comment.author:
            yield PageWarning(comment.line, "unnamed", f"{label(comment)} has no author’s name.")


def flattened_warnings(comments: list[SavedComment], heading: int) -> Iterator[PageWarning]:
    """Yield warnings about replies whose place in the tree may be wrong.

    The page shows three levels, so a reply to a comment on the third stands on the third level as well. There
    is one warning for each comment that addresses somebody other than the author above it, and one for all
    others that may be such replies.
    """
    names: dict[str, int] = {}  # names in the current tree, with the last comment of each
    first_words: set[str] = set()  # of these names
    siblings = Counter[int]()
    unclear: list[int] = []
    for comment in comments:
        if comment.parent is None:
            names, first_words = {}, set()
        elif comment.level == LEVELS:
            parent = comments[comment.parent - 1]
            name = _addressed_name(comment.body, names, first_words)
            if name and name not in _short_names(parent.author):
                target = comments[names[name] - 1]
                yield PageWarning(
                    comment.line,
                    "flattened",
                    f"{label(comment)} is a reply to {label(parent, 'comment')} on the page, but addresses"
                    f" {target.author}, the author of comment {target.number:,}.",
                )
            elif not name and siblings[parent.number]:
                unclear.append(comment.number)
            siblings[parent.number] += 1
        for name in _short_names(comment.author):
            names[name] = comment.number
            first_words.add(name.partition(" ")[0])
    if unclear:
        listed = ", ".join(f"{number:,}" for number in unclear[:20]) + (", …" if len(unclear) > 20 else "")
        text = (
            f"The page shows {LEVELS} levels, so a reply to a comment on the last level stands beside it."
            f" These comments may be such replies: {listed}."
        )
        yield PageWarning(heading, "flattened", text)


def _short_names(author: str) -> set[str]:
    """Return the names by which others may address an author: the full name and its first word."""
    words = WORD.findall(author.casefold())
    return {name for name in (" ".join(words), words[0] if words and len(words[0]) > 2 else "") if name}


def _addressed_name(body: str, names: dict[str, int], first_words: set[str]) -> str | None:
    """Return the name that the body addresses at its beginning: “@Jim …”, “Eben, …”, “Hi Maria! …”.

    `first_words` are those of all names. Most texts begin with another word, and are not searched further.
    """
    beginning = body[:200].casefold()
    start = GREETING.match(beginning)
    assert start
    first = WORD.search(beginning, start.end())
    if first is None or first[0] not in first_words:
        return None
    words = list(WORD.finditer(beginning, first.start()))[:8]
    for count in range(len(words), 0, -1):
        name = " ".join(word[0] for word in words[:count])
        if name in names and (start[1] or ADDRESSED.match(beginning, words[count - 1].end())):
            return name
    return None
