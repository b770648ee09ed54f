"""Which of many comments belong together. Pure and without learning: rows in, proposals out, always the same.

Each comment is in one proposal at most: that of missing text or of repeats, else the largest that holds it.
So sizes can be added up, and an act on one group takes nothing from another. What somebody has kept, and what
is spam already, is never a member; both may show that others are alike ("9 are already spam").
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
from moderation.models import Group
from moderation.screening.checks import says_something
from moderation.similar import text_features
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

Kind = Group.Kind

MIN_SIMILAR = 3  # alike ones that make a group
MIN_MEMBERS = 2  # … of which so many are still to be decided on: one comment is no group
DOUBTFUL_SCORE = 0.6  # from which sum of WEIGHTS a late comment deserves a look
PROMOTIONAL_SCORE = 1.0  # from which sum of WEIGHTS on a comment sells something
MIN_COVERAGE = 0.5  # of a text's words that stand in runs which others have as well
MIN_COVERED_WORDS = 8
MAX_COMPARED_PAIRWISE = 40  # comments of one writer, of which each is compared with each
BURST_LENGTH = timedelta(minutes=10)
BURST_MIN_COMMENTS = 10  # comments
BURST_FACTOR = 8  # as many as the site usually gets in that time when it gets any
SAME_ORIGIN_WINDOW = timedelta(days=1)  # in which one IP address speaks under several names
MAX_DISTINCTIVE_WORDS = 6
MIN_DISTINCTIVE_SHARE = 0.2  # of the members that have a word by which they are told apart
RARE_ONE_IN = 3  # members, of whom no more than one has what sets it apart
MIN_STORY_WORDS = 2  # of its story that a comment has, to be about it


class ProposedMember(NamedTuple):
    row: int  # place in the rows
    likeness: float
    clues: int


@dataclass(slots=True)
class Proposal:
    kind: Kind
    members: list[ProposedMember]
    original: int | None = None  # id of the comment that they repeat
    shared: dict[str, object] = field(default_factory=dict)
    evidence: list[int] = field(default_factory=list)  # places of alike ones that are no members


class GroupingResult(NamedTuple):
    proposals: list[Proposal]  # largest first
    doubts: list[int]  # ids: of each discussion the most doubtful comment that no proposal holds


def find_groups(rows: Sequence[Row], stories: Mapping[int, Story]) -> GroupingResult:
    """`rows` by time, `stories` by discussion."""
    look = _Grouper(rows, stories)
    proposals = look.proposals()
    return GroupingResult(proposals, look.doubts(proposals))


class _Grouper(ComparedComments):
    alone: frozenset[int] = frozenset()  # places of those with which all that is alike was decided on before

    def proposals(self) -> list[Proposal]:
        taken = bytearray(len(self.rows))
        first = [self._missing(), *self._repeats()]
        for proposal in first:
            for member in proposal.members:
                taken[member.row] = 1
        chosen = [proposal for proposal in first if proposal.members]
        others = [
            *self._texts(taken),
            self._late(),
            self._names(),
            *self._links(),
            *self._origins(),
            *self._bursts(),
        ]
        chosen += _disjoint(others, taken)
        groups = [proposal for proposal in chosen if len(proposal.members) >= MIN_MEMBERS]
        self.alone = frozenset(p.members[0].row for p in chosen if len(p.members) < MIN_MEMBERS)
        self._set_apart(groups)
        self._count_words(groups)
        return sorted(groups, key=lambda p: (-len(p.members), p.kind, self.rows[p.members[0].row].id))

    def doubts(self, proposals: Iterable[Proposal]) -> list[int]:
        held = {member.row for proposal in proposals for member in proposal.members}
        most: dict[int, tuple[float, int]] = {}
        for place, row in enumerate(self.rows):
            if self.can_join[place] and place not in held:
                doubt = promotion_score(self.clues[place]) if self.is_late[place] else 0.0
                if place in self.alone:
                    doubt = max(doubt, PROMOTIONAL_SCORE)
                if doubt >= DOUBTFUL_SCORE and (-doubt, row.id) < most.get(row.discussion, (0.0, 0)):
                    most[row.discussion] = (-doubt, row.id)
        return [pk for _, pk in sorted(most.values())]

    # The kinds of groups

    def _missing(self) -> Proposal:
        members = [
            ProposedMember(place, 0.5 if row.body.strip() else 1.0, 0)
            for place, row in enumerate(self.rows)
            if self.can_join[place] and (row.text_missing or not says_something(row.body))
        ]
        return Proposal(Kind.MISSING, members)

    def _repeats(self) -> Iterator[Proposal]:
        """What somebody said twice. The first time stays; that many say the same is `_texts`."""
        by_writer: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            if row.state in {"pending", "published"}:
                by_writer[row.writer].append(place)
        by_original: dict[int, list[ProposedMember]] = defaultdict(list)
        for where in by_writer.values():
            if len(where) > 1:
                for first, member in self._repeats_of(where):
                    if self.can_join[member.row]:
                        by_original[first].append(member)
        single: list[ProposedMember] = []
        for first, members in by_original.items():
            if len({self.rows[m.row].discussion for m in members}) >= MIN_SIMILAR:
                continue  # over many stories: the first is no better than the others
            if len(members) < 2:
                single += members
                continue
            yield Proposal(Kind.REPEAT, members, original=self.rows[first].id)
        if len(single) >= MIN_SIMILAR:
            yield Proposal(Kind.REPEAT, single)

    def _repeats_of(self, where: Sequence[int]) -> Iterator[tuple[int, ProposedMember]]:
        """Of the comments of one writer: the place of an earlier one, and what repeats it."""
        if len(where) <= MAX_COMPARED_PAIRWISE and not self._have_like_words(where):
            return
        folded = [duplicates.fold(self.rows[p].body) for p in where]
        for again, first, is_exact in duplicates.find_repeats(folded):
            if is_exact:
                yield where[first], ProposedMember(where[again], 1.0, EXACT)
            else:
                likeness = duplicates.similarity(*(duplicates.trigrams(folded[n]) for n in (again, first)))
                yield where[first], ProposedMember(where[again], likeness, 0)

    def _have_like_words(self, where: Sequence[int]) -> bool:
        """Whether any two of a few could repeat one another: they share most of their words, or have too few
        to tell (a text without spaces)."""
        have = [set(self.words[p]) for p in where]
        return any(
            len(one) < 6 or 2 * len(one & other) > max(len(one), len(other))
            for n, one in enumerate(have)
            for other in have[:n]
        )

    def _texts(self, taken: bytearray) -> Iterator[Proposal]:
        """Texts made of one template: most words of each stand in runs of words that others have as well.
        The templates of which most texts sell something are one group: a robot has dozens.

        What is quoted from the article or from the comment that it answers does not count.
        """
        held = [text_features.word_runs(said) for said in self.words]
        common = self._common_runs(held, taken)
        holders: dict[int, list[int]] = defaultdict(list)
        for place, mine in enumerate(common):
            for run in held[place] if mine else ():
                if run in mine:
                    holders[run].append(place)
        hot = {
            run
            for run, places in holders.items()
            if len(places) >= MIN_SIMILAR and len({self.people[p] for p in places}) >= MIN_SIMILAR
        }
        covered = {
            p: _count_covered_words(held[p], hot & common[p])
            for p in range(len(self.rows))
            if not hot.isdisjoint(common[p])
        }
        spun = {
            p for p, n in covered.items() if n >= MIN_COVERED_WORDS and n >= MIN_COVERAGE * len(self.words[p])
        }
        union = _UnionFind()
        for run, places in holders.items():
            if run in hot:
                alike = [p for p in places if p in spun]
                for place in alike[1:]:
                    union.join(alike[0], place)
        for place in sorted(spun):  # one robot has many templates, but few names to sell
            for key in ("name", self.rows[place].name.casefold()), *self._domain_keys(place):
                union.join(key, place)
        selling: list[int] = []
        wordings = 0
        for places in union.sets(sorted(spun)):
            sold = self._selling(places, PROMOTIONAL_SCORE / 2)
            if len(places) >= MIN_SIMILAR and 3 * len(sold) >= 2 * len(places):
                selling += places
                wordings += 1
            else:
                yield self._proposal(Kind.TEXT, [self._spun(p, covered[p]) for p in places])
        proposal = self._proposal(Kind.TEXT, [self._spun(p, covered[p]) for p in sorted(selling)])
        proposal.shared = {"wordings": wordings}
        yield proposal

    def _common_runs(self, held: Sequence["array[int]"], taken: bytearray) -> list[set[int]]:
        """Of each comment the runs that others have as well, and that it does not quote."""
        again = _repeated_runs(held)
        quoted: dict[int, set[int]] = {}
        by_id = {row.id: place for place, row in enumerate(self.rows)}
        common: list[set[int]] = []
        for place, row in enumerate(self.rows):
            mine = again.intersection(held[place]) if not taken[place] else set[int]()
            if mine:
                if row.discussion not in quoted:
                    quoted[row.discussion] = set(
                        text_features.word_runs(text_features.words(self.stories[row.discussion].text))
                    )
                mine -= quoted[row.discussion]
                if row.parent in by_id:
                    mine.difference_update(held[by_id[row.parent]])
            common.append(mine)
        return common

    def _spun(self, place: int, covered: int) -> ProposedMember:
        return ProposedMember(place, min(1.0, covered / len(self.words[place])), self.clues[place] | SPUN)

    def _domain_keys(self, place: int) -> list[tuple[str, str]]:
        return [("domain", domain) for domain in sorted(text_features.domains(self.rows[place].body))]

    def _late(self) -> Proposal:
        late = (p for p in range(len(self.rows)) if self.is_late[p] and self.words[p])
        selling = self._selling(late)
        together = Counter(self.rows[p].discussion for p in selling)
        return self._by_clues(
            Kind.LATE,
            (
                p
                for p in selling
                if self.clues[p] & STRONG_CLUES or together[self.rows[p].discussion] >= MIN_SIMILAR
            ),
        )

    def _names(self) -> Proposal:
        named = (p for p in range(len(self.rows)) if self.clues[p] & NAME)
        return self._by_clues(Kind.NAME, self._selling(named))

    def _links(self) -> Iterator[Proposal]:
        """Domains to which comments link that sell in other ways, too; those of one name are one group."""
        linking: dict[str, list[int]] = defaultdict(list)
        places = [p for p in range(len(self.rows)) if self.clues[p] & LINK]
        for place in places:
            for domain in text_features.domains(self.rows[place].body):
                linking[domain].append(place)
        union = _UnionFind()
        chosen = {
            ("domain", domain)
            for domain, at in linking.items()
            if 2 * len(self._selling(at)) >= len(at) and len({self.people[p] for p in at}) >= 2
        }
        for place in self._selling(places):
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
        """One IP address under several names: in one discussion within a day, or selling."""
        by_ip: dict[bytes, list[int]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            if row.ip_hash:
                by_ip[row.ip_hash].append(place)
        for _, places in sorted(by_ip.items()):
            if len({self.rows[p].writer for p in places}) < MIN_SIMILAR:
                continue
            sold = self._selling(places, PROMOTIONAL_SCORE / 2)
            if 2 * len(sold) >= len(places) or self._in_one_room(places):
                yield self._by_clues(Kind.ORIGIN, places)

    def _in_one_room(self, places: Sequence[int]) -> bool:
        """Whether several speak in one discussion within a day."""
        latest: dict[int, deque[Row]] = defaultdict(deque)
        writers: dict[int, Counter[str]] = defaultdict(Counter)
        for row in map(self.rows.__getitem__, places):
            here, names = latest[row.discussion], writers[row.discussion]
            here.append(row)
            names[row.writer] += 1
            while row.at - here[0].at > SAME_ORIGIN_WINDOW:
                names -= Counter([here.popleft().writer])
            if len(names) >= MIN_SIMILAR:
                return True
        return False

    def _bursts(self) -> Iterator[Proposal]:
        """Ten minutes with many more comments than usual, by people who do not speak of the subject."""

        def slot(place: int) -> int:
            return int(self.rows[place].at.timestamp() // BURST_LENGTH.total_seconds())

        slots = [(n, list(places)) for n, places in groupby(range(len(self.rows)), key=slot)]
        if not slots:
            return
        usual = sorted(len(places) for _, places in slots)[len(slots) // 2]
        for _, places in slots:
            selling = self._selling(places, PROMOTIONAL_SCORE / 2)
            people = {self.people[p] for p in places}
            if (
                len(places) >= max(BURST_MIN_COMMENTS, BURST_FACTOR * usual)
                and len(people) >= BURST_MIN_COMMENTS // 2
                and 2 * len(selling) >= len(places)
            ):
                yield self._by_clues(Kind.BURST, selling)

    def _selling(self, places: Iterable[int], least: float = PROMOTIONAL_SCORE) -> list[int]:
        return [place for place in places if promotion_score(self.clues[place]) >= least]

    def _by_clues(self, kind: Kind, places: Iterable[int]) -> Proposal:
        """Those are the most alike for which most speaks."""
        return self._proposal(
            kind,
            (ProposedMember(p, min(1.0, promotion_score(self.clues[p]) / 2), self.clues[p]) for p in places),
        )

    def _proposal(self, kind: Kind, alike: Iterable[ProposedMember]) -> Proposal:
        members, evidence = [], []
        for one in alike:
            if self.can_join[one.row]:
                members.append(one)
            else:
                evidence.append(one.row)
        return Proposal(kind, members, evidence=evidence)

    # What is told of a group

    def _set_apart(self, groups: Iterable[Proposal]) -> None:
        """The more sets a member apart from the others, the nearer to the edge it is, whatever it shares."""
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
                    (len(have) - len(apart) + member.likeness) / (len(have) + 1),
                    member.clues | sum(apart),
                )

    def _talks(self, place: int) -> bool:
        row = self.rows[place]
        return bool(self.clues[place] & TALKS or row.parent or row.id in self.answered)

    def _is_of_its_story(self, place: int) -> bool:
        own = text_features.topic_stems(self.words[place]) & self.subject(self.rows[place].discussion)
        return len(own) >= MIN_STORY_WORDS

    def _count_words(self, chosen: Sequence[Proposal]) -> None:
        """Into `shared`: how many members have each clue, what else is alike, and the words that are much
        more common in them than elsewhere, by the place of each: [comment, revision, start, end]."""
        everywhere = Counter[str]()
        for said in self.words:
            everywhere.update(set(said))
        for proposal in chosen:
            inside = Counter[str]()
            for member in proposal.members:
                inside.update(
                    {w for w in self.words[member.row] if len(w) > 2 and w not in text_features.STOP_WORDS}
                )
            clues = Counter[str]()
            for found, n in Counter(member.clues for member in proposal.members).items():
                clues.update({clue.name: n for clue in Clue if clue & found and clue.name})
            states = Counter(
                "kept" if self.rows[p].is_kept else self.rows[p].state for p in proposal.evidence
            )
            proposal.shared |= {
                "clues": dict(sorted(clues.items())),
                "states": dict(sorted(states.items())),
                "telling": self._telling(proposal, inside, everywhere),
            }

    def _telling(self, proposal: Proposal, inside: Counter[str], everywhere: Counter[str]) -> list[list[int]]:
        within, outside = len(proposal.members), len(self.rows) - len(proposal.members)
        if proposal.kind == Kind.REPEAT or not outside:
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
                for word, (start, end) in text_features.first_spans(row.body, wanted).items():
                    places[word] = [row.id, row.revision, start, end]
            if len(places) == len(best):
                break
        return [places[w] for w in best if w in places]


def _repeated_runs(held: Iterable["array[int]"]) -> set[int]:
    """The runs that more than one text has, without keeping the holders of all the others."""
    seen: set[int] = set()
    again: set[int] = set()
    for runs in held:
        mine = set(runs)
        again |= seen & mine if len(seen) < len(mine) else {run for run in mine if run in seen}
        seen |= mine
    return again


def _count_covered_words(runs: "array[int]", hot: set[int]) -> int:
    """How many words stand in a run that is hot."""
    count, end = 0, 0
    for place, run in enumerate(runs):
        if run in hot:
            count += place + text_features.RUN_LENGTH - max(end, place)
            end = place + text_features.RUN_LENGTH
    return count


def _disjoint(proposals: Iterable[Proposal], taken: bytearray) -> Iterator[Proposal]:
    """Largest first, each without the members of those before; marks them in `taken`."""
    heap: list[tuple[int, int, Proposal]] = []
    for n, proposal in enumerate(proposals):
        heap.append((-len(proposal.members), n, proposal))
    heapq.heapify(heap)
    while heap:
        size, n, proposal = heapq.heappop(heap)
        proposal.members = [m for m in proposal.members if not taken[m.row]]
        if len(proposal.members) < -size:
            heapq.heappush(heap, (-len(proposal.members), n, proposal))
        elif proposal.members and len(proposal.members) + len(proposal.evidence) >= MIN_SIMILAR:
            for member in proposal.members:
                taken[member.row] = 1
            yield proposal


class _UnionFind:
    """Sets that grow together."""

    def __init__(self) -> None:
        self.above: dict[Hashable, Hashable] = {}

    def top(self, one: Hashable) -> Hashable:
        above = self.above.setdefault(one, one)
        while above != one:
            self.above[one] = self.above[above]
            one, above = above, self.above[above]
        return one

    def join(self, one: Hashable, other: Hashable) -> None:
        a, b = self.top(one), self.top(other)
        if a != b:
            self.above[b] = a

    def sets(self, ones: Iterable[int]) -> list[list[int]]:
        """Those of these that belong together, each set in the given order."""
        found: dict[Hashable, list[int]] = defaultdict(list)
        for one in ones:
            found[self.top(one)].append(one)
        return list(found.values())

    def all(self) -> list[list[Hashable]]:
        found: dict[Hashable, list[Hashable]] = defaultdict(list)
        for one in list(self.above):
            found[self.top(one)].append(one)
        return list(found.values())
