"""Upgrade the database to the version of the program: first a backup, then the migrations."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from django.core.management import call_command
from django.db import Error, OperationalError, connection
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from psycopg2.extensions import get_wait_callback, set_wait_callback
from psycopg2.extras import wait_select

from archive.backup.container import BackupError, first_line, shorten_names
from archive.backup.restore import existing_data
from archive.backup.write import back_up_to_storage, describe
from core import backup_folder, files
from core.database.locks import try_lock
from core.database.migration_state import later_migrations, program_migrations, unapplied_migrations
from core.database.sql import lock_timeout
from core.memory.garbage_collection import collect_garbage_rarely

BACKUPS_KEPT = 3  # number of backups from before upgrades that are kept
# Web servers of the previous version may be running. While a migration waits for a table, for instance until
# a backup ends, every page that needs this table waits too. So the migration stops waiting after this time,
# and is tried again after a pause. A migration that builds an index waits longer
# (core/database/concurrent_indexes.py).
LOCK_TIMEOUT_SECONDS = 2
RETRY_PAUSE_SECONDS = 10
MAX_RETRY_SECONDS = 720
LOCK_NAMESPACE = 0x50DB  # advisory lock, so that one upgrade of this database runs at a time, on any machine


def upgrade(*, report: Callable[[str], None], without_backup: bool = False) -> None:
    """Back up the database if it has any data, then apply the migrations. Raises BackupError.

    Each migration is one transaction, or builds one index. If one fails, those before it stay applied, and
    no version of the site starts on that database: it starts only if no migration is missing and none is
    unknown.
    """
    with try_lock(LOCK_NAMESPACE, "upgrade") as has_lock:
        if not has_lock:
            raise BackupError(
                "Another upgrade of this database is running. Wait until it ends, then run this command "
                "again: it applies what is missing."
            )
        if unknown := later_migrations():
            raise BackupError(
                f"This database was upgraded by a later version of Soundoff ({shorten_names(unknown)}). "
                "Install that version again. Or restore the backup that was made before the upgrade into an "
                "empty database or a new data folder: see "
                f"{files.storage().describe_location(backup_folder.FOLDER)}."
            )
        check_restore_is_finished()
        if not (pending := unapplied_migrations()):
            report("The database is up to date.")
            return
        backup_file = None
        has_data = bool(existing_data())
        if has_data and not without_backup:
            backup_file = _back_up(report)
        if has_data and not _non_atomic_migrations().isdisjoint(pending):
            report(
                "Building indexes while the site goes on. This may take minutes, and each of them waits for "
                "what others are doing in the database, such as a backup …"
            )
        _migrate(pending, backup_file, report)
        report(f"The database is up to date. Migrations applied: {len(pending)}.")


def check_restore_is_finished() -> None:
    """Raise BackupError if the database may hold content that was permanently deleted after its backup."""
    marker = backup_folder.UNFINISHED_RESTORE
    if files.storage().exists(marker) and existing_data():
        raise BackupError(
            "The restore of an earlier version's backup is not finished. The database may hold content that "
            "was permanently deleted after the backup. If no restore is running, restore it again into an "
            f"empty database, then delete {files.storage().describe_location(marker)}."
        )


def _back_up(report: Callable[[str], None]) -> str:
    """Write a backup into the storage and delete the oldest ones. Return its location."""
    name = f"{backup_folder.FOLDER}/upgrade-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip"
    report("Backing up before the database is changed …")
    try:
        for line in describe(back_up_to_storage(name)):
            report(line)
    except BackupError as error:
        raise BackupError(
            f"Nothing was upgraded, because the backup failed. {error} Fix that and start again. Or write a "
            "backup elsewhere (manage.py backup FILE) and run manage.py upgrade --without-backup."
        ) from error
    with suppress(OSError):
        found = [file.name for file in files.storage().list_files(backup_folder.FOLDER)]
        pattern = f"{backup_folder.FOLDER}/upgrade-*.zip"
        for old in [backup for backup in found if fnmatchcase(backup, pattern)][:-BACKUPS_KEPT]:
            files.storage().delete(old)
    return files.storage().describe_location(name)


def _migrate(pending: list[str], backup_file: str | None, report: Callable[[str], None]) -> None:
    """Apply all migrations. Raises BackupError with the way forward and the way back."""
    try:
        with collect_garbage_rarely(), _interruptible(), lock_timeout(LOCK_TIMEOUT_SECONDS):
            began = time.monotonic()
            while not _apply_migrations(is_last_attempt=time.monotonic() - began >= MAX_RETRY_SECONDS):
                report(f"Another program uses the database. Trying again in {RETRY_PAUSE_SECONDS} s …")
                time.sleep(RETRY_PAUSE_SECONDS)
    except Exception as error:  # any exception: a migration may run anything
        back = ""
        if backup_file:
            back = (
                f" To go back instead, install the earlier version and restore {backup_file} into an empty "
                "database or a new data folder."
            )
        raise BackupError(
            f"{_describe_failed_step(pending, first_line(error))}, and the site does not start in this state."
            f" Fix the problem, then run manage.py upgrade to continue.{back}"
        ) from error


def _describe_failed_step(pending: list[str], error: str) -> str:
    """Return the beginning of a sentence: which migration failed and why, and how many were applied."""
    if not connection.is_usable():
        connection.close()  # the next statement opens a new one
    try:
        remaining = unapplied_migrations()
    except Error as connection_error:
        return (
            f"The upgrade failed ({error}), and the database does not answer: {first_line(connection_error)}."
            " It is unknown how many migrations were applied"
        )
    step = _describe_failed_migration(remaining[0]) if remaining else "A step after the migrations failed"
    return f"{step}: {error}. {len(pending) - len(remaining)} of {len(pending)} migrations were applied"


def _describe_failed_migration(name: str) -> str:
    """Return the beginning of a sentence: which migration failed, and whether it was rolled back."""
    if name in _non_atomic_migrations():
        return f"The migration {name} failed, and its index may be incomplete"
    return f"The migration {name} failed and was rolled back"


def _non_atomic_migrations() -> set[str]:
    """Return the names of the migrations that build an index while the site goes on."""
    migrations = program_migrations().items()
    return {f"{app}.{name}" for (app, name), migration in migrations if not migration.atomic}


def _apply_migrations(*, is_last_attempt: bool) -> bool:
    """Apply all migrations. Return False if another program has locked a table.

    The migrations before that one stay applied.
    """
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        if is_last_attempt or not isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
            raise
        return False
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the statement that runs within the block, with a database error."""
    earlier = get_wait_callback()
    set_wait_callback(wait_select)
    try:
        yield
    finally:
        set_wait_callback(earlier)
