"""Run a bench from the command line, measure in turn, and write results as tables into docs/measured.md."""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from bench import load, servers
from bench.fixture import ThreadComment
from bench.load import Measured, medians
from bench.peers import wordpress
from bench.servers import Soundoff
from core.data_folder import PROJECT
from core.dates.days import DAY_SECONDS

MEASURED = PROJECT / "docs" / "measured.md"
Key = TypeVar("Key")


@dataclass(frozen=True)
class Goal:
    """A figure with its least or greatest wanted value. Without either it is reported and not judged."""

    name: str
    figure: float
    least: float | None = None
    most: float | None = None
    unit: str = "×"
    digits: int | None = None  # decimal places; None: chosen by the figure's size

    def __str__(self) -> str:
        """Return the row of the goal: name, figure, target, and whether it is met."""
        digits = self.digits
        if digits is None:
            is_whole = self.figure >= 100 or self.figure == int(self.figure)
            digits = 0 if is_whole else 1 if self.figure >= 10 else 2
        figure = f"{self.figure:,.{digits}f} {self.unit}".strip()
        if self.least is not None:
            wanted, is_met = f"≥ {self.least:g}", self.figure >= self.least
        elif self.most is not None:
            wanted, is_met = f"≤ {self.most:g}", self.figure <= self.most
        else:
            return f"{self.name} | {figure} | – | "
        target = f"{wanted} {self.unit}".strip()
        return f"{self.name} | {figure} | {target} | {'met' if is_met else '**not met**'}"


class Run:
    """One run of a bench: its temporary folder, its sizes, and the servers that it uses."""

    def __init__(
        self,
        stack: ExitStack,
        sizes: SimpleNamespace,
        settings: Mapping[str, str],
        *,
        with_wordpress: bool,
        served: bool,
    ) -> None:
        self.stack = stack  # closes what the run has opened
        self.sizes = sizes
        self.with_wordpress = with_wordpress
        self.remarks: list[str] = []  # below the results
        self.folder: Path = stack.enter_context(servers.temporary_folder())
        self._site = stack.enter_context(ExitStack())
        # With nothing but the sample. The functions of bench.fixture fill it.
        site = servers.soundoff(self.folder / "soundoff", settings, served=served)
        self.site: Soundoff = self._site.enter_context(site)

    def stop_site(self) -> None:
        """Stop the site before the end of the run."""
        self._site.close()

    def wordpress(self, threads: Mapping[int, list[ThreadComment]], days: int) -> wordpress.WordPress | None:
        """Serve WordPress with these threads, written in the last `days` days, unless it is not installed."""
        if not self.with_wordpress or not wordpress.is_installed():
            self.remarks += ["", "Soundoff was measured alone, without WordPress."]
            return None
        report("Setting WordPress up …")
        folder = self.folder / "wordpress"
        folder.mkdir(mode=0o755)
        began, ended = time.time() - days * DAY_SECONDS, time.time() - DAY_SECONDS
        return self.stack.enter_context(wordpress.running(folder, threads, began, ended))


