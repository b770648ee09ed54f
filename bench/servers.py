"""Run Soundoff with `manage.py serve` in a temporary folder on its own port, and count what it uses."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2

from bench.load import Connection, Target
from config.server import postgres
from config.server.processes import spawn
from core.data_folder import PROJECT, unprivileged_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Environment variable: the data folder of an empty site to copy, which saves time.
COPIED = "SOUNDOFF_BENCH_SITE"
NOT_COUNTED = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SET|SHOW|DISCARD)[^;]*$|.*django_tasks", re.IGNORECASE)
START_SECONDS = 600  # long, because the machine may be busy
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CHROMIUM = "/usr/bin/chromium"
# Environment variable: another Chromium, such as one without windows, which takes half the processor time.
CHROMIUM_VARIABLE = "SOUNDOFF_BENCH_CHROMIUM"
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
Key = TypeVar("Key")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a temporary folder that is usable by the users that servers switch to if we are root."""
    with tempfile.TemporaryDirectory(prefix="soundoff-bench-") as name:
        path = Path(name)
        if unprivileged_user():
            path.chmod(0o711)
        yield path


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def processor_seconds(roots: Iterable[int], part: str = "", but: Collection[int] = ()) -> float:
    """Return the user and system time so far of these processes, their children, and children that ended.

    With `part` only processes count whose command line matches this pattern.
    """
    found = _process_tree(roots, part)
    return sum(sum(map(int, found[process][11:15])) for process in found.keys() - set(but)) / TICKS


def resident_megabytes(root: int, part: str) -> list[float]:
    """Return the resident memory of the processes below `root` whose command line matches the pattern.

    A process that only starts others with the same command line is left out.
    """
    found = _process_tree([root], part)
    parents = {int(fields[1]) for fields in found.values()}
    return [int(f[21]) * PAGE_BYTES / 1e6 for process, f in found.items() if process not in parents]


def peak_megabytes(root: int, part: str) -> float:
    """Return the highest peak memory of the processes below `root` whose command line matches the pattern."""
    peaks = [0.0]
    for process in _process_tree([root], part):
        try:
            status = Path(f"/proc/{process}/status").read_text()
            peaks.append(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024)
        except (OSError, IndexError):
            continue  # it has ended
    return max(peaks)


def _process_tree(roots: Iterable[int], part: str) -> dict[int, list[bytes]]:
    """Return the fields of /proc/…/stat from the third on, the state, by process.

    The processes are these and their descendants, as far as their command line matches the pattern.
    """
    fields: dict[int, list[bytes]] = {}
    children: dict[int, list[int]] = {}
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            # The name before the state may contain spaces.
            fields[process] = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended
        children.setdefault(int(fields[process][1]), []).append(process)
    left, found = [process for process in roots if process in fields], {}
    while left:
        process = left.pop()
        left += children.get(process, [])
        if not part or re.search(part, _command_line(process)):
            found[process] = fields[process]
    return found


def _command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@contextmanager
def process(
    argv: list[str | Path], log: Path, port: int = 0, env: dict[str, str] | None = None
) -> Iterator[int]:
    """Run a server until the block ends. Yield its process id, once it listens on the port."""
    with log.open("wb") as output:
        running = spawn(argv, death_signal=signal.SIGTERM, cwd=PROJECT, env=env, output=output)
        try:
            deadline = time.monotonic() + START_SECONDS
            while port:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                    break
                except OSError:
                    if running.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{argv} did not start:\n{log.read_text()[-2000:]}") from None
                    time.sleep(0.1)
            yield running.pid
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace").rpartition("Ctrl-C stops it.")[2][-2000:])
            raise
        finally:
            running.terminate()
            running.wait()


@dataclass(frozen=True)
class Soundoff:
    """A running site: its data folder, port and the process that started its others."""

    folder: Path
    port: int
    process: int  # process id of `manage.py serve`, or ours if only the database runs

    def target(self, name: str, path: str, cookie: str = "") -> Target:
        """Return the page as a target, requested as browsers do."""
        headers = {"Accept-Encoding": "gzip"} | ({"Cookie": cookie} if cookie else {})
        return Target(name, f"http://127.0.0.1:{self.port}{path}", self.spent, headers)

    def spent(self) -> float:
        """Return the processor seconds of the web server and of the database, without our own connections."""
        return processor_seconds([self.process], r"granian|/postgres |^postgres:", but=own_backends())

    def page_statements(
        self, targets: Mapping[Key, Target], before: Mapping[Key, Callable[[], object]]
    ) -> dict[Key, int]:
        """Return the number of statements of one request to each page.

        `before` has functions that run before a request and are not counted.
        """
        changes = ("UPDATE comments_discussion SET version", "UPDATE articles_site SET version")
        found: dict[Key, int] = {}
        with _statement_log():
            for key, target in targets.items():
                connection, change = Connection(target.url), before.get(key, lambda: None)
                run = partial(_request_after, connection, target.request(), change)
                run()  # not counted: it may open a connection
                found[key] = sum(not line.startswith(changes) for line in self._fewest_statements(run))
        return found

    def statements(self, run: Callable[[], object]) -> list[str]:
        """Return the first line of each statement that the database receives during `run`.

        Statements that are sent together count as one. Left out are the beginnings and ends of transactions
        and Django's check that its connection still works.
        """
        with _statement_log():
            return self._fewest_statements(run)

    def _fewest_statements(self, run: Callable[[], object]) -> list[str]:
        """Return the fewest of three runs, because web server and jobs work in the background."""
        return min((self._logged_during(run) for _ in range(3)), key=len)

    def _logged_during(self, run: Callable[[], object]) -> list[str]:
        log = self.folder / "postgres.log"
        before = log.stat().st_size
        run()
        time.sleep(0.02)
        text = log.read_bytes()[before:].decode(errors="replace")
        found = re.findall(r"^soundoff_web LOG:  (?:statement|execute [^:]+): (.*)", text, re.MULTILINE)
        return [line for line in found if not NOT_COUNTED.match(line)]


