"""Measure a backup and its restore: python -m bench.backup

The bench fills a site, writes it into one file while its pages are being read, and restores it into an
empty data folder. The pages must then be the same byte by byte, and check_integrity must find nothing.
Both commands are measured as an operator runs them, including the start of Python, the second database and
its tables.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench import machine, soundoff
from bench.report import Goal, goals_with_load, publish
from bench.soundoff import PROJECT, Soundoff
from bench.threads import thread

COMMENTS = 100_000
IN_A_STORY = 5_000
STORIES = 20  # number of discussions whose pages are compared
IMAGES, IMAGE_BYTES = 200, 200_000  # number of files in media/, and bytes of each
DRILL = 60  # seconds for a backup and its restore


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument("--comments", type=int, default=COMMENTS)
    parser.add_argument(
        "--of", type=Path, help="a backup to begin with, instead of comments that are made up"
    )
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--write", action="store_true", help="put the table into docs/measured.md")
    options = parser.parse_args()
    if options.smallest:
        options.comments = 100
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        publish("backup", goals_with_load(drill(folder, options.comments, options.of)), write=options.write)


def drill(folder: Path, comments: int, of: Path | None) -> Iterator[Goal]:
    """Make and restore a backup, and yield the figures."""
    file, second = folder / "site.zip", folder / "second"
    if of:
        _run("restore", of.absolute(), folder / "first")
    with soundoff.running(folder / "first") as site:
        if not of:
            _fill(site, comments)
            _add_images(folder / "first")
        soundoff.tidy()
        comments, media_bytes, stories = _inventory(folder / "first")
        paths = ["/", "/feed/", "/search/?q=vote", *stories]
        before = _pages(site.port, paths)
        port, size = site.port, _size()
        with _readers(site, paths) as met:
            backup = _run("backup", file, folder / "first")
        yield Goal(f"a backup of {comments:,} comments, while eight people read", backup.seconds, unit="s")
        yield Goal("… its peak memory", backup.memory, most=200, unit="MB")
        yield Goal("… pages read meanwhile", sum(met), unit="")
        yield Goal("rows and indexes in the database", size / 1e6, unit="MB")
        yield Goal("media", media_bytes / 1e6, unit="MB")
        yield Goal("the file", file.stat().st_size / 1e6, unit="MB")
    restore = _run("restore", file, second)
    yield Goal("restore, from no data folder to a complete site", restore.seconds, unit="s")
    yield Goal("… processor time of it and of its database", restore.busy, unit="s")
    yield Goal(
        "… peak memory of a process, including the database's",
        restore.memory,
        most=300,
        unit="MB",
    )
    yield Goal("both", backup.seconds + restore.seconds, most=DRILL, unit="s")
    with _serving(second, port):
        after = _pages(port, paths)
    differ = sum(one != other for one, other in zip(before, after, strict=True))
    yield Goal(f"pages that differ, of {len(paths)}", differ, most=0, unit="")
    checked = _run("check_integrity", None, second)
    yield Goal("damage that check_integrity finds", checked.failed, most=0, unit="")
    yield Goal("… which takes", checked.seconds, unit="s")


class _Ran:
    """The cost of a command that was run."""

    def __init__(self, seconds: float, busy: float, memory: float, failed: bool) -> None:
        self.seconds = seconds
        self.busy = busy  # processor seconds, including those of a database that it started
        self.memory = memory  # peak memory in MB
        self.failed = failed


def _run(command: str, file: Path | None, home: Path) -> _Ran:
    print(f"{command} …", file=sys.stderr, flush=True)
    argv = [sys.executable, "manage.py", command, *([str(file)] if file else [])]
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=PROJECT, env=os.environ | {"SOUNDOFF_HOME": str(home)})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode and command != "check_integrity":
        raise RuntimeError(f"{command} failed.")
    busy = used.ru_utime + used.ru_stime
    return _Ran(seconds, busy, used.ru_maxrss / 1024, bool(process.returncode))


def _inventory(home: Path) -> tuple[int, int, list[str]]:
    """Return the number of comments, the bytes of media, and the pages of the longest discussions."""
    from comments.models import Comment, Discussion

    longest = Discussion.objects.select_related("article").order_by("-visible_count")[:STORIES]
    media = sum(path.stat().st_size for path in (home / "media").rglob("*") if path.is_file())
    return Comment.objects.count(), media, [one.article.get_absolute_url() for one in longest]


def _fill(site: Soundoff, comments: int) -> None:
    for start in range(0, comments, IN_A_STORY):
        print(f"{start:,} of {comments:,} comments …", file=sys.stderr, flush=True)
        soundoff.add_thread(site, str(start), thread(min(IN_A_STORY, comments - start)), days=30)


def _add_images(home: Path) -> None:
    """Write incompressible bytes into folders like those of editors' images."""
    chance = Random(1)
    for n in range(IMAGES):
        folder = home / "media" / f"{n % 256:02x}" / f"{n:064x}"
        folder.mkdir(parents=True)
        (folder / "800.avif").write_bytes(chance.randbytes(IMAGE_BYTES))


def _size() -> int:
    with soundoff.connect("owner").cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _pages(port: int, paths: Sequence[str]) -> list[bytes]:
    found = []
    for path in paths:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            found.append(answer.read())
    return found


class _readers:
    """Let eight readers request pages until the block ends. Yield the number of pages that each has read."""

    def __init__(self, site: Soundoff, paths: Sequence[str]) -> None:
        self.site, self.paths = site, paths
        self.over = threading.Event()
        self.read = [0] * 8
        self.threads = [threading.Thread(target=self._read, args=(n,)) for n in range(8)]

    def __enter__(self) -> list[int]:
        for one in self.threads:
            one.start()
        return self.read

    def __exit__(self, *args: object) -> None:
        self.over.set()
        for one in self.threads:
            one.join()

    def _read(self, number: int) -> None:
        while not self.over.is_set():
            _pages(self.site.port, [self.paths[self.read[number] % len(self.paths)]])
            self.read[number] += 1
            time.sleep(0.05)


class _serving:
    """Serve the second site at the address of the first."""

    def __init__(self, home: Path, port: int) -> None:
        self.environment = os.environ | {"SOUNDOFF_HOME": str(home), "PORT": str(port)}
        self.port = port

    def __enter__(self) -> None:
        argv = [sys.executable, "manage.py", "serve"]
        self.process = subprocess.Popen(
            argv, cwd=PROJECT, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if "Ctrl-C stops it." in line:
                return
        raise RuntimeError("The second site did not start.")

    def __exit__(self, *args: object) -> None:
        self.process.terminate()
        self.process.wait()


if __name__ == "__main__":
    main()
