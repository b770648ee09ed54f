"""A small form of bench.cluster: two web servers and a replica, which fail while people read and write."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from bench.cluster.load import Load, run
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
MARK = "small"
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
        "DATABASE_OWNER_URL": primary,
        "DATABASE_URL": primary.replace("soundoff_owner", "soundoff_web"),
        "DATABASE_REPLICA_URLS": standby.url,
    }


def test_no_comment_is_lost_or_posted_twice(
    serve: Serve, homes: list[Path], environment: dict[str, str], primary: str, standby: Standby
) -> None:
    seed = [sys.executable, "-m", "bench.cluster.seed"]
    seeded = json.loads(
        subprocess.check_output(seed, cwd=PROJECT, env=environment, text=True).splitlines()[-1]
    )
    web, other = (serve("--only", "web", SOUNDOFF_HOME=str(folder)) for folder in homes)
    for site in (web, other):
        site.wait_for("(web)")
    load = Load(
        host=environment["SITE_URL"].removeprefix("http://"),
        servers=[f"127.0.0.1:{site.port}" for site in (web, other)],
        story=seeded["story"],
        comments=seeded["comments"],
        writers=seeded["writers"],
        members=seeded["members"] * 2,
        anonymous_readers=6,
        seconds=SECONDS,
        mark=MARK,
    )

    def wait_for_posts() -> None:
        before = len(stored_marks(primary))
        until(lambda: len(stored_marks(primary)) > before + 8)

    is_over = threading.Event()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(run, load, is_over)
        try:
            wait_for_posts()
            until(lambda: standby.ask("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'COMMIT')"))
            with standby.paused():
                wait_for_posts()
            os.kill(other.child("granian"), signal.SIGKILL)
            other.stop(signal.SIGKILL)
            wait_for_posts()
            assert standby.server.process
            standby.server.process.send_signal(signal.SIGQUIT)  # as in a crash: nothing is finished
            web.wait_for("is left out")
            wait_for_posts()
        finally:
            is_over.set()
        outcome = running.result()

    found = Counter(stored_marks(primary))
    assert len(outcome.acknowledged) > 16
    assert [mark for mark in outcome.acknowledged if mark not in found] == []
    assert [mark for mark, count in found.items() if count > 1] == []
    assert not [answer for answer in outcome.answers if answer.startswith(("4", "5", "copy"))]
    assert outcome.answers["200"] > 16
    assert web.stop() == 0
    check = [sys.executable, "manage.py", "check_integrity"]
    assert "No inconsistencies" in subprocess.check_output(check, cwd=PROJECT, env=environment, text=True)


def stored_marks(primary: str) -> list[str]:
    """Return the marks of the comments that were posted."""
    with closing(psycopg2.connect(primary)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT body FROM comments_comment WHERE body LIKE %s", [f"%{MARK}-%"])
        return [body.split()[-1] for (body,) in cursor.fetchall()]
