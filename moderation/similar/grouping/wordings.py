"""Groups of comments that are made of the same phrases. Pure functions."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from moderation.features.links import typed_hosts
from moderation.features.words import RUN_LENGTH, lowercase_words, word_runs
from moderation.similar.clues import PROMOTIONAL_SCORE, SPUN, ComparedComments
from moderation.similar.grouping.proposals import (
    MIN_SIMILAR,
    Kind,
    Proposal,
    ProposedMember,
    UnionFind,
    propose,
)

MIN_COVERAGE = 0.5  # share of a text's words that stand in runs shared with others
MIN_COVERED_WORDS = 8


def shared_wordings(compared: ComparedComments, is_grouped: bytearray) -> Iterator[Proposal]:
    """Propose texts made from one template: most of their words stand in runs shared with other texts.

    Templates whose texts are mostly promotional are one group, because a bot has dozens of templates.
    Quotations of the article or of the parent comment do not count as shared.
    """
    runs_of = [word_runs(words) for words in compared.words]
    common = _common_runs(compared, runs_of, is_grouped)
    places_of_run: dict[int, list[int]] = defaultdict(list)
    for place, own in enumerate(common):
        for run in runs_of[place] if own else ():
            if run in own:
                places_of_run[run].append(place)
    shared = {
        run
        for run, places in places_of_run.items()
        if len(places) >= MIN_SIMILAR and len({compared.people[p] for p in places}) >= MIN_SIMILAR
    }
    covered = {
        p: _count_covered_words(runs_of[p], shared & common[p])
        for p in range(len(compared.rows))
        if not shared.isdisjoint(common[p])
    }
    spun = {
        p for p, n in covered.items() if n >= MIN_COVERED_WORDS and n >= MIN_COVERAGE * len(compared.words[p])
    }
    union = UnionFind()
    for run, places in places_of_run.items():
        if run in shared:
            similar = [p for p in places if p in spun]
            for place in similar[1:]:
                union.join(similar[0], place)
    for place in sorted(spun):  # a bot has many templates, but few names to promote
        union.join(("name", compared.rows[place].name.casefold()), place)
        for host in sorted(typed_hosts(compared.rows[place].body)):
            union.join(("host", host), place)
    promotional: list[int] = []
    wordings = 0
    for places in union.sets(sorted(spun)):
        promotional_places = compared.promotional(places, PROMOTIONAL_SCORE / 2)
        if len(places) >= MIN_SIMILAR and 3 * len(promotional_places) >= 2 * len(places):
            promotional += places
            wordings += 1
        else:
            yield propose(compared, Kind.TEXT, [_spun(compared, p, covered[p]) for p in places])
    proposal = propose(compared, Kind.TEXT, [_spun(compared, p, covered[p]) for p in sorted(promotional)])
    proposal.shared = {"wordings": wordings}
    yield proposal


def _common_runs(
    compared: ComparedComments, runs_of: Sequence["array[int]"], is_grouped: bytearray
) -> list[set[int]]:
    """Return for each comment the runs that other comments share and that are no quotations."""
    repeated = _repeated_runs(runs_of)
    quoted: dict[int, set[int]] = {}
    by_id = {row.id: place for place, row in enumerate(compared.rows)}
    common: list[set[int]] = []
    for place, row in enumerate(compared.rows):
        own = repeated.intersection(runs_of[place]) if not is_grouped[place] else set[int]()
        if own:
            if row.discussion not in quoted:
                quoted[row.discussion] = set(
                    word_runs(lowercase_words(compared.stories[row.discussion].text))
                )
            own -= quoted[row.discussion]
            if row.parent in by_id:
                own.difference_update(runs_of[by_id[row.parent]])
        common.append(own)
    return common


def _spun(compared: ComparedComments, place: int, covered: int) -> ProposedMember:
    """Return a member made of shared phrases; `covered` is the number of its shared words."""
    return ProposedMember(place, min(1.0, covered / len(compared.words[place])), compared.clues[place] | SPUN)


def _repeated_runs(runs_of: Iterable["array[int]"]) -> set[int]:
    """Return the runs that occur in more than one text, without storing the texts of all runs."""
    seen: set[int] = set()
    repeated: set[int] = set()
    for runs in runs_of:
        own = set(runs)
        repeated |= seen & own if len(seen) < len(own) else {run for run in own if run in seen}
        seen |= own
    return repeated


def _count_covered_words(runs: "array[int]", shared: set[int]) -> int:
    """Return how many words stand in a shared run."""
    count, end = 0, 0
    for place, run in enumerate(runs):
        if run in shared:
            count += place + RUN_LENGTH - max(end, place)
            end = place + RUN_LENGTH
    return count
