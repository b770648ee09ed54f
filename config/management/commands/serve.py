"""Runs a whole site under one process: database, web server, job worker and scheduler.

On an empty database it also creates the sample data. With `--only` it runs a part of them, for a site on
several machines (docs/scale.md).
"""

import http.client
import os
import pwd
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection
from django.utils.translation import ngettext

from accounts.administrators import has_no_administrator, make_setup_link
from archive import pending_uploads
from archive.backup.container import BackupError
from archive.personal_data import files as personal_data_files
from archive.services import ArchiveImportError, import_page
from archive.upgrade import check_restore_is_finished
from articles.models.images import MEDIA
from config.server import postgres, running_servers, sample
from config.server.processes import Child, spawn
from config.server.program_copy import readable_project
from config.system_checks import is_private
from core import backup_folder, erasure_log
from core.commands import LongRunningCommand
from core.data_folder import check_user_can_enter, make_folder, unprivileged_user
from core.database.migration_state import later_migrations, unapplied_migrations
from core.files import storage
from core.files.folder import FOLDER_MODES
from core.monitoring import process_totals

WEB, WORKER, SCHEDULER = ROLES = ("web", "worker", "scheduler")
CONNECTIONS = 2048  # open at once for each process, including idle ones
MAX_HEADER_BYTES = 64 * 1024  # bytes of the request line and headers
HEADERS_SECONDS = 20  # to send them, and the idle time of a connection
DRAIN_SECONDS = 3  # for running requests when the web server stops
GRACE_SECONDS = 10  # for a running job when we stop
TICK_SECONDS = 0.25
# The lowest port on which other users than root may listen.
UNPRIVILEGED_PORT_START = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
# For glibc. Without them it raises the first two limits with each large block that is freed, up to 32 and
# 64 MB, and keeps the memory of one large page or image.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(1024 * 1024),  # bytes; larger blocks return to the system when freed
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),  # bytes that are kept free at the end of the heap
    "MALLOC_ARENA_MAX": "2",  # heaps; by default each thread has its own, which keeps what it freed
}
# Python's own allocator keeps blocks of a megabyte in which a single object is in use, and so half of what a
# search over all comments takes. The jobs took no longer without it.
JOBS_MALLOC = {**MALLOC, "PYTHONMALLOC": "malloc"}


