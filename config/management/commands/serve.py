"""Everything that a site needs, under one process: database, web, jobs, clock, and on an empty database a
sample."""

import http.client
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.translation import ngettext
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.services import has_no_administrator, make_setup_link
from archive.services import Refused, import_page
from config.page_cache.application import THREADS
from config.server import postgres, sample
from config.server.processes import Child, spawn
from config.server.program_copy import readable_project
from config.system_checks import is_private
from core import backup_folder
from core.data_folder import check_user_can_enter, make_folder, unprivileged_user
from core.health import later_migrations, unapplied_migrations

WEB_PROCESSES, WEB_THREADS = 2, THREADS
CONNECTIONS = 2048  # of each process at once, idle ones included
HEADERS_MAX = 64 * 1024  # bytes of a request's line and headers
HEADERS_SECONDS = 20  # for them, and for the next request of a connection
DRAIN_SECONDS = 3  # for requests under way, where the web server stops
GRACE_SECONDS = 10  # for a job under way, where we stop
TICK_SECONDS = 0.25


class Command(BaseCommand):
    help = (
        "Run the site until Ctrl-C: the database, the web server, the job worker and the clock that runs "
        "what is due, each started again if it ends. The first start makes the database and a sample. "
        "HOST, PORT, SOUNDOFF_HOME, DATABASE_URL and EMAIL_URL are honoured."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, help="saved stories to bring in")

    def handle(self, *, files: list[Path], **options: Any) -> None:
        for file in files:
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, exit_on_signal)
        # What we make in the data folder is read by the workers' user; what must not be says so.
        os.umask(0o022)
        home = settings.HOME
        check_user_can_enter(home)
        with ExitStack() as stack:  # stops in the opposite order, however we end
            stack.enter_context(single_instance(home))
            check_port_is_free()
            children = [stack.enter_context(self.database(home))] if postgres.is_embedded() else []
            self.migrate()
            collect_static(home)
            news = [*self.first_steps(home), *(self.bring_in(file) for file in files)]
            connection.close()  # it would stand idle, or break, for as long as we run
            children += stack.enter_context(self.workers(home))
            wait_for_web(children)
            self.say(f"Soundoff: {settings.SITE_URL}", *news, "Ctrl-C stops it.")
            while True:
                restart_ended(children)

    @contextmanager
    def database(self, home: Path) -> Iterator[Child]:
        server = postgres.Server(home)
        if not server.take():
            self.say("Waiting for another command that runs the database …")
            while not server.take():
                time.sleep(TICK_SECONDS)
        try:
            self.say(f"The database: {postgres.find_binaries()}.")
            yield Child("The database", server.start)
        finally:
            server.stop()

    def migrate(self) -> None:
        """In a process of its own, because it has another login. It makes a backup first, and says so."""
        if not (unapplied_migrations() or later_migrations()):
            return
        self.say("Preparing the database …")
        argv = [sys.executable, "manage.py", "upgrade"]
        if spawn(argv, death_signal=signal.SIGTERM, cwd=settings.BASE_DIR).wait():
            raise CommandError("The site is not started: its database is not that of this version.")

    def first_steps(self, home: Path) -> Iterator[str]:
        """Lines for the person who has just started this, and what they need done before."""
        if not is_private() and (known := sample.active_emails()):
            raise CommandError(
                f"Others can reach {settings.SITE_URL}, and the sample's accounts still log in: "
                f"{', '.join(known)}. Switch them off in the admin (of 127.0.0.1, once you have an "
                "administrator of your own), or set SOUNDOFF_HOME to an empty folder."
            )
        if is_private() and postgres.is_embedded():
            sample.create(home)
            if accounts := sample.accounts(home):
                yield f"Accounts of the sample, kept in {sample.path(home)}:"
                yield from (f"  {a['role']:<14} {a['email']:<26} {a['password']}" for a in accounts)
        elif has_no_administrator():
            yield "Nobody administers this site yet. This link opens its set-up, once and within a day:"
            yield f"  {make_setup_link()}"
        if not os.environ.get("EMAIL_URL"):
            yield f"No EMAIL_URL: mails are written to {settings.EMAIL_FILE_PATH}."

    def bring_in(self, file: Path) -> str:
        try:
            report = import_page(data=file.read_bytes(), filename=file.name)
        except Refused as error:
            raise CommandError(f"{file.name}: {error}") from error
        new = ngettext("%(n)d new comment", "%(n)d new comments", report.created) % {"n": report.created}
        count = len(report.warnings)
        warned = ngettext("%(n)d warning", "%(n)d warnings", count) % {"n": count}
        listed = " (manage.py import_archive lists them)" if count else ""
        return f"{file.name}: {new} of {report.found}, {warned}{listed}. {report.address}"

    @contextmanager
    def workers(self, home: Path) -> Iterator[list[Child]]:
        """The web server, the job worker and the clock; all drain at once."""
        user = unprivileged_user()
        program, project = postgres.python_program(), readable_project(user, home / "project")
        prepare_folders(user, home)
        # Not the owner's login, which no page needs; and a job worker killed in a job starts it again.
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"} | {
            "DATABASE_URL": settings.DATABASE_URL,
            "SOUNDOFF_HOME": str(home),
            "SOUNDOFF_SUPERVISED": "1",
            "HOME": str(home),
            **program.environment,
        }
        name = worker_name(home)

        def run(argv: list[str], death_signal: signal.Signals) -> subprocess.Popen[bytes]:
            argv = [str(program.python), *argv]
            return spawn(argv, death_signal=death_signal, user=user, cwd=project, env=env)

        def web() -> subprocess.Popen[bytes]:
            return run(web_server_command(), signal.SIGTERM)

        def jobs() -> subprocess.Popen[bytes]:
            requeue_abandoned_jobs(name)
            connection.close()
            return run(job_worker_command(name), signal.SIGKILL)

        def clock() -> subprocess.Popen[bytes]:
            return run(["manage.py", "tick", "--forever"], signal.SIGTERM)

        children = []
        try:
            for title, start in (("The web server", web), ("The job worker", jobs), ("The clock", clock)):
                children.append(Child(title, start))
            yield children
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(GRACE_SECONDS)

    def say(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()


def exit_on_signal(number: int, frame: Any) -> NoReturn:
    """End by unwinding, from wherever we are; a second signal cuts the unwinding short."""
    raise SystemExit(0)


@contextmanager
def single_instance(home: Path) -> Iterator[None]:
    lock = postgres.try_lock(home / "serve.lock")
    if lock is None:
        raise CommandError(f"Soundoff already runs with the data folder {home}.")
    try:
        yield
    finally:
        os.close(lock)


def check_port_is_free() -> None:
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
    """Gather the static files with hashes in their names, if any of them changed since the last time."""
    stamp = home / "static.stamp"
    files = [storage.path(path) for finder in get_finders() for path, storage in finder.list([])]
    state = sha256("\n".join(f"{file} {Path(file).stat().st_mtime_ns}" for file in sorted(files)).encode())
    if stamp.exists() and stamp.read_text() == state.hexdigest():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(state.hexdigest())


def prepare_folders(user: pwd.struct_passwd | None, home: Path) -> None:
    """Give the workers' user what they read or write in the data folder, also what root wrote there."""
    backup_folder.folder()  # stays ours
    folders = [home / "mail", home / "cache", home / "media", backup_folder.nightly_folder()]
    for folder in folders:
        make_folder(folder, 0o700)
    erasures = home / "erasures.jsonl"
    erasures.touch(mode=0o600)
    if user is not None:
        for path in (*folders, home / "secret_key", erasures):
            with suppress(FileNotFoundError):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        for folder in folders:
            chown_root_files(folder, user)


def chown_root_files(folder: Path, user: pwd.struct_passwd) -> None:
    """Give the files and folders that root made below this folder, which is the user's, to the user.

    That user may put links there: fwalk enters no link, names are looked up in the folder that it has opened,
    and a file with two names may be one of root's elsewhere.
    """
    for _path, folders, files, opened in os.fwalk(folder):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=opened, follow_symlinks=False)
                if found.st_uid == 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, user.pw_uid, user.pw_gid, dir_fd=opened, follow_symlinks=False)


