"""Measure a backup and its restore: python -m bench.backup

The bench fills a site, writes it into one file while its pages are being read, and restores it into an
empty data folder. The pages must then be the same byte by byte, and check_integrity must find nothing.
Both commands are measured as an operator runs them, including the start of Python, the second database and
its tables.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench import fixture, servers
from bench.runner import Goal, Run, report, run
from bench.servers import Soundoff
from core.data_folder import PROJECT

SIZES = {"comments": 100_000, "images": 200, "readers": 8}
SMALLEST = {"comments": 100, "images": 2, "readers": 2}
IN_A_STORY = 5_000
STORIES = 20  # number of discussions whose pages are compared
IMAGE_BYTES = 200_000  # of each file in media/


def measure(bench: Run) -> Iterator[Goal]:
    """Make a backup and restore it."""
    site, file, second = bench.site, bench.folder / "site.zip", bench.folder / "second"
    for start in range(0, bench.sizes.comments, IN_A_STORY):
        report(f"{start:,} of {bench.sizes.comments:,} comments …")
        thread = fixture.thread(min(IN_A_STORY, bench.sizes.comments - start))
        fixture.add_thread(str(start), thread, 30)
    _add_images(site.folder, bench.sizes.images)
    fixture.analyze()
    comments, media_bytes, stories = _inventory(site.folder)
    paths = ["/", "/feed/", "/search/?q=vote", *stories]
    before = _pages(site, paths)
    with servers.connect("owner").cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    # Without the search, which refuses to answer several people at once.
    with _readers(site, ["/", "/feed/", *stories], bench.sizes.readers) as read:
        backup = _command("backup", site.folder, file)
    what = f"a backup of {comments:,} comments, while {bench.sizes.readers} people read"
    yield Goal(what, backup.seconds, unit="s")
    yield Goal("… its peak memory", backup.memory, most=200, unit="MB")
    yield Goal("… pages read meanwhile", sum(read), unit="")
    yield Goal("rows and indexes in the database", size / 1e6, unit="MB")
    yield Goal("media", media_bytes / 1e6, unit="MB")
    yield Goal("the file", file.stat().st_size / 1e6, unit="MB")
    bench.stop_site()
    restore = _command("restore", second, file)
    yield Goal("restore, from no data folder to a complete site", restore.seconds, unit="s")
    yield Goal("… processor time of it and of its database", restore.processor, unit="s")
    yield Goal("… peak memory of a process, including the database's", restore.memory, most=300, unit="MB")
    yield Goal("both", backup.seconds + restore.seconds, most=60, unit="s")
    # The address is that of the first site, which stands in the pages.
    with servers.serve(second, site.port):
        after = _pages(site, paths)
    differ = sum(one != other for one, other in zip(before, after, strict=True))
    yield Goal(f"pages that differ, of {len(paths)}", differ, most=0, unit="")
    checked = _command("check_integrity", second)
    yield Goal("damage that check_integrity finds", checked.failed, most=0, unit="")
    yield Goal("… which takes", checked.seconds, unit="s")


class Command(NamedTuple):
    """The cost of a command that was run."""

    seconds: float
    processor: float  # seconds, including those of a database that it started
    memory: float  # peak memory in MB
    failed: bool


def _command(name: str, home: Path, *arguments: Path) -> Command:
    report(f"{name} …")
    argv = [sys.executable, "manage.py", name, *map(str, arguments)]
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=PROJECT, env=os.environ | {"SOUNDOFF_HOME": str(home)})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode and name != "check_integrity":
        raise RuntimeError(f"{name} failed.")
    return Command(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, bool(process.returncode))


def _inventory(home: Path) -> tuple[int, int, list[str]]:
    """Return the number of comments, the bytes of media, and the pages of the longest discussions."""
    from comments.models import Comment, Discussion

    longest = Discussion.objects.select_related("article").order_by("-visible_count")[:STORIES]
    media = sum(path.stat().st_size for path in (home / "media").rglob("*") if path.is_file())
    return Comment.objects.count(), media, [one.article.get_absolute_url() for one in longest]


def _add_images(home: Path, count: int) -> None:
    """Write incompressible bytes into folders like those of editors' images."""
    chance = Random(1)
    for n in range(count):
        folder = home / "media" / f"{n % 256:02x}" / f"{n:064x}"
        folder.mkdir(parents=True)
        (folder / "800.avif").write_bytes(chance.randbytes(IMAGE_BYTES))


def _pages(site: Soundoff, paths: Sequence[str]) -> list[bytes]:
    return [site.target("", path).fetch(unpack=True) for path in paths]


@contextmanager
def _readers(site: Soundoff, paths: Sequence[str], readers: int) -> Iterator[list[int]]:
    """Let readers request pages until the block ends. Yield the number of pages that each has read."""
    over, read = threading.Event(), [0] * readers

    def work(number: int) -> None:
        while not over.wait(0.05):
            _pages(site, [paths[read[number] % len(paths)]])
            read[number] += 1

    with ThreadPoolExecutor(readers) as pool:
        reading = [pool.submit(work, number) for number in range(readers)]
        try:
            yield read
        finally:
            over.set()
        for one in reading:
            one.result()  # raises what a reader has met


if __name__ == "__main__":
    run("backup", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
