"""Measure reading, side by side with WordPress if its packages are installed: python -m bench.reading

A page that has just changed is requested by one client, which increases the discussion's version before each
request.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from bench import fixture, load, profiles, servers
from bench.load import Measured, Target, read, request_page
from bench.peers.wordpress import WordPress
from bench.runner import Goal, Run, in_turn, report, rows, run

SIZES = {
    "rounds": 5,
    "seconds": 2,
    "requests": 150,
    "warm_up": 20,
    "stories": 45,
    "threads": (74, 1_000, 10_000, 100_000),
}
SMALLEST = {"rounds": 1, "seconds": 0, "requests": 2, "warm_up": 1, "stories": 5, "threads": (74, 1_000)}
READERS = (1, 8, 32)
ENCODINGS = ("br", "gzip")  # browsers accept the first over HTTPS, and the bench's site has no HTTPS
MAX_WORDPRESS_COMMENTS = 10_000  # comments; WordPress takes seconds for a page of these
DAYS = 100  # days over which a thread was written, long enough for the sentence about its time
NAMES = {"changed": "changed a moment ago", "member": "to a member"}
TIMES_WORDPRESS = {"changed": {74: 23, 1_000: 130}, "member": {74: 20, 1_000: 120}}  # the goals, by comments
MOST_PROCESSOR_MS = {"search for a rare word": 30, "find in a discussion": 10}
HEAD = " | p50, p99 ms | CPU ms | statements | kB | kB sent | failed"


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure cached pages, changed ones and those of members, and the pages around them."""
    sizes: tuple[int, ...] = bench.sizes.threads
    threads = {size: fixture.thread(size) for size in sizes}
    stories: dict[int, fixture.ImportedStory] = {}
    for size, comments in threads.items():
        report(f"Importing a thread of {size:,} …")
        stories[size] = fixture.add_thread(str(size), comments, DAYS)
    fixture.add_stories(bench.sizes.stories)
    fixture.analyze()
    peer = bench.wordpress({n: threads[n] for n in sizes if n <= MAX_WORDPRESS_COMMENTS}, DAYS)
    goals: list[Goal] = []
    yield from unchanged(bench, stories, peer, goals)
    yield from changed(bench, stories, peer, goals)
    yield from others(bench, stories[sizes[min(1, len(sizes) - 1)]].path, goals)
    profiled = list(profiles.tables(_profiles(bench, {size: stories[size] for size in sizes[:2]})))
    goals.append(_first_answers(bench, stories[sizes[0]].path))
    yield from goals
    yield from profiled


def _first_answers(bench: Run, path: str) -> Goal:
    """Start the site again, and request a page by 8 clients from the moment at which its port is open."""
    bench.stop_site()
    load.idle_seconds = 0  # otherwise the site may finish its preparations before the first request
    site = replace(bench.site, port=servers.free_port())
    with servers.serve(site.folder, site.port) as process:
        target = replace(site, process=process).target("", path)
        count = 10 * bench.sizes.requests
        first = load.send(target, [target.request()] * count, clients=8)
    name = f"p99 of the first {count:,} answers of a site that was started again, 8 reading"
    return Goal(name, first.p99, unit="ms")


def _profiles(bench: Run, stories: dict[int, fixture.ImportedStory]) -> dict[str, profiles.Profile]:
    """Return where the time of a cached page goes, and of pages that changed a moment ago."""
    requests, warm_up = bench.sizes.requests, bench.sizes.warm_up
    found: dict[str, profiles.Profile] = {}
    for size, story in stories.items():
        request = bench.site.target("", story.path).request()
        if not found:  # a cached page is the same work at any size
            found[f"cached page, {size:,}"] = profiles.profile([request] * (10 * requests), warm_up)
        change = servers.change_discussion(story.article)
        name = f"changed a moment ago, {size:,}"
        found[name] = profiles.profile([request] * (requests + warm_up), warm_up, change)
    return found


