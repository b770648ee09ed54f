"""Work out where the time of requests goes, and how many hosts a peak day needs: python -m bench.capacity

First the processor time of each kind of request is measured, apart for the web server and for the database,
and for five of them the parts of the program that take it.
Then the peak is simulated with these times: readers choose stories by Zipf's law, comments arrive in the same
stories, each process of the web servers has its own cached pages, and answers its requests one after the
other. A page is made anew by the first reader of a process after a comment.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate
from math import exp
from random import Random
from typing import NamedTuple

from bench import fixture, profiles, servers
from bench.load import Measured, Target, request_page, send
from bench.runner import Goal, Run, report, rows, run

SIZES = {
    "comments": 1_000,
    "requests": 200,
    "warm_up": 20,  # requests before those of a profile
    "seconds": 20,
    "readers": 5_000,
    "comments_a_second": 200,
}
SMALLEST = {
    "comments": 60,
    "requests": 4,
    "warm_up": 1,
    "seconds": 1,
    "readers": 100,
    "comments_a_second": 4,
}
STORIES = 300  # of the last days, by Zipf's law
MEMBERS = 0.03  # of the readers
FRONT_PAGE = 0.2  # of the pages
SEARCHES = 0.01
POLL_SECONDS = 30  # after which an open story asks once for its version; then most are closed
PROCESSES = 8  # of each web host, one for each processor
PATIENCE = 250  # milliseconds within which 99 % of the answers are wanted
MAX_BUSY_SHARE = 0.7  # the share of a processor's time that may be used

CACHED, MADE, FRONT, MEMBER = "cached page", "story, made anew", "front page, made anew", "story to a member"
SEARCH, FIND, REPLY = "search", "find in a discussion", "reply"
SEARCH_URL, FIND_QUERY = "/search/?q=who+said", "find/?q=who+said"
VERSION, CHANGED, NEW = "version, cached", "version, made anew", "number of new comments"


class Cost(NamedTuple):
    """The processor time of one answer in milliseconds."""

    web: float
    database: float


class Outcome(NamedTuple):
    """The results of the simulation with one number of hosts."""

    busy: float  # share of the web processes' time
    p50: float  # milliseconds from arrival to answer
    p99: float
    database: float  # busy processors of the database
    made: float  # share of the pages for anonymous readers that had to be made


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure the costs, then find the number of hosts."""
    sizes = bench.sizes
    site = Site(bench)
    costs = site.measure_costs()
    yield from rows(
        "one answer | web server, CPU ms | database, CPU ms",
        (f"{name} | {cost.web:.2f} | {cost.database:.2f}" for name, cost in costs.items()),
    )
    yield ""
    yield from profiles.tables(site.profile())
    yield ""
    yield (
        f"The peak: {sizes.readers:,} pages a second ({MEMBERS:.0%} for members), {sizes.comments_a_second} "
        f"comments a second in {STORIES} stories. Hosts have {PROCESSES} processors of this machine's speed."
    )
    yield ""
    tried: dict[int, Outcome] = {}
    hosts = 1
    while True:
        simulation = Simulation(costs, hosts, sizes.comments_a_second)
        outcome = simulation.run(sizes.readers, sizes.seconds)
        tried[hosts] = outcome
        report(f"{hosts} hosts: {outcome}")
        if outcome.busy < MAX_BUSY_SHARE and outcome.p99 < PATIENCE:
            break
        hosts = hosts + 1 if outcome.busy < 0.95 else max(hosts + 1, int(hosts * outcome.busy))
    yield from rows(
        "web hosts | busy | p50, p99 ms | pages made anew | busy processors of the database",
        (
            f"{n} | {o.busy:.0%} | {o.p50:.1f}, {o.p99:.1f} | {o.made:.1%} | {o.database:.1f}"
            for n, o in tried.items()
        ),
    )
    yield Goal("web hosts for the peak", hosts, unit="")
    yield Goal(
        "processors of the database, at most 70 % busy", tried[hosts].database / MAX_BUSY_SHARE, unit=""
    )


class Site:
    """The site to measure, with a story whose discussion is open."""

    def __init__(self, bench: Run) -> None:
        self.bench, self.count = bench, bench.sizes.requests
        self.story = fixture.add_thread("peak", fixture.thread(bench.sizes.comments), days=20)
        fixture.add_stories(20)
        fixture.analyze()
        self.words = fixture.Words(bench.sizes.comments)
        self.writer, self.member = fixture.add_writers(1)[0], fixture.session_cookie(fixture.member())
        self.change = servers.change_discussion(self.story.article)

    def measure_costs(self) -> dict[str, Cost]:
        path, change_site = self.story.path, servers.change_site()
        version, new = f"{path}version/", f"{path}new/?since=0"

        def cost(path: str, cookie: str = "", before: Callable[[], None] | None = None) -> Cost:
            return _cost(self.bench, path, cookie, lambda target: request_page(target, self.count, before))

        return {
            CACHED: cost(path),
            MADE: cost(path, before=self.change),
            FRONT: cost("/", before=change_site),
            MEMBER: cost(path, self.member),
            SEARCH: cost(SEARCH_URL, before=change_site),
            FIND: cost(f"{path}{FIND_QUERY}", before=self.change),
            VERSION: cost(version),
            CHANGED: cost(version, before=self.change),
            NEW: cost(new),
            REPLY: _cost(
                self.bench, path, "", lambda target: send(target, self._replies(target), status=302)
            ),
        }

    def profile(self) -> dict[str, profiles.Profile]:
        """Return where the time goes, by the kind of request."""
        path, warm_up = self.story.path, self.bench.sizes.warm_up
        page = self.bench.site.target(path, path)

        def profile(path: str, before: Callable[[], None] | None, cookie: str = "") -> profiles.Profile:
            request = self.bench.site.target(path, path, cookie).request()
            return profiles.profile([request] * (self.count + warm_up), warm_up, before)

        return {
            MADE: profile(path, self.change),
            MEMBER: profile(path, None, self.member),
            SEARCH: profile(SEARCH_URL, servers.change_site()),
            FIND: profile(f"{path}{FIND_QUERY}", self.change),
            REPLY: profiles.profile(self._replies(page, warm_up), warm_up),
        }

    def _replies(self, target: Target, more: int = 0) -> list[bytes]:
        parents = self.story.ids
        return [
            self.writer.reply(target, parents[n % len(parents)], self.words.body())
            for n in range(self.count + more)
        ]


