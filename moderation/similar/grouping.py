"""Grouping of similar comments. Pure functions: rows in, proposals out.

Each comment belongs to at most one proposal: missing text or duplicates first, else the largest one. So sizes
can be added up, and a decision on one group does not affect another. Comments that a person kept and known
spam are never members, but count as evidence that others are similar ("9 similar ones are already spam").
"""

import heapq
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from math import log
from typing import NamedTuple

from comments import duplicates
from moderation.checks.text import has_visible_text
from moderation.features.links import typed_hosts
from moderation.features.word_lists import GROUP_STOP_WORDS
from moderation.features.words import RUN_LENGTH, first_spans, group_stems, lowercase_words, word_runs
from moderation.models import CommentGroup
from moderation.similar.clues import (
    APPROVED,
    CONFIRMED,
    ELSEWHERE,
    EXACT,
    IN_TIME,
    LINK,
    NAME,
    OF_ITS_STORY,
    SPUN,
    STRONG_CLUES,
    TALKS,
    Clue,
    ComparedComments,
    Row,
    Story,
    promotion_score,
)

Kind = CommentGroup.Kind

MIN_SIMILAR = 3  # similar comments that make a group
MIN_MEMBERS = 2  # … of which this many must still be undecided
DOUBTFUL_SCORE = 0.6  # lowest sum of WEIGHTS of a late comment that deserves a review
PROMOTIONAL_SCORE = 1.0  # lowest sum of WEIGHTS of a promotional comment
MIN_COVERAGE = 0.5  # share of a text's words that stand in runs shared with others
MIN_COVERED_WORDS = 8
MAX_COMPARED_PAIRWISE = 40  # comments of one author that are compared pairwise first
BURST_LENGTH = timedelta(minutes=10)
BURST_MIN_COMMENTS = 10  # comments
BURST_FACTOR = 8  # times the median number of comments per BURST_LENGTH with any comment
SAME_ORIGIN_WINDOW = timedelta(days=1)  # within which one IP address uses several names
MAX_DISTINCTIVE_WORDS = 6
MIN_DISTINCTIVE_SHARE = 0.2  # lowest share of members that contain a distinctive word
RARE_ONE_IN = 3  # a property is rare if at most one in so many members has it
MIN_STORY_WORDS = 2  # words of the story that a comment about it contains


class ProposedMember(NamedTuple):
    """A member of a proposed group."""

    row: int  # index of the row
    similarity: float
    clues: int


@dataclass(slots=True)
class Proposal:
    """A proposed group."""

    kind: Kind
    members: list[ProposedMember]
    original: int | None = None  # id of the comment that they duplicate
    shared: dict[str, object] = field(default_factory=dict)
    evidence: list[int] = field(default_factory=list)  # row indexes of similar comments that are no members


class GroupingResult(NamedTuple):
    """The proposed groups, and doubtful comments without a group."""

    proposals: list[Proposal]  # largest first
    doubts: list[int]  # ids: the most doubtful comment of each discussion that is in no proposal


def find_groups(rows: Sequence[Row], stories: Mapping[int, Story]) -> GroupingResult:
    """Find groups of similar comments. `rows` are ordered by time, `stories` are by discussion."""
    grouper = _Grouper(rows, stories)
    proposals = grouper.proposals()
    return GroupingResult(proposals, grouper.doubts(proposals))


