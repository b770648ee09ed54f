"""A streaming replica of a throw-away Postgres."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from config.server import postgres
from core.data_folder import make_data_folder
from tests.helpers.servers import processes
from tests.helpers.waiting import until

OPTIONS = ["fsync=off", "wal_receiver_status_interval=1s", "wal_retrieve_retry_interval=100ms"]


class Standby:
    """A replica of a server on this machine. It can be stopped, frozen and kept from replaying."""

    def __init__(self, folder: Path, primary: str, *options: str) -> None:
        self.primary = parse_dsn(primary)
        self.server = postgres.Server(folder, [*OPTIONS, *options])
        self.server.socket = folder / "socket"

    @property
    def url(self) -> str:
        """Return the URL for DATABASE_REPLICA_URLS."""
        return make_url(str(self.server.socket), self.primary["user"], self.primary["dbname"])

    def copy_primary(self) -> None:
        """Make the copy of the primary's data from which the replica starts."""
        make_data_folder(self.server.folder)
        postgres._make_private(self.server.cluster)
        postgres._run(
            [
                postgres.find_binaries().folder / "pg_basebackup",
                *("-D", self.server.cluster, "-d", f"host={self.primary['host']} port=5432 user=postgres"),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ]
        )

    def start(self) -> None:
        assert self.server.acquire_lock()
        self.server.start()

    def stop(self) -> None:
        os.utime(self.server.folder)  # or another test run deletes it, while nobody holds its lock
        self.server.stop()

    def ask(self, statement: str) -> Any:
        """Return the first value that the replica answers to its superuser.

        The replica cancels a statement, or a new connection that reads the catalog, if it has to remove their
        rows for the primary; then it is asked again.
        """
        while True:
            try:
                return self._fetch_value(str(self.server.socket), statement)
            except psycopg2.OperationalError as error:  # that of a connection has no code
                if "conflict with recovery" not in str(error):
                    raise

    def catch_up(self) -> None:
        """Wait until everything is replayed that is in the primary's log now."""
        host = self.primary["host"]
        self._fetch_value(host, "SELECT pg_current_xact_id()")  # this makes the primary send all of its log
        position = self._fetch_value(host, "SELECT pg_current_wal_insert_lsn()")
        until(lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Replay nothing while the block runs. Replayed rows can still be read."""
        self.ask("SELECT pg_wal_replay_pause()")
        until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the replica."""
        assert self.server.process
        with processes.frozen(processes.with_children(self.server.process.pid)):
            yield

    def _fetch_value(self, host: str, statement: str) -> Any:
        place = {"host": host, "port": 5432, "dbname": self.primary["dbname"]}
        with closing(psycopg2.connect(user="postgres", **place)) as raw, raw, raw.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]


def make_url(host: str, user: str, database: str) -> str:
    return f"postgres://{user}@{host.replace('/', '%2F')}:5432/{database}"


@contextmanager
def running_standby(primary: str, *options: str) -> Iterator[Standby]:
    """Run a replica of the server with this URL, and options such as "work_mem=1MB", during the block."""
    with postgres.temporary_folder() as folder:
        standby = Standby(folder, primary, *options)
        standby.copy_primary()
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()
