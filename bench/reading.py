"""Measure reading, side by side with WordPress if its packages are installed: python -m bench.reading

Targets take turns (A B C A B C …), and every figure is a median of the rounds. A page that has just changed
is requested by one client, which increases the discussion's version before each request.
"""

import argparse
import gzip
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import machine, soundoff, wordpress
from bench.load import Measured, Target, Wire, ask, middle, read
from bench.report import Goal, goals, publish, rows
from bench.soundoff import Soundoff
from bench.threads import thread
from bench.wordpress import WordPress

SIZES = (74, 1_000, 10_000, 100_000)
READERS = (1, 8, 32)
WORDPRESS_MOST = 10_000  # comments; WordPress takes seconds for a page of these
DAYS = 100  # days over which a thread was written, long enough for the sentence about its time


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of each load")
    parser.add_argument("--asked", type=int, default=60, help="questions to a page that changes")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=SIZES)
    parser.add_argument("--quick", action="store_true", help="one round of a second, up to 10,000 comments")
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--no-wordpress", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.asked = 1, 1, 30
        options.sizes = tuple(size for size in options.sizes if size <= 10_000)
    if options.smallest:
        options.rounds, options.seconds, options.asked, options.sizes = 1, 1, 2, (74, 1_000)
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        site = stack.enter_context(soundoff.running(folder / "soundoff"))
        for size in options.sizes:
            _say(f"Taking in a thread of {size:,} …")
            soundoff.add_thread(site, str(size), thread(size), days=DAYS)
        soundoff.add_stories(45)
        soundoff.tidy()
        wp = None
        if not options.no_wordpress and wordpress.is_installed():
            _say("Setting WordPress up …")
            wp = stack.enter_context(_wordpress(folder, options.sizes))
        bench = Bench(site, wp, stack, folder, options.sizes, options.rounds, options.seconds, options.asked)
        publish("reading", bench.run(), write=options.write)


