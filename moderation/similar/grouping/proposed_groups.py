"""Proposals of groups, and sets of comments that are joined by what they share. Pure functions."""

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from moderation.models import CommentGroup
from moderation.similar.clues import promotion_score
from moderation.similar.compared import ComparedComments

GroupKind = CommentGroup.Kind
H = TypeVar("H", bound=Hashable)

MIN_SIMILAR = 3  # similar comments that make a group
MIN_MEMBERS = 2  # … of which this many must still be undecided


def min_members(kind: str) -> int:
    """Return the least size of a group. A comment that was posted twice counts as two with the first."""
    return 1 if kind == GroupKind.TWICE else MIN_MEMBERS


class ProposedMember(NamedTuple):
    """A member of a proposed group."""

    row: int  # index of the row
    similarity: float
    clues: int


@dataclass(slots=True)
class ProposedGroup:
    """A proposed group."""

    kind: GroupKind
    members: list[ProposedMember]
    original: int | None = None  # id of the comment that they duplicate
    details: dict[str, object] = field(default_factory=dict)  # CommentGroup.details
    evidence: list[int] = field(default_factory=list)  # row indexes of similar comments that are no members


def propose_group(
    compared: ComparedComments, kind: GroupKind, similar: Iterable[ProposedMember]
) -> ProposedGroup:
    """Propose a group; similar comments that cannot be members are its evidence."""
    members, evidence = [], []
    for comment in similar:
        if compared.can_join[comment.row]:
            members.append(comment)
        else:
            evidence.append(comment.row)
    return ProposedGroup(kind, members, evidence=evidence)


def propose_group_by_clues(
    compared: ComparedComments, kind: GroupKind, indexes: Iterable[int]
) -> ProposedGroup:
    """Propose a group in which the similarity of a member is its promotional score."""
    clues = compared.clues
    return propose_group(
        compared,
        kind,
        (
            ProposedMember(index, min(1.0, promotion_score(clues[index]) / 2), clues[index])
            for index in indexes
        ),
    )


def make_disjoint(groups: Iterable[ProposedGroup], is_grouped: bytearray) -> Iterator[ProposedGroup]:
    """Yield the groups, the largest first, without the members of earlier ones. Updates `is_grouped`."""
    heap: list[tuple[int, int, ProposedGroup]] = []
    for n, group in enumerate(groups):
        heap.append((-len(group.members), n, group))
    heapq.heapify(heap)
    while heap:
        size, n, group = heapq.heappop(heap)
        group.members = [m for m in group.members if not is_grouped[m.row]]
        if len(group.members) < -size:
            heapq.heappush(heap, (-len(group.members), n, group))
        elif group.members and len(group.members) + len(group.evidence) >= MIN_SIMILAR:
            for member in group.members:
                is_grouped[member.row] = 1
            yield group


class UnionFind:
    """Disjoint sets that can be joined (union-find)."""

    def __init__(self) -> None:
        self.parents: dict[Hashable, Hashable] = {}

    def root(self, one: Hashable) -> Hashable:
        """Return the representative of the set of an element."""
        parent = self.parents.setdefault(one, one)
        while parent != one:
            self.parents[one] = self.parents[parent]
            one, parent = parent, self.parents[parent]
        return one

    def join(self, one: Hashable, other: Hashable) -> None:
        """Join the sets of two elements."""
        a, b = self.root(one), self.root(other)
        if a != b:
            self.parents[b] = a

    def sets(self, elements: Iterable[H]) -> list[list[H]]:
        """Return the sets of these elements, each in the given order."""
        found: dict[Hashable, list[H]] = defaultdict(list)
        for element in elements:
            found[self.root(element)].append(element)
        return list(found.values())
