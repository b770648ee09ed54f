"""Groups of promotional comments that share a time, a name, a link or an IP address. Pure functions."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from moderation.features.names import unusual_name_shape
from moderation.features.signals.site import MIN_NAME_BURST
from moderation.similar.clues import CONTACT, LINK, RARE_CLUES, SEARCH_PHRASE_NAME, STRONG_CLUES
from moderation.similar.compared import QUIET_PERIOD, ComparedComments, Row
from moderation.similar.grouping.proposed_groups import (
    MIN_MEMBERS,
    MIN_SIMILAR,
    GroupKind,
    ProposedGroup,
    UnionFind,
    propose_group_by_clues,
)

BURST_LENGTH = timedelta(minutes=10)
BURST_MIN_COMMENTS = 10  # comments
BURST_FACTOR = 8  # times the median number of comments per BURST_LENGTH with any comment
FLOOD_QUIET = timedelta(days=7)  # the longest time between two comments of a flood in an open discussion
MIN_SUSPECTS = 4  # comments of a flood that looks only half promotional
SINGLE_COMMENT_SCORE = 1.5  # lowest sum of WEIGHTS of a late comment that is proposed without a flood
NAME_PATTERN_WINDOW = timedelta(days=1)  # in which several people have names of one shape
SAME_ORIGIN_WINDOW = timedelta(days=1)  # in which comments from one IP address have several names


def propose_late(compared: ComparedComments) -> ProposedGroup:
    """Propose late promotional comments.

    They come as a flood: one after another, and more of them than of other late comments. If nearly all late
    comments are promotional, those that look only half promotional belong to the flood, but mere praise or
    thanks does not. A single comment is proposed if its score is high and it has a rare clue.
    """
    members: list[int] = []
    for indexes in compared.by_discussion.values():
        late = [index for index in indexes if compared.is_late[index] and compared.words[index]]
        for run in _split_by_time(compared, late, QUIET_PERIOD):
            suspects, promotional = compared.suspects(run), compared.promotional(run)
            is_half_enough = len(suspects) >= MIN_SUSPECTS and 3 * len(suspects) >= 2 * len(run)
            if is_half_enough and _is_flood(compared, suspects):
                members += [
                    index
                    for index in suspects
                    if index in promotional or compared.clues[index] & STRONG_CLUES
                ]
            elif _is_flood(compared, promotional) and 3 * len(promotional) >= len(run):
                members += promotional
            else:
                high_scoring = compared.promotional(run, SINGLE_COMMENT_SCORE)
                members += [index for index in high_scoring if compared.clues[index] & RARE_CLUES]
    return propose_group_by_clues(compared, GroupKind.LATE, sorted(members))


def propose_early_floods(compared: ComparedComments) -> Iterator[ProposedGroup]:
    """Propose promotional comments of one discussion that came close together and are not late.

    They have a link or another clue that good comments rarely have, or they are most of the discussion. The
    kind of the group is that of `propose_bursts`.
    """
    for indexes in compared.by_discussion.values():
        not_late = [index for index in indexes if not compared.is_late[index] and compared.words[index]]
        promotional = compared.promotional(not_late)
        strong = [index for index in promotional if compared.clues[index] & (RARE_CLUES | LINK)]
        members = {
            index
            for run in _split_by_time(compared, strong, FLOOD_QUIET)
            if _is_flood(compared, run)
            for index in run
        }
        if _is_flood(compared, promotional) and 3 * len(promotional) >= 2 * len(not_late):
            members.update(promotional)
        yield propose_group_by_clues(compared, GroupKind.BURST, sorted(members))


def _is_flood(compared: ComparedComments, indexes: Sequence[int]) -> bool:
    """Return whether MIN_SIMILAR people or more wrote these comments, and MIN_MEMBERS the undecided ones."""
    undecided = [index for index in indexes if compared.can_join[index]]
    return compared.count_people(indexes) >= MIN_SIMILAR and compared.count_people(undecided) >= MIN_MEMBERS


def _split_by_time(
    compared: ComparedComments, indexes: Iterable[int], quiet: timedelta
) -> Iterator[list[int]]:
    """Yield runs of comments between which less than this time passed. `indexes` are in order of time."""
    run: list[int] = []
    for index in indexes:
        if run and compared.rows[index].at - compared.rows[run[-1]].at > quiet:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def propose_search_phrases(compared: ComparedComments) -> ProposedGroup:
    """Propose promotional comments under search phrases as names, where several came within a short time."""
    named = compared.promotional(
        index for index in range(len(compared.rows)) if compared.clues[index] & SEARCH_PHRASE_NAME
    )
    runs = _split_by_time(compared, named, FLOOD_QUIET)
    members = [index for run in runs if compared.count_people(run) >= MIN_SIMILAR for index in run]
    return propose_group_by_clues(compared, GroupKind.NAME, members)


def propose_name_patterns(compared: ComparedComments, is_grouped: Sequence[int]) -> Iterator[ProposedGroup]:
    """Propose promotional comments under machine-made names of one shape, if several came within a day.

    Members of other groups are left there, because these say more than a name does.
    """
    by_shape: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(compared.rows):
        if not is_grouped[index] and (shape := unusual_name_shape(row.name)):
            by_shape[shape].append(index)
    for _, indexes in sorted(by_shape.items()):
        members = _suspects_of_one_pattern(compared, indexes)
        for run in _split_by_time(compared, members, NAME_PATTERN_WINDOW):
            group = propose_group_by_clues(compared, GroupKind.BURST, run)
            group.details = {"has_name_pattern": True}
            yield group


def _suspects_of_one_pattern(compared: ComparedComments, indexes: Sequence[int]) -> list[int]:
    """Return the suspects in each NAME_PATTERN_WINDOW in which enough people wrote suspected comments.

    At least half of the comments in the window must be suspects. `indexes`: the comments under names of one
    shape, in order of time.
    """
    members: list[int] = []
    suspects = compared.suspects(indexes)
    ordinal = {index: n for n, index in enumerate(indexes)}
    people: Counter[str] = Counter()  # of the window, which is suspects[first : last + 1]
    first = added = 0
    for last, index in enumerate(suspects):
        people[compared.people[index]] += 1
        while compared.rows[index].at - compared.rows[suspects[first]].at > NAME_PATTERN_WINDOW:
            people -= Counter([compared.people[suspects[first]]])
            first += 1
        others, comments = len(people) - 1, ordinal[index] - ordinal[suspects[first]] + 1
        if others >= MIN_NAME_BURST and 2 * (last + 1 - first) >= comments:
            members += suspects[max(first, added) : last + 1]
            added = last + 1
    return members


def propose_shared_contacts(compared: ComparedComments) -> Iterator[ProposedGroup]:
    """Propose comments that link to the same hosts, or give the same phone number or e-mail address.

    Hosts and contacts that come with the same name are one group.
    """
    by_contact: dict[str, list[int]] = defaultdict(list)
    for index, (hosts, contacts) in enumerate(zip(compared.hosts, compared.contacts, strict=True)):
        if compared.clues[index] & (LINK | CONTACT):
            for contact in sorted(hosts | contacts):
                by_contact[contact].append(index)
    union = UnionFind()
    for contact, indexes in by_contact.items():
        for index in _rows_promoting(compared, contact, indexes):
            union.join(contact, index)
            union.join(contact, ("name", compared.rows[index].name.casefold()))
    for nodes in union.sets(list(union.parents)):
        members = sorted(node for node in nodes if isinstance(node, int))
        yield propose_group_by_clues(compared, GroupKind.LINK, members)


def _rows_promoting(compared: ComparedComments, contact: str, indexes: Sequence[int]) -> list[int]:
    """Return those of these rows that promote the host, phone number or e-mail address that they give.

    Good comments link to the same sources over the years; a flood does so within days.
    """
    promotional = compared.promotional(indexes)
    is_host = "@" not in contact and not contact.isdigit()
    if is_host and compared.count_people(indexes) >= 2 and 2 * len(promotional) >= len(indexes):
        return promotional
    return [
        index
        for run in _split_by_time(compared, indexes, FLOOD_QUIET)
        if compared.count_people(run) >= MIN_SIMILAR and compared.are_suspicious(run)
        for index in compared.suspects(run)
    ]


def propose_shared_origins(compared: ComparedComments) -> Iterator[ProposedGroup]:
    """Propose comments from one IP address under several names, if promotional or in one discussion."""
    by_ip: dict[bytes, list[int]] = defaultdict(list)
    for index, row in enumerate(compared.rows):
        if row.ip_hash:
            by_ip[row.ip_hash].append(index)
    for _, indexes in sorted(by_ip.items()):
        if len({compared.rows[index].writer for index in indexes}) < MIN_SIMILAR:
            continue
        suspicious = compared.half_promotional(indexes)
        if 2 * len(suspicious) >= len(indexes) or _in_one_discussion(compared, indexes):
            yield propose_group_by_clues(compared, GroupKind.ORIGIN, indexes)


def _in_one_discussion(compared: ComparedComments, indexes: Sequence[int]) -> bool:
    """Return whether several of these names appear in one discussion within a day."""
    latest: dict[int, deque[Row]] = defaultdict(deque)
    writers: dict[int, Counter[str]] = defaultdict(Counter)
    for row in map(compared.rows.__getitem__, indexes):
        recent, names = latest[row.discussion], writers[row.discussion]
        recent.append(row)
        names[row.writer] += 1
        while row.at - recent[0].at > SAME_ORIGIN_WINDOW:
            names -= Counter([recent.popleft().writer])
        if len(names) >= MIN_SIMILAR:
            return True
    return False


def propose_bursts(compared: ComparedComments) -> Iterator[ProposedGroup]:
    """Propose promotional comments from ten minutes with many more comments than usual."""

    def slot(index: int) -> int:
        return int(compared.rows[index].at.timestamp() // BURST_LENGTH.total_seconds())

    slots = [(n, list(indexes)) for n, indexes in groupby(range(len(compared.rows)), key=slot)]
    if not slots:
        return
    median = sorted(len(indexes) for _, indexes in slots)[len(slots) // 2]
    for _, indexes in slots:
        suspicious = compared.half_promotional(indexes)
        if (
            len(indexes) >= max(BURST_MIN_COMMENTS, BURST_FACTOR * median)
            and compared.count_people(indexes) >= BURST_MIN_COMMENTS // 2
            and 2 * len(suspicious) >= len(indexes)
        ):
            yield propose_group_by_clues(compared, GroupKind.BURST, suspicious)