class Command(LongRunningCommand):
    help = (
        "Run the site until Ctrl-C: the database, the web server, the job worker and the scheduler. Each is "
        "restarted if it ends. The first start creates the database and sample data. Environment: HOST, "
        "PORT, SOUNDOFF_HOME, DATABASE_URL and EMAIL_URL."
    )
    name = ""  # of this server in config.models.RunningServer

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, help="saved stories to import")
        parser.add_argument(
            "--only",
            action="append",
            choices=ROLES,
            help="run only this part of a site whose database is on another server; may be repeated",
        )

    def handle(self, *, files: list[Path], only: list[str] | None, **options: Any) -> None:
        roles = [role for role in ROLES if not only or role in only]
        for file in files:
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, exit_on_signal)
        if only and postgres.is_embedded():
            raise CommandError("--only needs a database that other machines can reach: set DATABASE_URL.")
        # The workers' user reads the files that we create in the data folder; secret ones get their own mode.
        os.umask(0o022)
        home = settings.HOME
        check_user_can_enter(home)
        with ExitStack() as stack:  # stops everything in reverse order, however we end
            stack.enter_context(single_instance(home, roles))
            if WEB in roles:
                check_port_is_allowed()
                check_port_is_free()
            children = []
            if postgres.is_embedded():
                children.append(stack.enter_context(self.database(home)))
            else:
                self.wait_for_database()
            self.migrate(is_alone=not only)
            stack.enter_context(self.registered(home, roles))
            notes: list[str] = []
            if WEB in roles:
                collect_static(home)
                notes += self.startup_notes(home)
            notes += [self.import_story(file) for file in files]
            connection.close()  # it would be idle for long, and might break
            children += stack.enter_context(self.workers(home, roles))
            if WEB in roles:
                wait_for_web(children)
            running = f" ({', '.join(roles)})" if only else ""
            self.print(f"Soundoff: {settings.SITE_URL}{running}", *notes, "Ctrl-C stops it.")
            self.supervise(children, home, roles)

    def supervise(self, children: list[Child], home: Path, roles: Sequence[str]) -> NoReturn:
        """Restart the processes that end, and renew the row of this server."""
        renewed_at = time.monotonic()
        while True:
            restart_ended(children)
            if time.monotonic() > renewed_at + running_servers.RENEWED_EVERY:
                renewed_at = time.monotonic()
                with suppress(DatabaseError):  # the web server and the other processes report it
                    running_servers.renew(self.name, home=home, roles=roles)
                connection.close()

    def wait_for_database(self) -> None:
        """Wait until the database answers, which may start after us."""
        last = ""
        while True:
            try:
                connection.ensure_connection()
            except OperationalError as error:
                if (reason := str(error).strip().splitlines()[0]) != last:
                    self.print(f"Waiting for the database: {reason}")
                last = reason
                time.sleep(1)
            else:
                return

    @contextmanager
    def registered(self, home: Path, roles: Sequence[str]) -> Iterator[None]:
        """Keep a row of this server in the database while the block runs."""
        self.name = running_servers.server_name(home, roles)
        try:
            running_servers.register(self.name, home=home, roles=roles)
        except running_servers.ContradictionError as error:
            raise CommandError(str(error)) from error
        try:
            yield
        finally:
            with suppress(DatabaseError):
                running_servers.unregister(self.name, home=home)
                connection.close()

    @contextmanager
    def database(self, home: Path) -> Iterator[Child]:
        """Run the embedded database while the block runs."""
        server = postgres.Server(home)
        if not server.acquire_lock():
            self.print("Waiting for another command that is using the database …")
            while not server.acquire_lock():
                time.sleep(TICK_SECONDS)
        try:
            self.print(f"The database: {postgres.find_binaries()}.")
            yield Child("The database", server.start)
        finally:
            server.stop()

    def migrate(self, *, is_alone: bool) -> None:
        """Apply migrations in another process, which has the owner's login. It makes a backup first.

        A server with --only does not, as others may serve pages meanwhile.
        """
        try:
            check_restore_is_finished()
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:  # a store that does not answer stops no server
            self.print(f"Whether a restore is unfinished is unknown: {error.strerror or error}.")
        if not (unapplied_migrations() or later_migrations()):
            return
        if not is_alone:
            raise CommandError(
                "The database has another version than this program. Run manage.py upgrade on one machine, "
                "which says what to do."
            )
        self.print("Preparing the database …")
        argv = [sys.executable, "manage.py", "upgrade"]
        if spawn(argv, death_signal=signal.SIGTERM, cwd=settings.BASE_DIR).wait():
            raise CommandError("The site was not started, because its database could not be upgraded.")

    def startup_notes(self, home: Path) -> Iterator[str]:
        """Create the sample data on a local site, and yield the lines to print at the start."""
        if not is_private() and (emails := sample.active_emails()):
            raise CommandError(
                f"Others can reach {settings.SITE_URL}, and the sample accounts can still log in: "
                f"{', '.join(emails)}. Deactivate them in the admin (on 127.0.0.1, once you have an "
                "administrator of your own), or set SOUNDOFF_HOME to an empty folder."
            )
        if is_private() and postgres.is_embedded():
            if sample.is_new_database():
                sample.create_sample_data(home)
            sample.renew_dates()
            if accounts := sample.accounts(home):
                if settings.LOG_FORMAT == "json":  # such lines are collected elsewhere
                    yield f"The passwords of the sample accounts are in {sample.path(home)}."
                else:
                    yield f"Sample accounts, stored in {sample.path(home)}:"
                    yield from (f"  {a['role']:<14} {a['email']:<26} {a['password']}" for a in accounts)
                yield from sample.things_to_try()
        if has_no_administrator():
            yield "This site has no administrator yet. Open this link within a day to set it up:"
            yield f"  {make_setup_link()}"
        if not os.environ.get("EMAIL_URL"):
            yield f"EMAIL_URL is not set: mails are written to {settings.EMAIL_FILE_PATH}."

    def import_story(self, file: Path) -> str:
        """Import a saved story, and return a line with the counts and its address."""
        try:
            report = import_page(data=file.read_bytes(), filename=file.name)
        except ArchiveImportError as error:
            raise CommandError(f"{file.name}: {error}") from error
        created, warnings = report.created_count, len(report.warnings)
        new = ngettext("%(n)d new comment", "%(n)d new comments", created) % {"n": created}
        warned = ngettext("%(n)d warning", "%(n)d warnings", warnings) % {"n": warnings}
        listed = " (manage.py import_archive lists them)" if warnings else ""
        url = report.describe_story_url(settings.SITE_URL)
        return f"{file.name}: {new} of {report.found_count}, {warned}{listed}. {url}"

    @contextmanager
    def workers(self, home: Path, roles: Sequence[str]) -> Iterator[list[Child]]:
        """Run the processes of these roles while the block runs. They stop together."""
        user = unprivileged_user()
        program, project = postgres.python_program(), readable_project(user, home / "project")
        prepare_folders(user, home)
        # Without the owner's login, which no page needs.
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"} | {
            "DATABASE_URL": settings.DATABASE_URL,
            "SOUNDOFF_HOME": str(home),
            "SOUNDOFF_SUPERVISED": "1",
            "HOME": str(home),
            **program.environment,
        }

        def run(
            argv: list[str], death_signal: signal.Signals, default_env: Mapping[str, str] = MALLOC
        ) -> subprocess.Popen[bytes]:
            argv = [str(program.python), *argv]
            return spawn(argv, death_signal=death_signal, user=user, cwd=project, env={**default_env, **env})

        def web() -> subprocess.Popen[bytes]:
            server_id = {process_totals.SERVER_ID: secrets.token_hex(8)}
            return run(web_server_command(), signal.SIGTERM, {**MALLOC, **server_id})

        # Without the system checks, a fifth of the start of a process: ours has made them. They are not made
        # again as the workers' user, nor when a worker is started again.
        def jobs() -> subprocess.Popen[bytes]:
            running_servers.requeue_jobs_of(self.name)
            connection.close()
            argv = ["manage.py", "db_worker", "--worker-id", self.name, "--no-reload", "--queue-name", "*"]
            return run([*argv, "--skip-checks"], signal.SIGKILL, JOBS_MALLOC)

        def scheduler() -> subprocess.Popen[bytes]:
            return run(["manage.py", "tick", "--forever", "--skip-checks"], signal.SIGTERM, JOBS_MALLOC)

        processes: dict[str, tuple[str, Callable[[], subprocess.Popen[bytes]]]] = {
            WEB: ("The web server", web),
            WORKER: ("The job worker", jobs),
            SCHEDULER: ("The scheduler", scheduler),
        }
        children = []
        try:
            for role in roles:
                children.append(Child(*processes[role]))
            yield children
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(GRACE_SECONDS)