class _Grouper(ComparedComments):
    """Finds the groups of the compared comments."""

    alone: frozenset[int] = frozenset()  # rows whose similar comments have all been decided on before

    def proposals(self) -> list[Proposal]:
        """Return the proposed groups, the largest first."""
        is_grouped = bytearray(len(self.rows))
        first = [self._missing(), *self._duplicates()]
        for proposal in first:
            for member in proposal.members:
                is_grouped[member.row] = 1
        chosen = [proposal for proposal in first if proposal.members]
        others = [
            *self._texts(is_grouped),
            self._late(),
            self._names(),
            *self._links(),
            *self._origins(),
            *self._bursts(),
        ]
        chosen += _disjoint(others, is_grouped)
        groups = [proposal for proposal in chosen if len(proposal.members) >= MIN_MEMBERS]
        self.alone = frozenset(p.members[0].row for p in chosen if len(p.members) < MIN_MEMBERS)
        self._set_apart(groups)
        self._count_words(groups)
        return sorted(groups, key=lambda p: (-len(p.members), p.kind, self.rows[p.members[0].row].id))

    def doubts(self, proposals: Iterable[Proposal]) -> list[int]:
        """Return the id of the most doubtful comment of each discussion that is in no proposal."""
        grouped = {member.row for proposal in proposals for member in proposal.members}
        most: dict[int, tuple[float, int]] = {}
        for place, row in enumerate(self.rows):
            if self.can_join[place] and place not in grouped:
                doubt = promotion_score(self.clues[place]) if self.is_late[place] else 0.0
                if place in self.alone:
                    doubt = max(doubt, PROMOTIONAL_SCORE)
                if doubt >= DOUBTFUL_SCORE and (-doubt, row.id) < most.get(row.discussion, (0.0, 0)):
                    most[row.discussion] = (-doubt, row.id)
        return [pk for _, pk in sorted(most.values())]

    # Kinds of groups

    def _missing(self) -> Proposal:
        """Propose comments whose text is missing."""
        members = [
            ProposedMember(place, 0.5 if row.body.strip() else 1.0, 0)
            for place, row in enumerate(self.rows)
            if self.can_join[place] and (row.text_missing or not has_visible_text(row.body))
        ]
        return Proposal(Kind.MISSING, members)

    def _duplicates(self) -> Iterator[Proposal]:
        """Propose duplicates by the same author. The first one is kept; see `_texts` for several authors."""
        by_writer: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            if row.state in {"pending", "published"}:
                by_writer[row.writer].append(place)
        by_original: dict[int, list[ProposedMember]] = defaultdict(list)
        for places in by_writer.values():
            if len(places) > 1:
                for first, member in self._duplicates_of(places):
                    if self.can_join[member.row]:
                        by_original[first].append(member)
        single: list[ProposedMember] = []
        for first, members in by_original.items():
            if len({self.rows[m.row].discussion for m in members}) >= MIN_SIMILAR:
                continue  # across many stories the first one is not more genuine than the others
            if len(members) < 2:
                single += members
                continue
            yield Proposal(Kind.DUPLICATE, members, original=self.rows[first].id)
        if len(single) >= MIN_SIMILAR:
            yield Proposal(Kind.DUPLICATE, single)

    def _duplicates_of(self, places: Sequence[int]) -> Iterator[tuple[int, ProposedMember]]:
        """Yield pairs of an earlier comment's index and its duplicate, among the comments of one author."""
        if len(places) <= MAX_COMPARED_PAIRWISE and not self._may_be_duplicates(places):
            return
        folded = [duplicates.fold(self.rows[p].body) for p in places]
        for later, first, is_exact in duplicates.find_duplicates(folded):
            if is_exact:
                yield places[first], ProposedMember(places[later], 1.0, EXACT)
            else:
                similarity = duplicates.similarity(*(duplicates.trigrams(folded[n]) for n in (later, first)))
                yield places[first], ProposedMember(places[later], similarity, 0)

    def _may_be_duplicates(self, places: Sequence[int]) -> bool:
        """Return whether any two comments could be duplicates.

        They share most of their words, or have too few words to tell, as a text without spaces does.
        """
        have = [set(self.words[p]) for p in places]
        return any(
            len(one) < 6 or 2 * len(one & other) > max(len(one), len(other))
            for n, one in enumerate(have)
            for other in have[:n]
        )

    def _texts(self, is_grouped: bytearray) -> Iterator[Proposal]:
        """Propose texts made from one template: most of their words stand in runs shared with other texts.

        Templates whose texts are mostly promotional are one group, because a bot has dozens of templates.
        Quotations of the article or of the parent comment do not count as shared.
        """
        runs_of = [word_runs(words) for words in self.words]
        common = self._common_runs(runs_of, is_grouped)
        places_of_run: dict[int, list[int]] = defaultdict(list)
        for place, own in enumerate(common):
            for run in runs_of[place] if own else ():
                if run in own:
                    places_of_run[run].append(place)
        shared = {
            run
            for run, places in places_of_run.items()
            if len(places) >= MIN_SIMILAR and len({self.people[p] for p in places}) >= MIN_SIMILAR
        }
        covered = {
            p: _count_covered_words(runs_of[p], shared & common[p])
            for p in range(len(self.rows))
            if not shared.isdisjoint(common[p])
        }
        spun = {
            p for p, n in covered.items() if n >= MIN_COVERED_WORDS and n >= MIN_COVERAGE * len(self.words[p])
        }
        union = _UnionFind()
        for run, places in places_of_run.items():
            if run in shared:
                similar = [p for p in places if p in spun]
                for place in similar[1:]:
                    union.join(similar[0], place)
        for place in sorted(spun):  # a bot has many templates, but few names to promote
            for key in ("name", self.rows[place].name.casefold()), *self._domain_keys(place):
                union.join(key, place)
        promotional: list[int] = []
        wordings = 0
        for places in union.sets(sorted(spun)):
            promotional_places = self._promotional(places, PROMOTIONAL_SCORE / 2)
            if len(places) >= MIN_SIMILAR and 3 * len(promotional_places) >= 2 * len(places):
                promotional += places
                wordings += 1
            else:
                yield self._proposal(Kind.TEXT, [self._spun(p, covered[p]) for p in places])
        proposal = self._proposal(Kind.TEXT, [self._spun(p, covered[p]) for p in sorted(promotional)])
        proposal.shared = {"wordings": wordings}
        yield proposal

    def _common_runs(self, runs_of: Sequence["array[int]"], is_grouped: bytearray) -> list[set[int]]:
        """Return for each comment the runs that other comments share and that are no quotations."""
        repeated = _repeated_runs(runs_of)
        quoted: dict[int, set[int]] = {}
        by_id = {row.id: place for place, row in enumerate(self.rows)}
        common: list[set[int]] = []
        for place, row in enumerate(self.rows):
            own = repeated.intersection(runs_of[place]) if not is_grouped[place] else set[int]()
            if own:
                if row.discussion not in quoted:
                    quoted[row.discussion] = set(
                        word_runs(lowercase_words(self.stories[row.discussion].text))
                    )
                own -= quoted[row.discussion]
                if row.parent in by_id:
                    own.difference_update(runs_of[by_id[row.parent]])
            common.append(own)
        return common

    def _spun(self, place: int, covered: int) -> ProposedMember:
        """Return a member made of shared phrases; `covered` is the number of its shared words."""
        return ProposedMember(place, min(1.0, covered / len(self.words[place])), self.clues[place] | SPUN)

    def _domain_keys(self, place: int) -> list[tuple[str, str]]:
        """Return the union-find keys of the domains that a comment links to."""
        return [("domain", domain) for domain in sorted(typed_hosts(self.rows[place].body))]

    def _late(self) -> Proposal:
        """Propose late promotional comments."""
        late = (p for p in range(len(self.rows)) if self.is_late[p] and self.words[p])
        promotional = self._promotional(late)
        together = Counter(self.rows[p].discussion for p in promotional)
        return self._by_clues(
            Kind.LATE,
            (
                p
                for p in promotional
                if self.clues[p] & STRONG_CLUES or together[self.rows[p].discussion] >= MIN_SIMILAR
            ),
        )

    def _names(self) -> Proposal:
        """Propose promotional comments under search phrases as names."""
        named = (p for p in range(len(self.rows)) if self.clues[p] & NAME)
        return self._by_clues(Kind.NAME, self._promotional(named))

    def _links(self) -> Iterator[Proposal]:
        """Propose links to domains of promotional comments; domains under one name are one group."""
        linking: dict[str, list[int]] = defaultdict(list)
        places = [p for p in range(len(self.rows)) if self.clues[p] & LINK]
        for place in places:
            for domain in typed_hosts(self.rows[place].body):
                linking[domain].append(place)
        union = _UnionFind()
        chosen = {
            ("domain", domain)
            for domain, at in linking.items()
            if 2 * len(self._promotional(at)) >= len(at) and len({self.people[p] for p in at}) >= 2
        }
        for place in self._promotional(places):
            keys = [key for key in self._domain_keys(place) if key in chosen]
            for key in keys:
                union.join(keys[0], key)
            if keys:
                union.join(keys[0], ("name", self.rows[place].name.casefold()))
                union.join(keys[0], place)
        for nodes in union.all():
            at = sorted(p for p in nodes if isinstance(p, int))
            yield self._by_clues(Kind.LINK, at)

    def _origins(self) -> Iterator[Proposal]:
        """Propose comments from one IP address under several names, if promotional or in one discussion."""
        by_ip: dict[bytes, list[int]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            if row.ip_hash:
                by_ip[row.ip_hash].append(place)
        for _, places in sorted(by_ip.items()):
            if len({self.rows[p].writer for p in places}) < MIN_SIMILAR:
                continue
            promotional_places = self._promotional(places, PROMOTIONAL_SCORE / 2)
            if 2 * len(promotional_places) >= len(places) or self._in_one_discussion(places):
                yield self._by_clues(Kind.ORIGIN, places)

    def _in_one_discussion(self, places: Sequence[int]) -> bool:
        """Return whether several of these names appear in one discussion within a day."""
        latest: dict[int, deque[Row]] = defaultdict(deque)
        writers: dict[int, Counter[str]] = defaultdict(Counter)
        for row in map(self.rows.__getitem__, places):
            recent, names = latest[row.discussion], writers[row.discussion]
            recent.append(row)
            names[row.writer] += 1
            while row.at - recent[0].at > SAME_ORIGIN_WINDOW:
                names -= Counter([recent.popleft().writer])
            if len(names) >= MIN_SIMILAR:
                return True
        return False

    def _bursts(self) -> Iterator[Proposal]:
        """Propose promotional comments from ten minutes with many more comments than usual."""

        def slot(place: int) -> int:
            return int(self.rows[place].at.timestamp() // BURST_LENGTH.total_seconds())

        slots = [(n, list(places)) for n, places in groupby(range(len(self.rows)), key=slot)]
        if not slots:
            return
        median = sorted(len(places) for _, places in slots)[len(slots) // 2]
        for _, places in slots:
            promotional = self._promotional(places, PROMOTIONAL_SCORE / 2)
            people = {self.people[p] for p in places}
            if (
                len(places) >= max(BURST_MIN_COMMENTS, BURST_FACTOR * median)
                and len(people) >= BURST_MIN_COMMENTS // 2
                and 2 * len(promotional) >= len(places)
            ):
                yield self._by_clues(Kind.BURST, promotional)

    def _promotional(self, places: Iterable[int], least: float = PROMOTIONAL_SCORE) -> list[int]:
        """Return the rows with at least this promotional score."""
        return [place for place in places if promotion_score(self.clues[place]) >= least]

    def _by_clues(self, kind: Kind, places: Iterable[int]) -> Proposal:
        """Propose a group in which the similarity of a member is its promotional score."""
        return self._proposal(
            kind,
            (ProposedMember(p, min(1.0, promotion_score(self.clues[p]) / 2), self.clues[p]) for p in places),
        )

    def _proposal(self, kind: Kind, similar: Iterable[ProposedMember]) -> Proposal:
        """Propose a group; similar comments that cannot be members are its evidence."""
        members, evidence = [], []
        for one in similar:
            if self.can_join[one.row]:
                members.append(one)
            else:
                evidence.append(one.row)
        return Proposal(kind, members, evidence=evidence)

    # Properties of a group

    def _set_apart(self, groups: Iterable[Proposal]) -> None:
        """Lower the similarity of members with rare properties, which are the most likely mistakes."""
        approved = {row.writer for row in self.rows if row.is_kept and row.is_known}
        for group in groups:
            rows = [self.rows[member.row] for member in group.members]
            [(story, _)] = Counter(row.discussion for row in rows).most_common(1)
            have = {
                ELSEWHERE: [row.discussion != story for row in rows],
                IN_TIME: [not self.is_late[member.row] for member in group.members],
                CONFIRMED: [row.is_confirmed for row in rows],
                APPROVED: [row.writer in approved for row in rows],
                OF_ITS_STORY: [self._is_of_its_story(member.row) for member in group.members],
                TALKS: [self._talks(member.row) for member in group.members],
            }
            rare = {sign: found for sign, found in have.items() if RARE_ONE_IN * sum(found) <= len(rows)}
            for n, member in enumerate(group.members):
                apart = [sign for sign, found in rare.items() if found[n]]
                group.members[n] = ProposedMember(
                    member.row,
                    (len(have) - len(apart) + member.similarity) / (len(have) + 1),
                    member.clues | sum(apart),
                )

    def _talks(self, place: int) -> bool:
        """Return whether a comment takes part in a conversation."""
        row = self.rows[place]
        return bool(self.clues[place] & TALKS or row.parent or row.id in self.answered)

    def _is_of_its_story(self, place: int) -> bool:
        """Return whether a comment uses words of its story."""
        own = group_stems(self.words[place]) & self.subject(self.rows[place].discussion)
        return len(own) >= MIN_STORY_WORDS

    def _count_words(self, chosen: Sequence[Proposal]) -> None:
        """Fill `shared` with the counts of clues, the states of the evidence, and the distinctive words.

        Words are stored as places, [comment, revision, start, end], not as text.
        """
        everywhere = Counter[str]()
        for words in self.words:
            everywhere.update(set(words))
        for proposal in chosen:
            inside = Counter[str]()
            for member in proposal.members:
                inside.update({w for w in self.words[member.row] if len(w) > 2 and w not in GROUP_STOP_WORDS})
            clues = Counter[str]()
            for found, n in Counter(member.clues for member in proposal.members).items():
                clues.update({clue.name: n for clue in Clue if clue & found and clue.name})
            states = Counter(
                "kept" if self.rows[p].is_kept else self.rows[p].state for p in proposal.evidence
            )
            proposal.shared |= {
                "clues": dict(sorted(clues.items())),
                "states": dict(sorted(states.items())),
                "telling": self._distinctive_words(proposal, inside, everywhere),
            }

    def _distinctive_words(
        self, proposal: Proposal, inside: Counter[str], everywhere: Counter[str]
    ) -> list[list[int]]:
        """Return the places of words that are much more common in the group than elsewhere."""
        within, outside = len(proposal.members), len(self.rows) - len(proposal.members)
        if proposal.kind == Kind.DUPLICATE or not outside:
            return []
        odds = [
            (
                log((n + 0.1) / (within - n + 0.1))
                - log((everywhere[w] - n + 0.5) / (outside - everywhere[w] + n + 0.5)),
                w,
            )
            for w, n in inside.items()
            if n >= max(2, within * MIN_DISTINCTIVE_SHARE)
        ]
        best = [w for odd, w in sorted(odds, key=lambda o: (-o[0], o[1])) if odd > 2][:MAX_DISTINCTIVE_WORDS]
        places: dict[str, list[int]] = {}
        for member in proposal.members:
            wanted = {w for w in best if w not in places}.intersection(self.words[member.row])
            if wanted:
                row = self.rows[member.row]
                for word, (start, end) in first_spans(row.body, wanted).items():
                    places[word] = [row.id, row.revision, start, end]
            if len(places) == len(best):
                break
        return [places[w] for w in best if w in places]


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


def _disjoint(proposals: Iterable[Proposal], is_grouped: bytearray) -> Iterator[Proposal]:
    """Yield the proposals, the largest first, without the members of earlier ones. Updates `is_grouped`."""
    heap: list[tuple[int, int, Proposal]] = []
    for n, proposal in enumerate(proposals):
        heap.append((-len(proposal.members), n, proposal))
    heapq.heapify(heap)
    while heap:
        size, n, proposal = heapq.heappop(heap)
        proposal.members = [m for m in proposal.members if not is_grouped[m.row]]
        if len(proposal.members) < -size:
            heapq.heappush(heap, (-len(proposal.members), n, proposal))
        elif proposal.members and len(proposal.members) + len(proposal.evidence) >= MIN_SIMILAR:
            for member in proposal.members:
                is_grouped[member.row] = 1
            yield proposal


class _UnionFind:
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

    def sets(self, ones: Iterable[int]) -> list[list[int]]:
        """Return the sets of these elements, each in the given order."""
        found: dict[Hashable, list[int]] = defaultdict(list)
        for one in ones:
            found[self.root(one)].append(one)
        return list(found.values())

    def all(self) -> list[list[Hashable]]:
        """Return all sets."""
        found: dict[Hashable, list[Hashable]] = defaultdict(list)
        for one in list(self.parents):
            found[self.root(one)].append(one)
        return list(found.values())
