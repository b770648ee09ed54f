"""Groups of comments without text, and of duplicates by the same author. Pure functions."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from comments import duplicates
from moderation.checks.text import has_visible_text
from moderation.similar.clues import EXACT, ComparedComments
from moderation.similar.grouping.proposals import MIN_SIMILAR, Kind, Proposal, ProposedMember

MAX_COMPARED_PAIRWISE = 40  # comments of one author that are compared pairwise first


def missing(compared: ComparedComments) -> Proposal:
    """Propose comments whose text is missing."""
    members = [
        ProposedMember(place, 0.5 if row.body.strip() else 1.0, 0)
        for place, row in enumerate(compared.rows)
        if compared.can_join[place] and (row.text_missing or not has_visible_text(row.body))
    ]
    return Proposal(Kind.MISSING, members)


def duplicates_by_author(compared: ComparedComments) -> Iterator[Proposal]:
    """Propose duplicates by the same author. The first one is kept; see `wordings` for several authors."""
    by_writer: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(compared.rows):
        if row.state in {"pending", "published"}:
            by_writer[row.writer].append(place)
    by_original: dict[int, list[ProposedMember]] = defaultdict(list)
    for places in by_writer.values():
        if len(places) > 1:
            for first, member in _duplicates_of(compared, places):
                if compared.can_join[member.row]:
                    by_original[first].append(member)
    single: list[ProposedMember] = []
    for first, members in by_original.items():
        if len({compared.rows[m.row].discussion for m in members}) >= MIN_SIMILAR:
            continue  # across many stories the first one is not more genuine than the others
        if len(members) < 2:
            single += members
            continue
        yield Proposal(Kind.DUPLICATE, members, original=compared.rows[first].id)
    if len(single) >= MIN_SIMILAR:
        yield Proposal(Kind.DUPLICATE, single)


def _duplicates_of(compared: ComparedComments, places: Sequence[int]) -> Iterator[tuple[int, ProposedMember]]:
    """Yield pairs of an earlier comment's index and its duplicate, among the comments of one author."""
    if len(places) <= MAX_COMPARED_PAIRWISE and not _may_be_duplicates(compared, places):
        return
    folded = [duplicates.fold(compared.rows[p].body) for p in places]
    for later, first, is_exact in duplicates.find_duplicates(folded):
        if is_exact:
            yield places[first], ProposedMember(places[later], 1.0, EXACT)
        else:
            similarity = duplicates.similarity(*(duplicates.trigrams(folded[n]) for n in (later, first)))
            yield places[first], ProposedMember(places[later], similarity, 0)


def _may_be_duplicates(compared: ComparedComments, places: Sequence[int]) -> bool:
    """Return whether any two comments could be duplicates.

    They share most of their words, or have too few words to tell, as a text without spaces does.
    """
    have = [set(compared.words[p]) for p in places]
    return any(
        len(one) < 6 or 2 * len(one & other) > max(len(one), len(other))
        for n, one in enumerate(have)
        for other in have[:n]
    )