def exit_on_signal(number: int, frame: Any) -> NoReturn:
    """Exit with an exception, so that everything stops in order. A second signal interrupts that."""
    raise SystemExit(0)


@contextmanager
def single_instance(home: Path, roles: Sequence[str]) -> Iterator[None]:
    """Hold the lock of each role while the block runs. Raises CommandError if one is taken."""
    locks: list[int] = []
    try:
        for role in roles:
            if (lock := postgres.try_lock(home / f"serve-{role}.lock")) is None:
                raise CommandError(f"Soundoff is already running with the data folder {home}.")
            locks.append(lock)
        yield
    finally:
        for lock in locks:
            os.close(lock)


def check_port_is_allowed() -> None:
    """Raise CommandError if root starts the site on a port that the workers' user may not listen on."""
    if unprivileged_user() is None:
        return
    lowest = int(UNPRIVILEGED_PORT_START.read_text()) if UNPRIVILEGED_PORT_START.exists() else 1024
    if 0 < settings.PORT < lowest:
        raise CommandError(
            f"Only root may listen on port {settings.PORT}, and the web server does not run as root. Set "
            f"PORT to {lowest} or above, and let a proxy listen on {settings.PORT} (docs/operate.md)."
        )


def check_port_is_free() -> None:
    """Raise CommandError if we cannot listen on HOST and PORT."""
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.HOST.strip("[]"), settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {settings.HOST}:{settings.PORT} ({error.strerror}). Set HOST or PORT."
            ) from error