@dataclass
class Bench:
    """The parts of the bench, and the goals that they collect."""

    site: Soundoff
    wp: WordPress | None
    stack: ExitStack
    folder: Path
    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    asked: int
    goals: list[Goal] = field(default_factory=list)

    def run(self) -> Iterator[str]:
        yield f"{self.rounds} rounds, medians. Load average before: {machine.load()}."
        for part in (self.unchanged, self.changed, self.others):
            yield ""
            yield from part()
        yield ""
        yield f"Load average after: {machine.load()}."
        yield ""
        yield from goals(self.goals)

    def unchanged(self) -> Iterator[str]:
        """Measure a cached page of the smallest thread against all servers that can serve the same."""
        small = str(self.sizes[0])
        ours = self.site.target("Soundoff, cached page", self.site.story(small))
        packed = _fetch(ours)
        page = self.folder / "page"
        page.write_bytes(packed)
        targets = [ours, self.stack.enter_context(soundoff.floor(page))]
        if self.wp:
            targets += [
                self.wp.file("ours", packed, gzipped=True),
                self.wp.file("theirs", _fetch(self.wp.page(self.sizes[0]))),
                self.wp.cached_page(self.sizes[0]),
                self.wp.page(self.sizes[0]),
            ]
        found: dict[tuple[str, int], list[Measured]] = {}
        for number in range(self.rounds):
            for readers in READERS:
                for target in targets:
                    measured = read(target, readers, self.seconds)
                    found.setdefault((target.name, readers), []).append(measured)
                    _say(f"{number + 1} {target.name}, {readers}: {measured.rate:.0f}/s")
        medians = {key: middle(values) for key, values in found.items()}
        yield f"### Unchanged, nobody logged in, {small} comments"
        yield ""
        yield from rows(
            (
                "",
                *(f"{n} reading: pages/s" for n in READERS),
                "p50, p99 ms of 8",
                "CPU ms",
                "bytes",
                "failed",
            ),
            (
                (
                    target.name,
                    *(f"{medians[target.name, n].rate:,.0f}" for n in READERS),
                    f"{medians[target.name, 8].p50:.2f}, {medians[target.name, 8].p99:.2f}",
                    f"{medians[target.name, 8].processor:.3f}",
                    f"{medians[target.name, 8].size:,.0f}",
                    _failed([medians[target.name, n] for n in READERS]),
                )
                for target in targets
            ),
        )
        self._judge_unchanged(targets, medians)
        yield ""
        yield "The same page with more comments, 8 reading: " + ", ".join(self._larger()) + "."

    def _judge_unchanged(self, targets: list[Target], medians: dict[tuple[str, int], Measured]) -> None:
        def ratio(other: Target, readers: int) -> float:
            return medians[targets[0].name, readers].rate / medians[other.name, readers].rate

        self.goals.append(Goal("cached page against a constant Django view, 8 reading", ratio(targets[1], 8)))
        if not self.wp:
            return
        equal, as_large, cached, plain = targets[2:]
        self.goals += [
            Goal("cached page against WordPress without a cache, 8 reading", ratio(plain, 8), least=450),
            Goal(
                "cached page against WordPress behind nginx's cache, 8 reading", ratio(cached, 8), least=0.85
            ),
            Goal(
                "cached page against WordPress behind nginx's cache, 32 reading", ratio(cached, 32), least=1
            ),
            Goal("cached page against nginx and a file of as many bytes, 8 reading", ratio(equal, 8)),
            Goal("cached page against nginx and a file of WordPress's bytes, 8 reading", ratio(as_large, 8)),
        ]

    def _larger(self) -> Iterator[str]:
        for size in self.sizes[1:]:
            measured = read(self.site.target("", self.site.story(str(size))), 8, self.seconds)
            yield f"{size:,}: {measured.rate:,.0f} pages/s"

    def changed(self) -> Iterator[str]:
        """Measure the first page of each thread, rendered anew for each request, and the same to a member."""
        member = soundoff.member_cookie()
        targets: dict[tuple[str, int], Target] = {}
        for size in self.sizes:
            path = self.site.story(str(size))
            targets["changed", size] = self.site.target("Soundoff, changed a moment ago", path)
            targets["member", size] = self.site.target("Soundoff, to a member", path, Cookie=member)
            if self.wp and size <= WORDPRESS_MOST:
                targets["wordpress", size] = self.wp.page(size)
        bumps = {size: soundoff.bump(self.site, str(size)) for size in self.sizes}
        found: dict[tuple[str, int], list[Measured]] = {}
        for number in range(self.rounds + 1):
            for (kind, size), target in targets.items():
                times = self.asked if kind != "wordpress" else max(2, min(10, 2_000 // size))
                measured = ask(target, times, bumps[size] if kind == "changed" else None)
                if number:  # the first round warms up
                    found.setdefault((kind, size), []).append(measured)
                    _say(
                        f"{number} {target.name}, {size:,}: "
                        f"p50 {measured.p50:.1f} ms, CPU {measured.processor:.1f}"
                    )
        medians = {key: middle(values) for key, values in found.items()}
        yield "### Changed a moment ago, or for a member: one reader"
        yield ""
        statements: dict[tuple[str, int], int] = {}
        body: list[list[str]] = []
        for (kind, size), target in targets.items():
            statements[kind, size] = self._statements(target, bumps[size] if kind == "changed" else None)
            plain = len(_fetch(target, unpack=True))
            m = medians[kind, size]
            body.append(
                [
                    f"{size:,}",
                    target.name,
                    f"{m.p50:.2f}, {m.p99:.2f}",
                    f"{m.processor:.2f}",
                    str(statements[kind, size]),
                    f"{plain / 1000:,.1f}",
                    f"{m.size / 1000:,.1f}",
                    _failed([m]),
                ]
            )
        body.sort(key=lambda cells: int(cells[0].replace(",", "")))
        yield from rows(
            ("comments", "", "p50, p99 ms", "CPU ms", "statements", "kB", "kB sent", "failed"), body
        )
        parts = {size: soundoff.query_and_html(self.site, str(size), self.asked) for size in self.sizes}
        yield ""
        yield "Query and HTML of the thread alone, CPU ms: " + ", ".join(
            f"{size:,}: {spent:.2f}" for size, spent in parts.items()
        )
        self._judge_changed(medians, statements, parts)

    def _judge_changed(
        self,
        medians: dict[tuple[str, int], Measured],
        statements: dict[tuple[str, int], int],
        parts: dict[int, float],
    ) -> None:
        full = [size for size in self.sizes if size >= 1_000]
        most = max(statements["changed", size] for size in self.sizes)
        self.goals.append(Goal("statements for a changed page, of any size", most, most=5, unit=""))
        for size in full[:1]:
            self.goals += [
                Goal(f"query and HTML, {size:,} comments, CPU", parts[size], most=2, unit="ms"),
                Goal(
                    f"changed page, {size:,} comments, CPU all in",
                    medians["changed", size].processor,
                    most=3,
                    unit="ms",
                ),
            ]
        for size in full[1:]:
            cost = medians["changed", size].processor / medians["changed", full[0]].processor
            self.goals.append(Goal(f"CPU of a changed page, {size:,} against {full[0]:,}", cost, most=1.1))
        for size in full[:1]:
            cost = medians["member", size].processor / medians["changed", size].processor
            self.goals.append(Goal(f"CPU of a member's page against a changed one, {size:,}", cost, most=2))
        for size in self.sizes:
            if theirs := medians.get(("wordpress", size)):
                ratio = theirs.p50 / medians["changed", size].p50
                self.goals.append(Goal(f"changed page against WordPress, {size:,} comments, p50", ratio))

    def others(self) -> Iterator[str]:
        """Measure all other pages for readers, rendered anew."""
        story = self.site.story(str(self.sizes[1 if len(self.sizes) > 1 else 0]))
        paths = {
            "front page": "/",
            "topic": "/topics/topic-1/",
            "archive": "/archive/",
            "a year": time.strftime("/archive/%Y/"),
            "feed": "/feed/",
            "a story's feed": f"{story}feed/",
            "search": "/search/?q=who+said+that+more",
            "find in a discussion": f"{story}find/?q=who+said+that",
            "version": f"{story}version/",
            "sitemap": "/sitemap.xml",
        }
        bump = soundoff.bump_site()
        found: dict[str, list[Measured]] = {}
        targets = {name: self.site.target(name, path) for name, path in paths.items()}
        for _ in range(self.rounds):
            for name, target in targets.items():
                found.setdefault(name, []).append(ask(target, self.asked, bump))
        medians = {name: middle(values) for name, values in found.items()}
        yield "### Other pages, made anew: one reader"
        yield ""
        yield from rows(
            ("", "p50, p99 ms", "CPU ms", "statements", "kB", "kB sent", "failed"),
            (
                (
                    name,
                    f"{m.p50:.2f}, {m.p99:.2f}",
                    f"{m.processor:.2f}",
                    str(self._statements(targets[name], bump)),
                    f"{len(_fetch(targets[name], unpack=True)) / 1000:,.1f}",
                    f"{m.size / 1000:,.1f}",
                    _failed([m]),
                )
                for name, m in medians.items()
            ),
        )

    def _statements(self, target: Target, bump: Callable[[], None] | None) -> int:
        wire = Wire(target.port)
        if target.name == "WordPress":
            assert self.wp
            before = self.wp.statements()
            wire.exchange(target.question())
            return self.wp.statements() - before - 1  # the first value of the counter

        def ask_once() -> None:
            if bump:
                bump()
            wire.exchange(target.question())

        ask_once()  # not counted: it may open a connection
        seen = self.site.statements(ask_once)
        return sum(
            not line.startswith(("UPDATE comments_discussion", "UPDATE articles_site")) for line in seen
        )


def _wordpress(folder: Path, sizes: tuple[int, ...]) -> AbstractContextManager[WordPress]:
    inside = folder / "wordpress"
    inside.mkdir(mode=0o755)
    threads = {size: thread(size) for size in sizes if size <= WORDPRESS_MOST}
    now = time.time()
    return wordpress.running(inside, threads, now - DAYS * 86_400, now - 86_400)


def _fetch(target: Target, *, unpack: bool = False) -> bytes:
    request = urllib.request.Request(target.url, headers=dict(target.headers))
    with urllib.request.urlopen(request, timeout=120) as answer:
        body: bytes = answer.read()
        return gzip.decompress(body) if unpack and answer.headers["Content-Encoding"] == "gzip" else body


def _failed(measured: list[Measured]) -> str:
    return ", ".join(f"{n} × {what}" for m in measured for what, n in m.errors.items()) or "0"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
