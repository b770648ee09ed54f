"""Groups of comments that are made of the same phrases, or from one template. Pure functions."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from moderation.features.contacts import EMAIL_ADDRESS
from moderation.features.links import TYPED_LINK
from moderation.features.words import RUN_LENGTH, lowercase_words, word_runs
from moderation.similar.clues import CONTACT, LINK, SPUN, TEMPLATE
from moderation.similar.compared import MIN_KNOWN_SPAM, ComparedComments
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
MIN_TEMPLATE_COVERAGE = 0.6  # the same of the signs of a template
TRACKBACK_STARTS = ("[...]", "[…]")  # of the excerpt of a page that links to the story, which is a quotation
FILLED = "<filling>"  # stands for the words of a slot in a template; no sign of a text is equal
SIGNS = re.compile(
    rf"(?P<link>{TYPED_LINK.pattern})|(?P<email>{EMAIL_ADDRESS.pattern})|(?P<number>\d+)|(?P<word>[^\W\d_]+)|(?P<mark>[\[\](){{}}<>=/|#:+~])",
    re.IGNORECASE,
)


def shared_wordings(compared: ComparedComments, is_grouped: bytearray) -> Iterator[Proposal]:
    """Propose texts that share their wording: most of their words stand in runs shared with other texts.

    Wordings whose texts are mostly promotional are one group, because a bot has dozens of templates.
    Quotations of the article or of the parent comment do not count as shared.
    """
    runs_of = dict(enumerate(map(word_runs, compared.words)))
    shared = _find_shared_runs(compared, runs_of, _common_runs(compared, runs_of, is_grouped))
    spun = {
        p: covered
        for p, covered in shared.covered.items()
        if covered >= max(MIN_COVERED_WORDS, MIN_COVERAGE * len(compared.words[p]))
    }
    union = _join_by_runs(shared, spun)
    for place in sorted(spun):  # a bot has many templates, but few names to promote
        union.join(("name", compared.rows[place].name.casefold()), place)
        for host in sorted(compared.hosts[place]):
            union.join(("host", host), place)

    def member(place: int) -> ProposedMember:
        similarity = min(1.0, spun[place] / len(compared.words[place]))
        return ProposedMember(place, similarity, compared.clues[place] | SPUN)

    promotional: list[int] = []
    wordings = 0
    for places in union.sets(sorted(spun)):
        half = compared.half_promotional(places)
        if len(places) >= MIN_SIMILAR and 3 * len(half) >= 2 * len(places):
            promotional += places
            wordings += 1
        else:
            yield propose(compared, Kind.TEXT, map(member, places))
    proposal = propose(compared, Kind.TEXT, map(member, sorted(promotional)))
    proposal.shared = {"wordings": wordings}
    yield proposal


def shared_templates(compared: ComparedComments, is_grouped: bytearray) -> Iterator[Proposal]:
    """Propose texts from one template with other words: most of their signs stand in shared runs.

    The signs are markup, links, and words that several of these texts have; the words between are the
    filling of a slot. Good comments share some runs too. So only texts with a link or a contact are compared,
    and those below a story under which a person marked comments as spam. If they are few, or not all of them
    have a link or a contact, there must be other evidence that they are spam.
    """
    places = [p for p in _comparable(compared) if not is_grouped[p]]
    signs_of = {p: _read_signs(compared.rows[p].body) for p in places}
    words_of_person: dict[str, set[str]] = defaultdict(set)
    for place, signs in signs_of.items():
        words_of_person[compared.people[place]].update(signs)
    counts = Counter(word for words in words_of_person.values() for word in words)
    fixed = {word for word, n in counts.items() if n >= MIN_SIMILAR}
    templates = {p: _replace_filling(signs, fixed) for p, signs in signs_of.items()}
    runs_of = {p: word_runs(signs) for p, signs in templates.items()}
    shared = _find_shared_runs(compared, runs_of, {p: set(runs) for p, runs in runs_of.items()})
    alike = {
        p: covered
        for p, covered in shared.covered.items()
        if covered >= max(MIN_COVERED_WORDS, MIN_TEMPLATE_COVERAGE * len(templates[p]))
    }
    for component in _join_by_runs(shared, alike).sets(sorted(alike)):
        if compared.are_suspicious(component) or _is_advertised(compared, component):
            yield propose(
                compared,
                Kind.TEXT,
                (
                    ProposedMember(p, min(1.0, alike[p] / len(templates[p])), compared.clues[p] | TEMPLATE)
                    for p in component
                ),
            )


def _is_advertised(compared: ComparedComments, places: Sequence[int]) -> bool:
    """Return whether many people give a link or a contact in the same words, and nobody kept one of them."""
    return (
        compared.count_people(places) > MIN_SIMILAR
        and all(compared.clues[p] & (LINK | CONTACT) for p in places)
        and not compared.was_any_kept(places)
    )


def _comparable(compared: ComparedComments) -> list[int]:
    """Return the rows with a link or a contact, and those below stories with known spam."""
    known = Counter(row.discussion for row in compared.rows if row.state == "spam")
    return [
        place
        for place, row in enumerate(compared.rows)
        if compared.clues[place] & (LINK | CONTACT) or known[row.discussion] >= MIN_KNOWN_SPAM
    ]


def _read_signs(text: str) -> list[str]:
    """Return the words, punctuation and links of a text, with one sign for each link, address and number."""
    signs = []
    for m in SIGNS.finditer(text):
        kind = m.lastgroup
        signs.append(m[0].lower() if kind in {"word", "mark"} else f"<{kind}>")
    return signs


def _replace_filling(signs: Iterable[str], fixed: Collection[str]) -> list[str]:
    """Return the signs with one FILLED for each sequence of words that are not fixed."""
    template: list[str] = []
    for sign in signs:
        kept = sign if sign in fixed else FILLED
        if kept != FILLED or not template or template[-1] != FILLED:
            template.append(kept)
    return template


class _SharedRuns(NamedTuple):
    """Runs that texts of several people share."""

    places: dict[int, list[int]]  # by run
    covered: dict[int, int]  # how many words of a text stand in such runs


def _find_shared_runs(
    compared: ComparedComments, runs_of: Mapping[int, "array[int]"], common: Mapping[int, set[int]]
) -> _SharedRuns:
    """Return the runs in `common` that enough people share."""
    places_of_run: dict[int, list[int]] = defaultdict(list)
    for place, own in common.items():
        for run in runs_of[place] if own else ():
            if run in own:
                places_of_run[run].append(place)
    shared = {
        run: places
        for run, places in places_of_run.items()
        if len(places) >= MIN_SIMILAR and compared.count_people(places) >= MIN_SIMILAR
    }
    covered = {
        place: _count_covered_words(runs_of[place], own & shared.keys())
        for place, own in common.items()
        if not shared.keys().isdisjoint(own)
    }
    return _SharedRuns(shared, covered)


def _join_by_runs(shared: _SharedRuns, chosen: Collection[int]) -> UnionFind:
    """Return the chosen rows, joined if they share a run."""
    union = UnionFind()
    for places in shared.places.values():
        similar = [p for p in places if p in chosen]
        for place in similar[1:]:
            union.join(similar[0], place)
    return union


def _common_runs(
    compared: ComparedComments, runs_of: Mapping[int, "array[int]"], is_grouped: Sequence[int]
) -> dict[int, set[int]]:
    """Return for each comment the runs that other comments share and that are no quotations."""
    repeated = _repeated_runs(runs_of.values())
    quoted: dict[int, set[int]] = {}
    by_id = {row.id: place for place, row in enumerate(compared.rows)}
    common: dict[int, set[int]] = {}
    for place, row in enumerate(compared.rows):
        own = set[int]()
        if not is_grouped[place] and not row.body.lstrip().startswith(TRACKBACK_STARTS):
            own = repeated.intersection(runs_of[place])
        if own:
            if row.discussion not in quoted:
                quoted[row.discussion] = set(
                    word_runs(lowercase_words(compared.stories[row.discussion].text))
                )
            own -= quoted[row.discussion]
            if row.parent in by_id:
                own.difference_update(runs_of[by_id[row.parent]])
            common[place] = own
    return common


def _repeated_runs(runs_of: Iterable["array[int]"]) -> set[int]:
    """Return the runs that occur in more than one text, without storing the texts of all runs."""
    seen: set[int] = set()
    repeated: set[int] = set()
    for runs in runs_of:
        own = set(runs)
        repeated |= seen & own if len(seen) < len(own) else {run for run in own if run in seen}
        seen |= own
    return repeated


def _count_covered_words(runs: "array[int]", shared: Collection[int]) -> int:
    """Return how many words stand in a shared run."""
    count, end = 0, 0
    for place, run in enumerate(runs):
        if run in shared:
            count += place + RUN_LENGTH - max(end, place)
            end = place + RUN_LENGTH
    return count