def collect_static(home: Path) -> None:
    """Collect the static files, with hashes in their names, if any of them has changed."""
    fingerprint = home / "static.sha256"
    files = [storage.path(path) for finder in get_finders() for path, storage in finder.list([])]
    state = sha256("\n".join(f"{file} {Path(file).stat().st_mtime_ns}" for file in sorted(files)).encode())
    if fingerprint.exists() and fingerprint.read_text() == state.hexdigest():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    fingerprint.write_text(state.hexdigest())


def prepare_folders(user: pwd.struct_passwd | None, home: Path) -> None:
    """Create the folders of the workers, and give them, with root's files in them, to the workers' user."""
    names = ["mail", "cache"]
    erasures = home / "erasures.jsonl"
    if not storage().is_shared:
        make_folder(home / backup_folder.FOLDER, FOLDER_MODES["backups"])  # not given to the workers' user
        names += [MEDIA, pending_uploads.FOLDER, personal_data_files.FOLDER, backup_folder.NIGHTLY_FOLDER]
        erasures.touch(mode=0o600)
        if (home / erasure_log.FOLDER).exists():  # copied back from a store
            names.append(erasure_log.FOLDER)
    folders = [home / name for name in names]
    for folder in folders:
        make_folder(folder, 0o700)
    if user is not None:
        for path in (*folders, home / "secret_key", erasures):
            with suppress(FileNotFoundError):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        for folder in folders:
            chown_root_files(folder, user)


def chown_root_files(folder: Path, user: pwd.struct_passwd) -> None:
    """Give the files and folders that root created in a folder of the user to the user.

    The user may place links there. So fwalk enters no link, names are looked up in the folder that it has
    opened, and a file with two names is skipped, as it may be one of root's files elsewhere.
    """
    for _path, folders, files, opened in os.fwalk(folder):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=opened, follow_symlinks=False)
                if found.st_uid == 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, user.pw_uid, user.pw_gid, dir_fd=opened, follow_symlinks=False)


def web_server_command() -> list[str]:
    """Return the arguments of Python for the web server."""
    return [
        *("-m", "granian", "--interface", "asgi", "config.asgi:application"),
        *("--host", settings.HOST.strip("[]"), "--port", str(settings.PORT)),
        *("--workers", str(settings.WEB_PROCESSES), "--loop", "uvloop", "--http", "1", "--no-ws"),
        *("--backpressure", str(CONNECTIONS), "--http1-buffer-size", str(MAX_HEADER_BYTES)),
        *("--http1-header-read-timeout", str(HEADERS_SECONDS * 1000)),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(DRAIN_SECONDS)),
        *("--log-level", "warning"),
        *(("--log-config", "config/server/granian_log.json") if settings.LOG_FORMAT == "json" else ()),
    ]


def wait_for_web(children: list[Child]) -> None:
    """Wait until the web server answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
    while True:
        restart_ended(children)
        with suppress(OSError, http.client.HTTPException):
            web = http.client.HTTPConnection(host.strip("[]"), settings.PORT, timeout=5)
            web.request("GET", "/healthz")
            web.getresponse()
            web.close()
            return


def restart_ended(children: list[Child]) -> None:
    """Wait a moment, and restart the processes that have ended."""
    time.sleep(TICK_SECONDS)
    for child in children:
        child.restart_if_ended()
