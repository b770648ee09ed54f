"""`manage.py serve` in a data folder whose disk is full: it confirms only what it has stored.

The disk is a file system in memory, mounted for this test. Without the right to mount, the test is skipped,
but in CI (CI=1) it fails.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import psycopg2
import pytest

from config.server import postgres
from tests.config.conftest import copy_home, environment_of
from tests.config.serving import Guest, Member, Served, serving

ROOM = 330 << 20  # bytes of the disk beside the copied data folder, whatever its size
POSTS = 40
TOKEN = "a token that is long enough"


@pytest.fixture(scope="module")
def disk(prepared_home: Path) -> Iterator[Path]:
    used = sum(path.lstat().st_blocks * 512 for path in prepared_home.rglob("*"))
    folder = Path(tempfile.mkdtemp(prefix="soundoff-disk-", dir="/tmp"))
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={used + ROOM},mode=755", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            why = f"no file system can be mounted here: {mounted.stderr.strip()}"
            if os.environ.get("CI"):
                pytest.fail(why)
            pytest.skip(why)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(disk: Path, prepared_home: Path) -> Iterator[Served]:
    home = disk / "home"
    copy_home(prepared_home, home)
    with serving(environment_of(home) | {"METRICS_TOKEN": TOKEN, "WEB_PROCESSES": "2"}) as served:
        yield served


@pytest.fixture
def query(
    site: Served, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Ask over one connection, opened while there is room: a new one may have to write a file first."""
    monkeypatch.setenv("SOUNDOFF_HOME", str(disk / "home"))
    connection = psycopg2.connect(postgres.url("web"))
    connection.autocommit = True

    def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    yield run
    connection.close()


def fill(disk: Path) -> Path:
    """Fill the disk completely."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler


def test_a_reply_is_confirmed_only_if_it_was_committed(
    site: Served, disk: Path, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    reader = json.loads((disk / "home" / "sample-accounts.json").read_text())["accounts"][0]
    member = Member(site, reader["email"], reader["password"])
    guests = [Guest(site, f"Writer{number}") for number in range(POSTS)]
    forms = [(writer, writer.open_form()) for guest in guests for writer in (guest, member)]
    # So different that nobody is told before posting that a similar comment is waiting for review.
    names = ["".join(Random(number).choices(ascii_lowercase, k=12)) for number in range(len(forms))]
    words = [f"Words number {n} of {name}. " + f"More {name}. " * 50 for n, name in enumerate(names)]
    for writer in (Guest(site, "Before"), member):  # a table without a row would refuse the first
        assert writer.post(f"Words of {writer.name} while there is room.")[0] == 200
    filler = fill(disk)
    replies = []
    for number, (body, (writer, hidden)) in enumerate(zip(words, forms, strict=True)):
        if number % 4 == 3:  # a little room, so that each table finds the disk full at a different time
            os.truncate(filler, filler.stat().st_size - 16_384)
        replies.append(writer.post(body, hidden))
    answers = [status for status, _page in replies]
    assert set(answers) <= {200, 503}, next(page for status, page in replies if status not in {200, 503})
    assert 200 in answers
    assert 503 in answers

    assert stored(query, words) == {
        body for body, status in zip(words, answers, strict=True) if status == 200
    }
    assert guests_without_comments(query) == []
    assert guests_without_mails(query) == []
    assert held_without_jobs(query) == []
    assert site.read(site.story)[0] == 200
    # The numbers of the web processes are files, and no process ends because one can't be written.
    status, metrics = site.read("/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert "soundoff_database_up 1.0" in metrics
    assert "restarting" not in site.log.read_text()
    assert "Unexpected exit" not in site.log.read_text()

    filler.unlink()
    again = [
        writer.post(body, hidden)
        for body, (writer, hidden), status in zip(words, forms, answers, strict=True)
        if status == 503
    ]
    assert {status for status, _page in again} == {200}
    assert stored(query, words) == set(words)
    assert query("SELECT count(*) FROM comments_comment WHERE body ~ '^Words number'") == [(len(words),)]
    assert guests_without_comments(query) == guests_without_mails(query) == held_without_jobs(query) == []


def stored(query: Callable[..., list[tuple[Any, ...]]], words: list[str]) -> set[str]:
    found = query("SELECT body FROM comments_comment WHERE body ~ '^Words number'")
    return {next(body for body in words if body.strip() == text.strip()) for (text,) in found}


def guests_without_comments(query: Callable[..., list[tuple[Any, ...]]]) -> list[Any]:
    return query(
        "SELECT name FROM accounts_guest g WHERE name ~ '^Writer' "
        "AND NOT EXISTS (SELECT FROM comments_comment WHERE guest_id = g.id)"
    )


def guests_without_mails(query: Callable[..., list[tuple[Any, ...]]]) -> list[Any]:
    return query(
        "SELECT name FROM accounts_guest g WHERE name ~ '^Writer' AND NOT EXISTS (SELECT FROM "
        "django_tasks_database_dbtaskresult WHERE task_path = 'comments.tasks.mail_confirmation' "
        "AND (args_kwargs->'args'->>0)::bigint = g.id)"
    )


def held_without_jobs(query: Callable[..., list[tuple[Any, ...]]]) -> list[Any]:
    """Return the member's comments that wait without a queued notification."""
    return query(
        "SELECT id FROM comments_comment c WHERE body ~ '^Words number' AND author_id IS NOT NULL "
        "AND state = 'pending' AND NOT EXISTS (SELECT FROM django_tasks_database_dbtaskresult "
        "WHERE task_path = 'moderation.tasks.notify_not_published' "
        "AND (args_kwargs->'args'->>0)::bigint = c.id)"
    )