def unchanged(
    bench: Run, stories: dict[int, fixture.ImportedStory], peer: WordPress | None, goals: list[Goal]
) -> Iterator[str]:
    """Measure a cached page of the smallest thread against all servers that can serve the same."""
    small, *larger = stories
    seconds = bench.sizes.seconds
    ours = bench.site.target("Soundoff, cached page", stories[small].path)
    page = bench.folder / "page"
    page.write_bytes(ours.fetch())
    targets = [ours, bench.stack.enter_context(servers.constant_view(page))]
    if peer:
        targets.append(peer.file("ours", page.read_bytes(), gzipped=True))
        targets.append(peer.file("theirs", peer.page(small).fetch()))
        targets += [peer.cached_page(small), peer.page(small)]
    encoded = {name: replace(ours, headers={"Accept-Encoding": name}) for name in ENCODINGS}
    for target in encoded.values():
        _fetch_from_each_process(target)
    figures = in_turn(
        {(t.name, n): partial(read, t, n, seconds) for n in READERS for t in targets}, bench.sizes.rounds
    )
    yield f"### Unchanged, nobody logged in, {small} comments"
    yield ""
    rates = " | ".join(f"{n} reading: pages/s" for n in READERS)
    head = f" | {rates} | p50, p99 ms of 8 | CPU ms | bytes | failed"
    yield from rows(head, (_row(t.name, [figures[t.name, n] for n in READERS]) for t in targets))
    yield ""
    # At least a second, so that the smallest size uses the load generator, too.
    by_size = {n: read(bench.site.target("", stories[n].path), 8, max(1, seconds)).rate for n in larger}
    some = ", ".join(f"{n:,}: {rate:,.0f} pages/s" for n, rate in by_size.items())
    yield f"The same page with more comments, 8 reading: {some}."
    for encoding, target in encoded.items():
        # The rounds were longer than it takes to compress the page better.
        kilobytes = _fetch_from_each_process(target) / 1000
        goals.append(Goal(f"cached page, {small} comments, {encoding}", kilobytes, most=18, unit="kB"))
    for place, what, readers, least in (
        (1, "a constant Django view", 8, None),
        (5, "WordPress without a cache", 8, 450),
        (4, "WordPress behind nginx's cache", 8, 1),
        (4, "WordPress behind nginx's cache", 32, 1),
        (2, "nginx and a file of as many bytes", 8, None),
        (3, "nginx and a file of WordPress's bytes", 8, None),
    ):
        if place < len(targets):
            ratio = figures[ours.name, readers].rate / figures[targets[place].name, readers].rate
            goals.append(Goal(f"cached page against {what}, {readers} reading", ratio, least=least))


def _fetch_from_each_process(target: Target) -> int:
    """Request the page so often that all web processes have probably answered. Return its most bytes."""
    return max(len(target.fetch()) for _ in range(20))


def _row(name: str, by_readers: list[Measured]) -> str:
    m = by_readers[1]
    rates = " | ".join(f"{one.rate:,.0f}" for one in by_readers)
    failed = ", ".join(one.failed for one in by_readers if one.errors) or "0"
    return f"{name} | {rates} | {m.p50:.2f}, {m.p99:.2f} | {m.processor:.3f} | {m.size:,.0f} | {failed}"


