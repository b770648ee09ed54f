"""Candidates for the parent of a comment: comments that it may reply to, a search, and their warnings."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from comments.duplicates import normalize_text
from comments.models import Comment, Reason, State
from core.query_forms import parse_whole_number
from moderation.explanations import format_age, format_elapsed
from moderation.reply_structure.pages import excerpt_of, with_beginnings

MAX_LISTED = 20  # results of a search
MAX_NAMED = 5  # comments by people that the text names
MAX_BEFORE = 3  # comments just before the comment to move
MAX_NAMES = 2_000  # names that are looked for in the text
MAX_SEARCH_WORDS = 10
MIN_DAYS_SHOWN_AS_MONTHS = 60  # a duration of this many days or more is given in months and years


@dataclass(frozen=True)
class Candidate:
    """A comment under which another one can be moved."""

    comment: Any  # a Comment without its texts
    excerpt: str
    why: str  # "As it is now", "Named in the text"; "" for others
    warnings: list[str]  # see find_warnings


def find_warnings(comment: Comment, parent: Comment | None) -> list[str]:
    """Return sentences about a new parent that was written later, or whose text readers do not see.

    Imported times can be wrong, so such a move stays possible, but a person should know. The present parent
    has no warnings. The move must be possible (comments.services.moves.find_obstacle).
    """
    if parent is None or parent.pk == comment.parent_id:
        return []
    found = []
    # Only the number and the state of a restricted comment are shown, so its time must not be compared.
    if parent.created_at > comment.created_at and parent.state_reason != Reason.RESTRICTED:
        text = _("Written %(duration)s after this comment.")
        elapsed = parent.created_at - comment.created_at
        duration = (
            format_age(elapsed.days) if elapsed.days >= MIN_DAYS_SHOWN_AS_MONTHS else format_elapsed(elapsed)
        )
        found.append(text % {"duration": duration})
    if parent.state != State.PUBLISHED:
        text = _("%(state)s: readers see only a placeholder in its place.")
        found.append(text % {"state": parent.state_label})
    return found


def find_candidates(comment: Comment, text: str, *, chosen: int | None) -> list[Candidate]:
    """Return the comments that contain each word of `text` in their text or name, or have this number.

    They are in the order of time. Without `text` they are the likely parents. `chosen` is the number of
    another one to list first.
    """
    others = _possible_parents(comment)
    found: dict[int, Candidate] = {}
    if chosen:
        _add(found, comment, others.filter(pk=chosen), "")
    if text:
        _add(
            found,
            comment,
            others.filter(search_condition(text)).order_by("created_at", "pk")[:MAX_LISTED],
            "",
        )
    else:
        _add_likely_parents(found, comment, others)
    return list(found.values())


def _add_likely_parents(found: dict[int, Candidate], comment: Comment, others: QuerySet[Comment]) -> None:
    """Add the present parent, comments by people that the text names, and those just before it."""
    earlier = others.filter(created_at__lte=comment.created_at).order_by("-created_at", "-pk")
    if comment.parent_id:
        _add(found, comment, others.filter(pk=comment.parent_id), _("As it is now"))
    names = earlier.order_by("author_name").values_list("author_name", flat=True).distinct()[:MAX_NAMES]
    text = _words(comment.body)
    named = [name for name in names if len(name) > 1 and (words := _words(name)).strip() and words in text]
    if named:
        _add(found, comment, earlier.filter(author_name__in=named)[:MAX_NAMED], _("Named in the text"))
    _add(found, comment, earlier[:MAX_BEFORE], _("Just before it"))


def search_condition(text: str) -> Q:
    """Return a condition for comments that contain each word in their text or name, or have this number."""
    found = Q()
    for word in text.split()[:MAX_SEARCH_WORDS]:
        found &= Q(author_name__icontains=word) | Q(
            search_text__normalized_body__contains=normalize_text(word)
        )
    number = parse_whole_number(text.strip().removeprefix("#"), any_script=True)
    return found if number is None else found | Q(pk=number)


def _words(text: str) -> str:
    """Return the normalized words of a text, each between spaces, so that "Ed" is not found in "edited"."""
    return " ".join(["", *re.findall(r"\w+", normalize_text(text)), ""])


def _possible_parents(comment: Comment) -> QuerySet[Comment]:
    """Return the comments of the discussion except for this one, its replies and restricted ones."""
    branch = Q(tree_id=comment.tree_id, lft__gte=comment.lft, rght__lte=comment.rght)
    rows = Comment.objects.filter(discussion=comment.discussion_id).exclude(branch)
    rows = rows.exclude(state_reason=Reason.RESTRICTED)
    return with_beginnings(rows)


def _add(found: dict[int, Candidate], comment: Comment, rows: Iterable[Any], why: str) -> None:
    """Add these rows as candidates, unless they are there already."""
    for row in rows:
        found.setdefault(row.pk, Candidate(row, excerpt_of(row), why, find_warnings(comment, row)))
