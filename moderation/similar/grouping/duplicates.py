"""Groups of comments without text, and of duplicates by the same author. Pure functions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from comments import duplicates
from moderation.checks.text import has_visible_text
from moderation.similar.clues import EXACT
from moderation.similar.compared import ComparedComments
from moderation.similar.grouping.proposed_groups import (
    MIN_SIMILAR,
    GroupKind,
    ProposedGroup,
    ProposedMember,
    propose_group,
)

MAX_COMPARED_PAIRWISE = 40  # comments of one author that are compared pairwise first


def propose_missing_texts(compared: ComparedComments) -> ProposedGroup:
    """Propose comments whose text is missing."""
    members = [
        ProposedMember(index, 0.5 if row.body.strip() else 1.0, 0)
        for index, row in enumerate(compared.rows)
        if compared.can_join[index] and (row.text_missing or not has_visible_text(row.body))
    ]
    return ProposedGroup(GroupKind.MISSING, members)


Copies = Mapping[int, list[ProposedMember]]  # by the index of the row that they repeat


def find_copies(compared: ComparedComments) -> Copies:
    """Return the comments that repeat an earlier one by the same author."""
    by_writer: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(compared.rows):
        if row.state in {"pending", "published"}:
            by_writer[row.writer].append(index)
    copies: dict[int, list[ProposedMember]] = defaultdict(list)
    for indexes in by_writer.values():
        if len(indexes) > 1:
            for first, member in _copies_among(compared, indexes):
                if compared.can_join[member.row]:
                    copies[first].append(member)
    return copies


def propose_repeated(compared: ComparedComments, copies: Copies) -> Iterator[ProposedGroup]:
    """Propose copies of a comment that was repeated more than once, and those below another story.

    The first one is kept.
    """
    elsewhere: list[ProposedMember] = []
    for first, members in copies.items():
        discussions = {compared.rows[m.row].discussion for m in members}
        if len(discussions) >= MIN_SIMILAR:
            continue  # see propose_repeated_on_many_stories, which comes after the groups of spam
        if len(members) > 1:
            yield ProposedGroup(GroupKind.DUPLICATE, members, original=compared.rows[first].id)
        elif compared.rows[first].discussion not in discussions:
            elsewhere += members
    if len(elsewhere) >= MIN_SIMILAR:
        yield ProposedGroup(GroupKind.DUPLICATE, elsewhere)


def propose_repeated_on_many_stories(
    compared: ComparedComments, copies: Copies, is_grouped: bytearray
) -> Iterator[ProposedGroup]:
    """Propose the comments that one author repeated on many stories and that are in no other group.

    The first one is kept, unless they look like spam: then it is not more genuine than its copies.
    """
    for first, members in copies.items():
        if is_grouped[first] or len({compared.rows[m.row].discussion for m in members}) < MIN_SIMILAR:
            continue
        members = [member for member in members if not is_grouped[member.row]]
        indexes = [first, *(member.row for member in members)]
        if compared.are_suspicious(indexes):
            similar = (ProposedMember(index, 1.0, compared.clues[index]) for index in indexes)
            yield propose_group(compared, GroupKind.TEXT, similar)
        else:
            yield ProposedGroup(GroupKind.DUPLICATE, members, original=compared.rows[first].id)


def propose_posted_twice(compared: ComparedComments, copies: Copies, is_grouped: bytearray) -> ProposedGroup:
    """Propose the later one of two comments with the same text by one person in one discussion.

    If the first one is in a group itself, such as a flood, it is more than a mistake.
    """
    later = [
        members[0]
        for first, members in copies.items()
        if len(members) == 1
        and compared.rows[first].discussion == compared.rows[members[0].row].discussion
        and not is_grouped[first]
        and not is_grouped[members[0].row]
    ]
    return ProposedGroup(GroupKind.TWICE, later)


def _copies_among(compared: ComparedComments, indexes: Sequence[int]) -> Iterator[tuple[int, ProposedMember]]:
    """Yield the comments of one author that repeat an earlier one, each after the index of its row."""
    if len(indexes) <= MAX_COMPARED_PAIRWISE and not _may_be_duplicates(compared, indexes):
        return
    texts = [duplicates.normalize_text(compared.rows[index].body) for index in indexes]
    for later, first, is_exact in duplicates.find_duplicates(texts):
        if is_exact:
            yield indexes[first], ProposedMember(indexes[later], 1.0, EXACT)
        else:
            similarity = duplicates.similarity(*(duplicates.trigrams(texts[n]) for n in (later, first)))
            yield indexes[first], ProposedMember(indexes[later], similarity, 0)


def _may_be_duplicates(compared: ComparedComments, indexes: Sequence[int]) -> bool:
    """Return whether any two comments could be duplicates.

    They share most of their words, or have too few words to tell, as a text without spaces does.
    """
    word_sets = [set(compared.words[index]) for index in indexes]
    return any(
        len(one) < 6 or 2 * len(one & other) > max(len(one), len(other))
        for n, one in enumerate(word_sets)
        for other in word_sets[:n]
    )