def run(
    name: str,
    measure: Callable[[Run], Iterable[str | Goal]],
    about: str | None,
    *,
    sizes: Mapping[str, Any],
    smallest: Mapping[str, Any],
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] | None = None,
    served: bool = True,
) -> None:
    """Run one bench as the command line says, and publish its lines and goals.

    `smallest` has the sizes at which the bench only shows that it runs. Each number in `sizes` is an option.
    `settings` are environment variables of the site. Unless `served`, only the site's database runs: the
    bench requests no page, and no jobs run beside it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name.split(':')[0]}", description=about)
    numbers = [size for size, value in sizes.items() if type(value) is int]
    for size in numbers:
        parser.add_argument(f"--{size}", type=int)
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--no-wordpress", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args(arguments)
    given = {size: value for size in numbers if (value := getattr(options, size)) is not None}
    chosen = SimpleNamespace(**{**sizes, **(smallest if options.smallest else {}), **given})
    if options.smallest:
        load.idle_seconds = 0
    with ExitStack() as stack:
        bench = Run(stack, chosen, settings or {}, with_wordpress=not options.no_wordpress, served=served)
        publish(name, chain(measure(bench), bench.remarks), write=options.write)


class Part(NamedTuple):
    """A part of a bench: the function that measures, its sizes, and the least sizes that it can run with."""

    measure: Callable[[Run], Iterable[str | Goal]]
    sizes: Mapping[str, Any]
    smallest: Mapping[str, Any]
    served: bool = False  # whether it requests pages


def run_parts(
    name: str, parts: Mapping[str, Part], about: str | None, *, settings: Mapping[str, str] | None = None
) -> None:
    """Run the parts of a bench that the command line names, or all of them."""
    options = [argument for argument in sys.argv[1:] if argument not in parts]
    chosen = [argument for argument in sys.argv[1:] if argument in parts] or list(parts)
    if len(chosen) > 1:  # each in its own process, because Django keeps one database
        for one in chosen:
            subprocess.run([sys.executable, "-m", f"bench.{name}", one, *options], check=True)
        return
    part = parts[chosen[0]]
    run(
        f"{name}: {chosen[0]}",
        part.measure,
        about,
        sizes=part.sizes,
        smallest=part.smallest,
        settings=settings,
        arguments=options,
        served=part.served,
    )


def in_turn(
    measure: Mapping[Key, Callable[[], Measured]], rounds: int, *, warm_up: bool = False
) -> dict[Key, Measured]:
    """Call all functions once a round, and return the median of each one's figures.

    They take turns (A B C A B C …), so that other work on the machine slows all of them, and ratios hold.
    With `warm_up` they are called once more before, which is not counted.
    """
    found: dict[Key, list[Measured]] = {key: [] for key in measure}
    for number in range(1 - warm_up, rounds + 1):
        for key, one in measure.items():
            figures = one()
            report(
                f"{number} {key}: {figures.rate:.0f}/s, p50 {figures.p50:.1f} ms, p99 {figures.p99:.1f} ms, "
                f"CPU {figures.processor:.1f} ms {dict(figures.errors) or ''}"
            )
            if number:
                found[key].append(figures)
    return {key: medians(values) for key, values in found.items()}


def publish(name: str, results: Iterable[str | Goal], *, write: bool) -> None:
    """Print the section. With `write`, also replace the section of that name in docs/measured.md."""
    text = "\n".join(_lines(results))
    print(text)
    if write:
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end.lstrip())
        page = MEASURED.read_text()
        if begin not in page or f"<!-- /{name} -->" not in page:
            raise ValueError(f"{MEASURED} has no place for {name}: add {begin.strip()}<!-- /{name} -->.")
        MEASURED.write_text(re.sub(pattern, lambda _: begin + text + end, page, flags=re.DOTALL))


def _lines(results: Iterable[str | Goal]) -> Iterator[str]:
    """Yield lines of Markdown, with each run of goals as a table."""
    yield (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} processors that the servers share with the load."
    )
    yield f"Load average before: {os.getloadavg()[0]:.1f}."
    for is_goal, some in groupby(results, lambda result: isinstance(result, Goal)):
        yield ""
        lines = map(str, some)
        yield from rows("goal | figure | target | ", lines) if is_goal else lines
    yield ""
    yield f"Load average after: {os.getloadavg()[0]:.1f}."


def _commit() -> str:
    """Return the short hash of the commit that is measured, or "unknown" without Git or its repository."""
    if not (git := shutil.which("git")):
        return "unknown"
    command = [git, "-C", str(PROJECT), "rev-parse", "--short=8", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def rows(head: str, body: Iterable[str]) -> Iterator[str]:
    """Yield a Markdown table of lines whose cells are separated by ` | `."""
    yield f"| {head} |"
    yield "|---" * (head.count(" | ") + 1) + "|"
    for line in body:
        yield f"| {line} |"


def report(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)