def _cost(bench: Run, path: str, cookie: str, request: Callable[[Target], Measured]) -> Cost:
    """Return the cost of a request, which the function sends several times."""

    def spent(part: str) -> float:
        return servers.processor_seconds([bench.site.process], part, but=servers.own_backends())

    target = replace(bench.site.target(path, path, cookie), spent=lambda: spent("granian"))
    request(target)
    before = spent("postgres")
    measured = request(target)
    if measured.errors:
        raise RuntimeError(f"{path}: {measured.failed}")
    database = spent("postgres") - before
    return Cost(measured.processor, 1000 * database / measured.count)


class Simulation:
    """Web servers in a peak. Each process answers its requests one after the other, and any gets the next."""

    def __init__(self, costs: dict[str, Cost], hosts: int, comments: float) -> None:
        self.costs = costs
        self.random = Random(hosts)
        self.free = [0.0] * hosts * PROCESSES  # the time from which each process has nothing to do
        self.cached: list[dict[tuple[str, int], int]] = [{} for _ in self.free]  # versions of pages
        self.versions = [0] * (STORIES + 1)  # of the stories, and of the front page, which shows their counts
        self.weights = list(accumulate(1 / (n + 1) for n in range(STORIES)))
        self.comments = comments  # a second, in all stories
        self.waits: list[float] = []
        self.web = self.database = 0.0  # seconds of processor time
        self.pages = self.made = 0  # of anonymous readers

    def run(self, readers: float, seconds: float) -> Outcome:
        """Simulate so many seconds, after as many in which the caches fill."""
        polls = readers * (1 - FRONT_PAGE)
        rates = {self._read: readers, self._comment: self.comments, self._poll: polls}
        kinds, sums, now = list(rates), list(accumulate(rates.values())), 0.0
        for _round in range(2):
            self.waits, self.web, self.database, self.pages, self.made = [], 0.0, 0.0, 0, 0
            began = now
            while now < began + seconds:
                now += self.random.expovariate(sums[-1])
                kinds[bisect(sums, self.random.random() * sums[-1])](now)
        waits = sorted(self.waits)
        return Outcome(
            self.web / seconds / len(self.free),
            1000 * waits[len(waits) // 2],
            1000 * waits[len(waits) * 99 // 100],
            self.database / seconds,
            self.made / self.pages,
        )

    def _read(self, now: float) -> None:
        chance = self.random.random()
        if self.random.random() < MEMBERS:
            self._answer(now, MEMBER)
        elif chance < SEARCHES:
            self._answer(now, SEARCH)
        elif chance < SEARCHES + FRONT_PAGE:
            self._answer_cached(now, FRONT, STORIES)
        else:
            self._answer_cached(now, MADE, self._story())

    def _poll(self, now: float) -> None:
        """Ask for the version of a story that was opened POLL_SECONDS before, then for what is new."""
        story = self._story()
        self._answer_cached(now, CHANGED, story)
        share = (self.weights[story] - (self.weights[story - 1] if story else 0)) / self.weights[-1]
        if self.random.random() > exp(-self.comments * share * POLL_SECONDS):
            self._answer(now, NEW)

    def _comment(self, now: float) -> None:
        story = self._story()
        self.versions[story] += 1
        self.versions[STORIES] += 1
        self._answer(now, REPLY)

    def _story(self) -> int:
        return bisect(self.weights, self.random.random() * self.weights[-1])

    def _answer_cached(self, now: float, kind: str, page: int) -> None:
        """Answer with a page that is made if the process has none of this version."""
        process = self.random.randrange(len(self.free))
        cached, version = self.cached[process], self.versions[page]
        is_current = cached.get((kind, page)) == version
        cached[kind, page] = version
        if kind == CHANGED:
            unchanged = VERSION
        else:
            unchanged = CACHED
            self.pages += 1
            self.made += not is_current
        self._answer(now, unchanged if is_current else kind, process)

    def _answer(self, now: float, kind: str, process: int | None = None) -> None:
        process = self.random.randrange(len(self.free)) if process is None else process
        cost = self.costs[kind]
        end = max(now, self.free[process]) + cost.web / 1000
        self.free[process] = end
        self.waits.append(end - now + cost.database / 1000)
        self.web += cost.web / 1000
        self.database += cost.database / 1000


if __name__ == "__main__":
    run("capacity", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
