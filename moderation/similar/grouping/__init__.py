"""Grouping of similar comments. Pure functions: rows in, groups out.

Each comment belongs to at most one group: missing text or duplicates first, else the largest one, and
last what one author repeated on many stories or posted twice. So sizes can be added up, and a decision on one
group does not affect another. Comments that a person kept and known spam are never members, but count as
evidence that others are similar ("9 similar ones are already spam").
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from moderation.similar.clues import promotion_score
from moderation.similar.compared import PROMOTIONAL_SCORE, ComparedComments, Row, Story
from moderation.similar.grouping import duplicates, floods, properties, wordings
from moderation.similar.grouping.proposed_groups import (
    MIN_SIMILAR,
    ProposedGroup,
    make_disjoint,
    min_members,
)

__all__ = ["MIN_SIMILAR", "GroupingResult", "ProposedGroup", "find_groups"]

DOUBTFUL_SCORE = 0.6  # lowest sum of WEIGHTS of a late comment that deserves a review


class GroupingResult(NamedTuple):
    """The proposed groups, and doubtful comments without a group."""

    groups: list[ProposedGroup]  # largest first
    doubts: list[int]  # ids: the most doubtful comment of each discussion that is in no group


def find_groups(rows: Sequence[Row], stories: Mapping[int, Story]) -> GroupingResult:
    """Find groups of similar comments. `rows` are ordered by time, `stories` are by discussion."""
    compared = ComparedComments(rows, stories)
    is_grouped = bytearray(len(rows))
    copies = duplicates.find_copies(compared)
    duplicate_groups = [
        duplicates.propose_missing_texts(compared),
        *duplicates.propose_repeated(compared, copies),
    ]
    for group in duplicate_groups:
        for member in group.members:
            is_grouped[member.row] = 1
    others = [
        *wordings.propose_shared_wordings(compared, is_grouped),
        *wordings.propose_shared_templates(compared, is_grouped),
        floods.propose_late(compared),
        floods.propose_search_phrases(compared),
        *floods.propose_shared_contacts(compared),
        *floods.propose_shared_origins(compared),
        *floods.propose_bursts(compared),
        *floods.propose_early_floods(compared),
    ]
    chosen = [group for group in duplicate_groups if group.members]
    chosen += make_disjoint(others, is_grouped)
    chosen += make_disjoint(floods.propose_name_patterns(compared, is_grouped), is_grouped)
    chosen += duplicates.propose_repeated_on_many_stories(compared, copies, is_grouped)
    chosen.append(duplicates.propose_posted_twice(compared, copies, is_grouped))
    groups = [group for group in chosen if len(group.members) >= min_members(group.kind)]
    # Rows of groups with too few undecided members.
    ungrouped = frozenset(p.members[0].row for p in chosen if 0 < len(p.members) < min_members(p.kind))
    properties.lower_similarity_of_outliers(compared, groups)
    properties.describe_groups(compared, groups)
    groups.sort(key=lambda p: (-len(p.members), p.kind, rows[p.members[0].row].id))
    return GroupingResult(groups, _find_doubts(compared, groups, ungrouped))


def _find_doubts(
    compared: ComparedComments, groups: Iterable[ProposedGroup], ungrouped: frozenset[int]
) -> list[int]:
    """Return the id of the most doubtful comment of each discussion that is in no group."""
    grouped = {member.row for group in groups for member in group.members}
    highest: dict[int, tuple[float, int]] = {}
    for index, row in enumerate(compared.rows):
        if compared.can_join[index] and index not in grouped:
            doubt = promotion_score(compared.clues[index]) if compared.is_late[index] else 0.0
            if index in ungrouped:
                doubt = max(doubt, PROMOTIONAL_SCORE)
            if doubt >= DOUBTFUL_SCORE and (-doubt, row.id) < highest.get(row.discussion, (0.0, 0)):
                highest[row.discussion] = (-doubt, row.id)
    return [pk for _, pk in sorted(highest.values())]