def web_server_command() -> list[str]:
    return [
        *("-m", "granian", "--interface", "asginl", "config.asgi:application"),
        *("--host", settings.HOST.strip("[]"), "--port", str(settings.PORT)),
        *("--workers", str(WEB_PROCESSES), "--loop", "uvloop", "--http", "1", "--no-ws"),
        *("--backpressure", str(CONNECTIONS), "--http1-buffer-size", str(HEADERS_MAX)),
        *("--http1-header-read-timeout", str(HEADERS_SECONDS * 1000)),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(DRAIN_SECONDS)),
        *("--log-level", "warning"),
    ]


def job_worker_command(name: str) -> list[str]:
    return ["manage.py", "db_worker", "--worker-id", name, "--no-reload", "--queue-name", "*"]


def worker_name(home: Path) -> str:
    """The same at each start, and no other machine's: by it we know the jobs that our worker left behind."""
    return "serve-" + sha256(f"{socket.gethostname()} {home}".encode()).hexdigest()[:16]


def requeue_abandoned_jobs(name: str) -> None:
    """Queue again what was under way when our worker was killed; a job may therefore run twice."""
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, worker_ids__contains=[name]).update(
        status=TaskResultStatus.READY, started_at=None
    )


def wait_for_web(children: list[Child]) -> None:
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
    time.sleep(TICK_SECONDS)
    for child in children:
        child.keep()
