"""A small form of bench.cluster: two web servers and a synchronous replica, while people read and write.

One web server fails, then the primary does, and the replica takes its place.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from bench.cluster.load import Load, Outcome, run
from config.server import postgres
from core.data_folder import PROJECT
from tests.config.conftest import copy_static_files, data_folder
from tests.config.server.conftest import Serve
from tests.helpers.postgres.standby import Standby, running_standby
from tests.helpers.servers import buckets
from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import PATIENCE, until
from tests.plugin import EMPTY_SITE

SECONDS = 5 * PATIENCE  # at most; the load ends with the last step
MARK, FAIL_OVER = "small", "fail-over"  # of the comments of each load
KEY = "the key of both servers in this file, which is long enough"


@pytest.fixture
def homes(prepared_home: Path) -> Iterator[list[Path]]:
    """Return a data folder for each web server, in which the static files are collected already."""
    with data_folder() as one, data_folder() as another:
        for folder in (one, another):
            copy_static_files(prepared_home, folder)
        yield [one, another]


@pytest.fixture
def home(homes: list[Path]) -> Path:
    return homes[0]


@pytest.fixture
def primary() -> Iterator[str]:
    with postgres.temporary_server(Path(os.environ[EMPTY_SITE], "postgres")) as owner:
        yield owner


@pytest.fixture
def standby(primary: str) -> Iterator[Standby]:
    with running_standby(primary.replace("soundoff_owner", "soundoff_web")) as running:
        yield running


@pytest.fixture
def environment(home: Path, primary: str, standby: Standby, s3_server: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "DJANGO_"))
    }
    return kept | {
        "SOUNDOFF_HOME": str(home),
        "SITE_URL": f"http://127.0.0.1:{free_port()}",
        "SECRET_KEY": KEY,
        "EMAIL_URL": "dummy://",
        "FILES_URL": buckets.create(s3_server),
        "DATABASE_OWNER_URL": either_server(primary, standby, "soundoff_owner"),
        "DATABASE_URL": either_server(primary, standby, "soundoff_web"),
        "DATABASE_REPLICA_URLS": standby.url,
    }


def either_server(primary: str, standby: Standby, login: str) -> str:
    """Return the URL of the server that is the primary at the moment."""
    hosts = f"{parse_dsn(primary)['host']},{standby.server.socket}"
    return f"postgres://{login}@/soundoff?host={hosts}&port=5432&target_session_attrs=read-write"


def test_no_comment_is_lost_or_posted_twice(
    serve: Serve, homes: list[Path], environment: dict[str, str], primary: str, standby: Standby
) -> None:
    with superuser(primary) as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        cursor.execute("ALTER ROLE soundoff_web SET synchronous_commit = on")  # off in tests
        cursor.execute("SELECT pg_reload_conf()")
    load = seed(environment)
    web, other = (serve("--only", "web", SOUNDOFF_HOME=str(folder)) for folder in homes)
    for site in (web, other):
        site.wait_for("(web)")
    load = replace(load, servers=[f"127.0.0.1:{site.port}" for site in (web, other)])

    with running(load) as outcomes:
        wait_for_posts(primary, MARK)
        until(lambda: standby.ask("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'COMMIT')"))
        with standby.paused():
            wait_for_posts(primary, MARK)
        os.kill(other.child("granian"), signal.SIGKILL)
        other.stop(signal.SIGKILL)
        wait_for_posts(primary, MARK)
    [outcome] = outcomes
    assert not [answer for answer in outcome.answers if answer.startswith(("4", "5", "copy"))]
    assert outcome.answers["200"] > 16
    assert outcome.images["200"]
    assert not outcome.images.keys() & {"403", "404", "500"}

    with running(replace(load, mark=FAIL_OVER)) as outcomes:
        wait_for_posts(primary, FAIL_OVER)
        promoted = fail_over(primary, standby)
        wait_for_posts(promoted, FAIL_OVER)
    outcomes.append(outcome)

    found = Counter(stored_marks(promoted, MARK) + stored_marks(promoted, FAIL_OVER))
    acknowledged = [mark for outcome in outcomes for mark in outcome.acknowledged]
    assert len(acknowledged) > 32
    assert [mark for mark in acknowledged if mark not in found] == []
    assert [mark for mark, count in found.items() if count > 1] == []
    assert web.stop() == 0
    check = [sys.executable, "manage.py", "check_integrity"]
    assert "No inconsistencies" in subprocess.check_output(check, cwd=PROJECT, env=environment, text=True)


def seed(environment: dict[str, str]) -> Load:
    """Fill the site, and return a load of it, without servers."""
    command = [sys.executable, "-m", "bench.cluster.seed"]
    output = subprocess.check_output(command, cwd=PROJECT, env=environment, text=True)
    seeded = json.loads(output.splitlines()[-1])
    return Load(
        host=environment["SITE_URL"].removeprefix("http://"),
        story=seeded["story"],
        comments=seeded["comments"],
        writers=seeded["writers"],
        members=seeded["members"] * 2,
        anonymous_readers=6,
        seconds=SECONDS,
        mark=MARK,
        image=seeded["image"],
    )


def wait_for_posts(database: str, mark: str) -> None:
    """Wait until some more comments of a load are in this database."""
    before = len(stored_marks(database, mark))
    until(lambda: len(stored_marks(database, mark)) > before + 8)


def fail_over(primary: str, standby: Standby) -> str:
    """Let the primary crash, and promote its replica. Return the URL of the new primary for the owner."""
    with superuser(primary) as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)  # nothing is finished
    # A statement that waits for its promotion may be cancelled, and asked again when the server is a primary.
    standby.ask("SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(wait => false) END")
    until(lambda: not standby.ask("SELECT pg_is_in_recovery()"))
    promoted = standby.url.replace("soundoff_web", "soundoff_owner")
    with superuser(promoted) as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = ''")  # no replica is left
        cursor.execute("SELECT pg_reload_conf()")
    return promoted


@contextmanager
def running(load: Load) -> Iterator[list[Outcome]]:
    """Run a load during the block. The list has its outcome afterwards."""
    outcomes: list[Outcome] = []
    is_over = threading.Event()
    with ThreadPoolExecutor() as pool:
        submitted = pool.submit(run, load, is_over)
        try:
            yield outcomes
        finally:
            is_over.set()
        outcomes.append(submitted.result())


@contextmanager
def superuser(url: str) -> Iterator[Any]:
    """Yield a cursor of the superuser of this server, outside a transaction."""
    with closing(psycopg2.connect(url.replace("soundoff_owner", "postgres"))) as connection:
        connection.autocommit = True
        yield connection.cursor()


def stored_marks(database: str, mark: str) -> list[str]:
    """Return the marks of the comments that were posted."""
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT body FROM comments_comment WHERE body LIKE %s", [f"%{mark}-%"])
        return [body.split()[-1] for (body,) in cursor.fetchall()]
