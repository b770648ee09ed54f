"""Bring the database up to date with the program: first a backup, then the migrations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from archive.backup.container import BackupRefused, first_line, shorten_names
from archive.backup.restore import existing_data
from archive.backup.write import backup, describe
from core import backup_folder
from core.health import later_migrations, unapplied_migrations

BACKUPS_KEPT = 3  # backups that were made before upgrades
LOCK_KEY = 0x50DB  # of all who upgrade this database, on whatever machine


def upgrade(*, say: Callable[[str], None], without_backup: bool = False) -> None:
    """Apply what is to be applied, after a backup where there is anything to lose. Raises Refused.

    Each migration is one transaction. Where one fails, those before it stay, and nothing starts upon that: a
    site starts only where none waits and none is unknown.
    """
    with _upgrade_lock():
        if unknown := later_migrations():
            raise BackupRefused(
                f"This database was upgraded by a later version of Soundoff ({shorten_names(unknown)}). Put that "
                "version back; or restore, into an empty database or a new data folder, the backup that was "
                f"made before: see {backup_folder.folder()}."
            )
        if backup_folder.unfinished().exists() and existing_data():
            raise BackupRefused(
                "A restore of an earlier version's backup was not finished: what was erased since may be in "
                "the database. Restore it again, into an empty one; then delete "
                f"{backup_folder.unfinished()}."
            )
        if not (waiting := unapplied_migrations()):
            say("The database is up to date.")
            return
        made = None
        if existing_data() and not without_backup:
            made = _back_up(say)
        _migrate(waiting, made)
        say(f"The database is up to date. Migrations that were applied: {len(waiting)}.")


def _back_up(say: Callable[[str], None]) -> Path:
    path = backup_folder.folder() / f"upgrade-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip"
    say("A backup, before the database is changed …")
    try:
        for line in describe(backup(path)):
            say(line)
    except BackupRefused as error:
        raise BackupRefused(
            f"Nothing was upgraded, as there is no backup to go back to. {error} Mend that and start again; "
            "or write one elsewhere (manage.py backup FILE) and then: manage.py upgrade --without-backup."
        ) from error
    for old in sorted(path.parent.glob("upgrade-*.zip"))[:-BACKUPS_KEPT]:
        with suppress(OSError):
            old.unlink()
    return path


def _migrate(waiting: list[str], made: Path | None) -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Exception as error:  # whatever it was: a migration may run anything
        left = unapplied_migrations()
        done = len(waiting) - len(left)
        said = first_line(error)
        where = f"The migration {left[0]} failed and was taken back" if left else "What follows them failed"
        back = ""
        if made:
            back = (
                " To go back instead: put the earlier version in place and restore, into an empty database "
                f"or a new data folder, {made}."
            )
        raise BackupRefused(
            f"{where}: {said}. {done} of {len(waiting)} were applied, and the site does not start upon that. "
            f"Once what is said there is mended, manage.py upgrade goes on from here.{back}"
        ) from error


@contextmanager
def _upgrade_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [LOCK_KEY])
        if not cursor.fetchone()[0]:
            raise BackupRefused("Somebody else upgrades this database at this moment.")
    try:
        yield
    finally:
        with suppress(Exception), connection.cursor() as cursor:  # it goes with the connection anyway
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK_KEY])