def _request_after(connection: Connection, request: bytes, before: Callable[[], object]) -> None:
    before()
    connection.exchange(request)


@contextmanager
def _statement_log() -> Iterator[None]:
    """Let the database log all statements until the block ends."""
    url = postgres.url("web").replace("soundoff_web@", "postgres@")
    with closing(psycopg2.connect(url)) as superuser:
        superuser.autocommit = True
        cursor = superuser.cursor()
        cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
        cursor.execute("ALTER SYSTEM SET log_line_prefix = '%u '")
        _reload(cursor, "all")
        yield
        cursor.execute("ALTER SYSTEM RESET ALL")
        _reload(cursor, "none")


def _reload(cursor: Any, expected: str) -> None:
    """Let all processes of the database read its settings again, of which `log_statement` has changed."""
    cursor.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + START_SECONDS
    found = ""
    while found != expected:
        if time.monotonic() > deadline:
            raise RuntimeError(f"log_statement is still {found}.")
        time.sleep(0.01)
        cursor.execute("SHOW log_statement")
        (found,) = cursor.fetchone()
    time.sleep(0.3)  # the other processes were told at the same moment, and may be busy


_connections: list[Any] = []  # psycopg2 connections of the bench, not of the site


def own_backends() -> list[int]:
    """Return the process ids of the database's servers of our own connections."""
    return [connection.info.backend_pid for connection in _connections]


def connect(role: postgres.Role = "web") -> Any:
    """Return a new database connection, whose time does not count for the site."""
    connection = psycopg2.connect(postgres.url(role))
    connection.autocommit = True
    _connections.append(connection)
    return connection


@contextmanager
def serve(folder: Path, port: int) -> Iterator[int]:
    """Serve the site of this data folder at this port. Yield the process id."""
    environment = os.environ | {"SOUNDOFF_HOME": str(folder), "PORT": str(port)}
    argv: list[str | Path] = [sys.executable, "manage.py", "serve"]
    with process(argv, folder.with_suffix(".log"), port, environment) as number:
        yield number


@contextmanager
def database() -> Iterator[int]:
    """Run the database of a new site with the sample, without its other processes. Yield our process id."""
    with postgres.database_available():
        if COPIED not in os.environ:
            for command in ("upgrade", "sample"):
                subprocess.run([sys.executable, "manage.py", command], cwd=PROJECT, check=True)
        yield os.getpid()


@contextmanager
def soundoff(folder: Path, settings: Mapping[str, str], *, served: bool) -> Iterator[Soundoff]:
    """Run a new site, and set up this process to write to its database with the project's own functions.

    `settings` are further environment variables of the site.
    """
    port = free_port()
    if copied := os.environ.get(COPIED):
        subprocess.run(["cp", "-a", copied, folder], check=True)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "EMAIL_URL", "SITE_URL", "DEBUG", "HOST"):
        os.environ.pop(name, None)
    # For this process and for commands.
    os.environ |= {"SOUNDOFF_HOME": str(folder), "PORT": str(port), **settings}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with serve(folder, port) if served else database() as number:
        import django

        django.setup()
        from django.db import connection

        connection.ensure_connection()
        _connections.append(connection.connection)
        yield Soundoff(folder, port, number)


def change_discussion(article: int) -> Callable[[], None]:
    """Return a function that counts a recommendation of the first and of the last top-level comment.

    So the tree at the top of the page changes, in either order, and with it the discussion's version.
    """
    cursor = connect().cursor()
    cursor.execute(
        "SELECT min(id), max(id) FROM comments_comment WHERE discussion_id = %s AND parent_id IS NULL",
        [article],
    )
    first, last = cursor.fetchone()
    if first is None:
        raise RuntimeError(f"The discussion {article} has no top-level comment.")
    return _change(
        """
WITH changed AS (UPDATE comments_comment SET recommend_count = recommend_count + 1 WHERE id IN (%s, %s))
UPDATE comments_discussion SET version = version + 1 WHERE article_id = %s""",
        *(first, last, article),
    )


def change_site() -> Callable[[], None]:
    """Return a function that increases the site's version, which affects every page."""
    return _change("UPDATE articles_site SET version = version + 1")


def _change(statement: str, *values: int) -> Callable[[], None]:
    cursor = connect().cursor()
    cursor.execute("SET synchronous_commit = off")
    return lambda: cursor.execute(statement, values)


@contextmanager
def constant_view(page: Path) -> Iterator[Target]:
    """Serve this file with bench/peers/constant_view.py, on the site's server with as many threads."""
    from django.conf import settings

    from config.page_cache.application import THREADS

    port = free_port()
    argv: list[str | Path] = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "bench.peers.constant_view:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(settings.WEB_PROCESSES)),
        *("--blocking-threads", str(THREADS), "--no-ws", "--log-level", "warning"),
    ]
    environment = os.environ | {"CONSTANT_PAGE": str(page)}
    with process(argv, page.with_suffix(".log"), port, environment) as number:
        yield Target(
            "a constant Django view", f"http://127.0.0.1:{port}/", lambda: processor_seconds([number])
        )


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Run Debian's Chromium, which sends no requests of its own, while the block runs."""
    from playwright.sync_api import sync_playwright  # only some benches need it

    with sync_playwright() as playwright:
        path = os.environ.get(CHROMIUM_VARIABLE, CHROMIUM)
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
