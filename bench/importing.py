"""Measure imports of saved pages: python -m bench.importing

Made-up discussions are imported with `manage.py import_archive` into a served site, as an operator does.
First readers can see the comments, then the site's job worker has screened them. A file has at most 100,000
comments, since an import takes 60 MB; `--largest 1000000` imports ten such files.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from django.core.management import call_command

from bench import fixture, profiles
from bench.fixture import ThreadComment
from bench.runner import Goal, Run, report, rows, run
from bench.servers import Soundoff, connect, peak_megabytes, processor_seconds
from core.data_folder import PROJECT

SIZES = {"small": 10_000, "large": 100_000, "largest": 0}
# More than MAX_SCREENED_IN_IMPORT of moderation/screening/import_jobs.py, so that a job screens them.
SMALLEST = {"small": 1_000, "large": 0}
IN_A_FILE = 100_000
LEVELS = 3  # of a saved page
BEGAN = datetime(2013, 6, 19, 16, 40)  # noqa: DTZ001 - a page shows local times
DAYS = 20
POLL = 0.05  # seconds


class Step(NamedTuple):
    """The cost of one step of an import."""

    seconds: float = 0
    processor: float = 0  # seconds, including the database's
    memory: float = 0  # peak memory in MB, without the database's

    def plus(self, other: "Step") -> "Step":
        """Return the cost of both, one after the other."""
        seconds, processor = self.seconds + other.seconds, self.processor + other.processor
        return Step(seconds, processor, max(self.memory, other.memory))


def measure(bench: Run) -> Iterator[str | Goal]:
    """Import discussions of all sizes, one after the other."""
    figures = {}
    for count in filter(None, (bench.sizes.small, bench.sizes.large, bench.sizes.largest)):
        figures[count] = _import_all(bench, count)
    table = (
        f"{count:,} | {count / readable.seconds:,.0f} | {readable.processor:.1f} "
        f"| {readable.memory:.0f} | {count / screened.seconds:,.0f} | {screened.processor:.1f} "
        f"| {screened.memory:.0f}"
        for count, (readable, screened) in figures.items()
    )
    yield from rows(
        "comments | until readable: comments/s | CPU s | peak MB "
        "| checks and search: comments/s | CPU s | peak MB of the job worker",
        table,
    )
    for count, (readable, screened) in figures.items():
        rate = count / readable.seconds
        yield Goal(f"comments a second until readers see {count:,}", rate, least=10_000, unit="")
        yield Goal("… peak memory of all steps", max(readable.memory, screened.memory), most=500, unit="MB")
    argv = [sys.executable, "manage.py", "check_integrity"]
    checked = subprocess.run(argv, cwd=PROJECT, stdout=sys.stderr, check=False)
    yield Goal("damage that check_integrity finds", int(checked.returncode != 0), most=0, unit="")
    page = _write_page(bench.folder, bench.sizes.small, "profiled")
    name = f"import of {bench.sizes.small:,} until readers see it"
    yield from profiles.tables({name: profiles.profile_call(partial(_import_until_readable, page))})


def _import_all(bench: Run, count: int) -> tuple[Step, Step]:
    """Import this many comments. Return the cost until readers see them, and that of the screening."""
    readable, screened = Step(), Step()
    for first in range(0, count, IN_A_FILE):
        page = _write_page(bench.folder, min(IN_A_FILE, count - first), f"{count} from {first}")
        report(f"{first:,} of {count:,} comments …")
        readable = readable.plus(_import(bench.site, page))
        screened = screened.plus(_wait_for_screening(bench.site))
        page.unlink()
    return readable, screened


def _import(site: Soundoff, page: Path) -> Step:
    """Import a page with the command, and return the cost until readers see it.

    The time includes the start of the command. The peak memory is that of the whole command, which also
    searches for duplicates.
    """
    cursor = connect().cursor()
    before, spent = _visible_count(cursor), _spent(site)
    began = time.perf_counter()
    argv = [sys.executable, "manage.py", "import_archive", str(page)]
    process = subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.DEVNULL)
    while _visible_count(cursor) == before:
        if process.poll() is not None and _visible_count(cursor) == before:
            raise RuntimeError("import_archive failed.")
        time.sleep(POLL)
    seconds = time.perf_counter() - began
    processor = _spent(site) - spent + processor_seconds([process.pid])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("import_archive failed.")
    return Step(seconds, processor, used.ru_maxrss / 1024)


def _import_until_readable(page: Path, profiler: profiles.Profiler) -> None:
    """Import a page with the command, in this process. Stop the profile when readers see the comments."""

    # The statistics of the tables are updated directly after the commit. The comments are encoded in another
    # thread, whose calls the profile would take for those of this one.
    with (
        patch("comments.services.imports._analyze_tables", side_effect=profiler.stop) as committed,
        patch("comments.services.imports._run_ahead", map),
    ):
        call_command("import_archive", page, stdout=StringIO())
    if not committed.called:
        raise RuntimeError("An import of so few comments updates no statistics: its profile has no end.")


def _wait_for_screening(site: Soundoff) -> Step:
    """Wait until the job worker has screened all imports, and return its cost."""
    from moderation.models import ImportScreening

    unfinished = ImportScreening.objects.filter(finished_at=None)
    spent = _spent(site) + _spent(site, "db_worker")
    started = unfinished.values_list("action__at", flat=True).first()
    while unfinished.exists():
        time.sleep(POLL)
    processor = _spent(site) + _spent(site, "db_worker") - spent
    finished = ImportScreening.objects.order_by("finished_at").last()
    ended = finished.finished_at if finished else None
    seconds = (ended - started).total_seconds() if ended and started else 0
    return Step(seconds, processor, peak_megabytes(site.process, "db_worker"))


def _visible_count(cursor: Any) -> int:
    cursor.execute("SELECT coalesce(sum(visible_count), 0) FROM comments_discussion")
    return int(cursor.fetchone()[0])


def _spent(site: Soundoff, part: str = r"/postgres |^postgres:") -> float:
    return processor_seconds([site.process], part)


def _write_page(folder: Path, count: int, name: str) -> Path:
    """Write a saved page of a made-up discussion into a file."""
    path = folder / f"{name.replace(' ', '-')}.txt"
    path.write_text("\n".join(_page_lines(fixture.thread(count), f"A saved page, {name}")))
    return path


def _page_lines(comments: list[ThreadComment], title: str) -> Iterator[str]:
    """Yield the lines of a saved page, as archive.formats.soundoff reads them."""
    yield from (f"{BEGAN:%B} {BEGAN.day}th, {BEGAN.year}", f"{BEGAN:%I:%M %p} UTC", "", title, "")
    yield from (fixture.article(), "", "Topics: One", "", f"soundoff ({len(comments)} Responses)")
    number = 0
    for row, level in _in_page_order(comments):
        number += level == 1
        at, indent = BEGAN + timedelta(days=DAYS * row.at), "  " * level
        yield f"{indent}{number}. {row.name}" if level == 1 else f"{indent}• {row.name}"
        yield from (
            "",
            f"{indent}  {row.body}",
            "",
            f"{indent}  {at:%B} {at.day}, {at:%Y at %I:%M %p} | Reply",
        )
    yield from ("", "Post a comment")


def _in_page_order(comments: list[ThreadComment]) -> Iterator[tuple[ThreadComment, int]]:
    """Yield the comments with their levels from 1 to LEVELS, each one before its replies."""
    replies: dict[int | None, list[int]] = {}
    for place, row in enumerate(comments):
        replies.setdefault(row.parent, []).append(place)
    left = [(place, 1) for place in reversed(replies.get(None, []))]
    while left:
        place, level = left.pop()
        yield comments[place], min(level, LEVELS)
        left += [(reply, level + 1) for reply in reversed(replies.get(place, []))]


if __name__ == "__main__":
    run("importing", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