def changed(
    bench: Run, stories: dict[int, fixture.ImportedStory], peer: WordPress | None, goals: list[Goal]
) -> Iterator[str]:
    """Measure the first page of each thread, rendered anew for each request, and the same to a member."""
    cookie = fixture.session_cookie(fixture.member())
    targets: dict[tuple[int, str], Target] = {}
    changes: dict[tuple[int, str], Callable[[], None]] = {}
    measures: dict[tuple[int, str], Callable[[], Measured]] = {}
    for size, story in stories.items():
        changes[size, "changed"] = servers.change_discussion(story.article)
        targets[size, "changed"] = bench.site.target(f"Soundoff, {NAMES['changed']}", story.path)
        targets[size, "member"] = bench.site.target(f"Soundoff, {NAMES['member']}", story.path, cookie)
        if peer and size <= MAX_WORDPRESS_COMMENTS:
            targets[size, "WordPress"] = peer.page(size)
    for key, target in targets.items():
        times = max(2, min(10, 2_000 // key[0])) if key[1] == "WordPress" else bench.sizes.requests
        measures[key] = partial(request_page, target, times, changes.get(key))
    figures = in_turn(measures, bench.sizes.rounds, warm_up=True)
    ours = {key: target for key, target in targets.items() if key[1] != "WordPress"}
    statements = bench.site.page_statements(ours, changes)
    if peer:
        theirs = {key: target for key, target in targets.items() if key not in ours}
        statements |= {key: peer.page_statements(target) for key, target in theirs.items()}
    yield ""
    yield "### Changed a moment ago, or for a member: one reader"
    yield ""
    table = (f"{key[0]:,} | {_cells(t, figures[key], statements[key])}" for key, t in targets.items())
    yield from rows(f"comments | {HEAD}", table)
    for kind in ("changed", "member"):
        most = max(count for key, count in statements.items() if key[1] == kind)
        goals.append(Goal(f"statements for a page, {NAMES[kind]}, of any size", most, most=4, unit=""))
    goals.extend(_judge_changed(figures))


def _cells(target: Target, m: Measured, statements: int) -> str:
    times, plain = f"{m.p50:.2f}, {m.p99:.2f}", len(target.fetch(unpack=True)) / 1000
    sizes = f"{plain:,.1f} | {m.size / 1000:,.1f}"
    return f"{target.name} | {times} | {m.processor:.2f} | {statements} | {sizes} | {m.failed}"


def _judge_changed(figures: dict[tuple[int, str], Measured]) -> Iterator[Goal]:
    sizes = list(dict.fromkeys(size for size, _kind in figures))
    for kind, times in TIMES_WORDPRESS.items():
        for size in sizes:
            if theirs := figures.get((size, "WordPress")):
                ratio = theirs.p50 / figures[size, kind].p50
                what = f"page {NAMES[kind]} against WordPress, {size:,} comments, p50"
                yield Goal(what, ratio, least=times.get(size))
        full, *larger = (size for size in sizes if size >= 1_000)
        for size in larger:
            growth = figures[size, kind].processor / figures[full, kind].processor
            yield Goal(f"CPU of a page {NAMES[kind]}, {size:,} against {full:,}", growth, most=1.1)


def others(bench: Run, story: str, goals: list[Goal]) -> Iterable[str]:
    """Measure all other pages for readers, rendered anew. The story has a full page of comments."""
    paths = {
        "front page": "/",
        "topic": "/topics/topic-1/",
        "archive": "/archive/",
        "a year": time.strftime("/archive/%Y/"),
        "feed": "/feed/",
        "a story's feed": f"{story}feed/",
        "search": "/search/?q=who+said+that+more",
        "search for a rare word": f"/search/?q={fixture.rare_word()}",
        "find in a discussion": f"{story}find/?q=who+said+that",
        "version": f"{story}version/",
        "sitemap": "/sitemap.xml",
    }
    change = servers.change_site()
    targets = {name: bench.site.target(name, path) for name, path in paths.items()}
    requests = {
        name: partial(request_page, target, bench.sizes.requests, change) for name, target in targets.items()
    }
    figures = in_turn(requests, bench.sizes.rounds)
    counts = bench.site.page_statements(targets, dict.fromkeys(targets, change))
    table = (_cells(target, figures[name], counts[name]) for name, target in targets.items())
    for name, most in MOST_PROCESSOR_MS.items():
        goals.append(Goal(f"{name}: CPU", figures[name].processor, most=most, unit="ms"))
    return ["", "### Other pages, made anew: one reader", "", *rows(HEAD, table)]


if __name__ == "__main__":
    run("reading", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
