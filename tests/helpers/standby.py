"""A streaming replica of the throw-away Postgres of the tests."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection

from config.server import postgres
from core.data_folder import make_data_folder
from tests.helpers.database import superuser
from tests.helpers.waiting import until

OPTIONS = [
    "fsync=off",
    "max_standby_streaming_delay=0",  # a statement that is in the way is ended at once
    "wal_receiver_status_interval=1s",
    "wal_retrieve_retry_interval=100ms",
]


class Standby:
    """A replica of the server of Django's connection. It can be stopped, frozen and kept from replaying."""

    def __init__(self, folder: Path) -> None:
        self.server = postgres.Server(folder, OPTIONS)
        self.server.socket = folder / "socket"

    @property
    def url(self) -> str:
        """Return the URL for DATABASE_REPLICA_URLS."""
        user, name = (connection.settings_dict[key] for key in ("USER", "NAME"))
        return f"postgres://{user}@{str(self.server.socket).replace('/', '%2F')}:5432/{name}"

    def copy_primary(self) -> None:
        """Make the copy of the primary's data from which the replica starts."""
        make_data_folder(self.server.folder)
        postgres._make_private(self.server.cluster)
        source = " ".join(f"{key}={connection.settings_dict[key.upper()]}" for key in ("host", "port"))
        postgres._run(
            [
                postgres.find_binaries().folder / "pg_basebackup",
                *("-D", self.server.cluster, "-d", f"{source} user=postgres"),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ]
        )

    def start(self) -> None:
        assert self.server.take()
        self.server.start()

    def stop(self) -> None:
        os.utime(self.server.folder)  # or another test run deletes it, while nobody holds its lock
        self.server.stop()

    def ask(self, statement: str) -> Any:
        """Return the first value that the replica answers to its superuser."""
        place = {"host": self.server.socket, "port": 5432, "dbname": connection.settings_dict["NAME"]}
        with closing(psycopg2.connect(user="postgres", **place)) as raw, raw, raw.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    def catch_up(self) -> None:
        """Wait until everything is replayed that is in the primary's log now."""
        with superuser() as cursor:
            cursor.execute("SELECT pg_log_standby_snapshot(), pg_current_wal_insert_lsn()")
            position = cursor.fetchone()[1]
        until(lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Replay nothing while the block runs. What was replayed can still be read."""
        self.ask("SELECT pg_wal_replay_pause()")
        until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the replica, so that it accepts connections but neither answers nor disconnects."""
        assert self.server.process
        postmaster = self.server.process.pid
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        processes = [postmaster, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)


@contextmanager
def running_standby() -> Iterator[Standby]:
    """Run a replica while the block runs."""
    with postgres.temporary_folder() as folder:
        standby = Standby(folder)
        standby.copy_primary()
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()
