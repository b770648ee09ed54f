"""Running `manage.py serve` processes for the tests of this folder."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from config.server import postgres
from core.data_folder import PROJECT
from tests.config.conftest import copy_static_files, data_folder, processes
from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import PATIENCE, until
from tests.plugin import EMPTY_SITE

Serve = Callable[..., "Site"]


class Site:
    """A running `serve`: its output and its processes."""

    def __init__(self, process: subprocess.Popen[str], port: int, home: Path) -> None:
        self.process = process
        self.port = port
        self.home = home
        self.printed = ""

    def wait_for(self, text: str) -> None:
        assert self.process.stdout
        while text not in self.printed:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.printed}"
            self.printed += line

    def status(self, path: str = "/readyz") -> int:
        """Return the status of a page; 0 without an answer."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            web.request("GET", path)
            return web.getresponse().status
        except OSError:
            return 0
        finally:
            web.close()

    def child(self, words: str) -> int:
        """Return the id of the direct child with these words in its command line; 0 for none."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid and words in command:
                return int(folder.name)
        return 0

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the process and return its exit code."""
        self.process.send_signal(number)
        self.printed += self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode


@pytest.fixture
def serve(home: Path, environment: dict[str, str]) -> Iterator[Serve]:
    running: list[Site] = []

    def start(*arguments: str, **extra: str) -> Site:
        port = int(extra.get("PORT") or free_port())
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *arguments],
            cwd=PROJECT,
            env=environment | {"PORT": str(port)} | extra,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(Site(process, port, home))
        return running[-1]

    yield start
    for site in running:
        if site.process.poll() is None:
            site.stop()
    until(lambda: not processes(home))


@pytest.fixture
def own_database(prepared_home: Path) -> Iterator[dict[str, str]]:
    """Return the environment of a site without accounts that has its own database server.

    One migration is left to apply. tests/site/test_owner_walkthrough.py starts one that has a public address.
    """
    cluster = Path(os.environ[EMPTY_SITE], "postgres")
    with data_folder() as folder, postgres.temporary_server(cluster) as owner:
        with closing(psycopg2.connect(owner)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE django_session; DELETE FROM django_migrations WHERE app = 'sessions'")
        copy_static_files(prepared_home, folder)
        web = owner.replace("soundoff_owner", "soundoff_web")
        yield {
            "SOUNDOFF_HOME": str(folder),
            "SITE_URL": "http://localhost:8000",
            "DATABASE_OWNER_URL": owner,
            "DATABASE_URL": web,
        }
