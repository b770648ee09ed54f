"""Groups of promotional comments that share a time, a name, a link or an IP address. Pure functions."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from moderation.features.links import typed_hosts
from moderation.similar.clues import LINK, NAME, PROMOTIONAL_SCORE, STRONG_CLUES, ComparedComments, Row
from moderation.similar.grouping.proposals import (
    MIN_SIMILAR,
    Kind,
    Proposal,
    UnionFind,
    propose_by_clues,
)

BURST_LENGTH = timedelta(minutes=10)
BURST_MIN_COMMENTS = 10  # comments
BURST_FACTOR = 8  # times the median number of comments per BURST_LENGTH with any comment
SAME_ORIGIN_WINDOW = timedelta(days=1)  # within which one IP address uses several names


def late(compared: ComparedComments) -> Proposal:
    """Propose late promotional comments."""
    promotional = compared.promotional(
        p for p in range(len(compared.rows)) if compared.is_late[p] and compared.words[p]
    )
    together = Counter(compared.rows[p].discussion for p in promotional)
    return propose_by_clues(
        compared,
        Kind.LATE,
        (
            p
            for p in promotional
            if compared.clues[p] & STRONG_CLUES or together[compared.rows[p].discussion] >= MIN_SIMILAR
        ),
    )


def search_phrases(compared: ComparedComments) -> Proposal:
    """Propose promotional comments under search phrases as names."""
    named = (p for p in range(len(compared.rows)) if compared.clues[p] & NAME)
    return propose_by_clues(compared, Kind.NAME, compared.promotional(named))


def shared_links(compared: ComparedComments) -> Iterator[Proposal]:
    """Propose links to domains of promotional comments; domains under one name are one group."""
    places = [p for p in range(len(compared.rows)) if compared.clues[p] & LINK]
    hosts_of = {p: sorted(typed_hosts(compared.rows[p].body)) for p in places}
    linking: dict[str, list[int]] = defaultdict(list)
    for place, hosts in hosts_of.items():
        for host in hosts:
            linking[host].append(place)
    union = UnionFind()
    chosen = {
        host
        for host, at in linking.items()
        if 2 * len(compared.promotional(at)) >= len(at) and len({compared.people[p] for p in at}) >= 2
    }
    for place in compared.promotional(places):
        keys = [("host", host) for host in hosts_of[place] if host in chosen]
        for key in keys:
            union.join(keys[0], key)
        if keys:
            union.join(keys[0], ("name", compared.rows[place].name.casefold()))
            union.join(keys[0], place)
    for nodes in union.all():
        at = sorted(p for p in nodes if isinstance(p, int))
        yield propose_by_clues(compared, Kind.LINK, at)


def shared_origins(compared: ComparedComments) -> Iterator[Proposal]:
    """Propose comments from one IP address under several names, if promotional or in one discussion."""
    by_ip: dict[bytes, list[int]] = defaultdict(list)
    for place, row in enumerate(compared.rows):
        if row.ip_hash:
            by_ip[row.ip_hash].append(place)
    for _, places in sorted(by_ip.items()):
        if len({compared.rows[p].writer for p in places}) < MIN_SIMILAR:
            continue
        promotional_places = compared.promotional(places, PROMOTIONAL_SCORE / 2)
        if 2 * len(promotional_places) >= len(places) or _in_one_discussion(compared, places):
            yield propose_by_clues(compared, Kind.ORIGIN, places)


def _in_one_discussion(compared: ComparedComments, places: Sequence[int]) -> bool:
    """Return whether several of these names appear in one discussion within a day."""
    latest: dict[int, deque[Row]] = defaultdict(deque)
    writers: dict[int, Counter[str]] = defaultdict(Counter)
    for row in map(compared.rows.__getitem__, places):
        recent, names = latest[row.discussion], writers[row.discussion]
        recent.append(row)
        names[row.writer] += 1
        while row.at - recent[0].at > SAME_ORIGIN_WINDOW:
            names -= Counter([recent.popleft().writer])
        if len(names) >= MIN_SIMILAR:
            return True
    return False


def bursts(compared: ComparedComments) -> Iterator[Proposal]:
    """Propose promotional comments from ten minutes with many more comments than usual."""

    def slot(place: int) -> int:
        return int(compared.rows[place].at.timestamp() // BURST_LENGTH.total_seconds())

    slots = [(n, list(places)) for n, places in groupby(range(len(compared.rows)), key=slot)]
    if not slots:
        return
    median = sorted(len(places) for _, places in slots)[len(slots) // 2]
    for _, places in slots:
        promotional = compared.promotional(places, PROMOTIONAL_SCORE / 2)
        people = {compared.people[p] for p in places}
        if (
            len(places) >= max(BURST_MIN_COMMENTS, BURST_FACTOR * median)
            and len(people) >= BURST_MIN_COMMENTS // 2
            and 2 * len(promotional) >= len(places)
        ):
            yield propose_by_clues(compared, Kind.BURST, promotional)
