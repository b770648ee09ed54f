"""The nightly backup, a scheduled job that the owner can switch on.

The file appears under its name only after it was verified, and older backups are deleted only then, so that
a night that fails deletes nothing.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from archive.backup.container import BackupError
from archive.backup.write import back_up_to_storage, megabytes
from archive.tasks import notify_failed_backup
from articles.site.current_site import read_site
from core import backup_folder
from core.files import SiteStorage, StoredFile, storage

NOTIFICATION_INTERVAL = timedelta(hours=20)  # so that the mail comes each day, although the job starts later
EARLIEST_HOUR = 3  # in the site's time zone; a machine that was off at that hour makes up for it later
FILE_NAME = f"{backup_folder.NIGHTLY_FOLDER}/soundoff-{{day}}.zip"


def make_nightly_backup() -> str:
    """Make tonight's backup if it is due and switched on. Return a summary for the log.

    Raises BackupError or OSError. The owner reads the reason under "System status", and in one mail.
    """
    site = read_site()
    now = timezone.localtime(timezone=site.zone)
    name = FILE_NAME.format(day=now.date().isoformat())
    if not site.backs_up_nightly:
        return "nightly backups are switched off"
    if now.hour < EARLIEST_HOUR:
        return "no backup is due yet"
    try:
        if storage().exists(name):
            return "no backup is due yet"
        for file in list(storage().list_files(backup_folder.NIGHTLY_FOLDER)):
            if fnmatchcase(file.name, "*/.*.part"):  # left by an interrupted backup: nobody else writes here
                storage().delete(file.name)
        result = back_up_to_storage(name, verify=True)
    except (BackupError, OSError) as error:
        why = str(error) if isinstance(error, BackupError) else f"{name}: {error.strerror}."
        _report_failure(backup_folder.BackupFailure(timezone.now(), why))
        raise
    backup_folder.clear_failure()
    # Outside of the block above: tonight's backup is sound, even if an older one can't be deleted.
    removed = _remove_older(name, kept=site.backups_kept)
    return f"{name.rpartition('/')[2]}, {megabytes(result.last.size)}; older backups removed: {removed}"


def _report_failure(failure: backup_folder.BackupFailure) -> None:
    """Store the failure and mail administrators once.

    A mail that could not be queued is tried again at the next failure: a full disk stores no job either. If
    the failure can't be stored, because the storage itself does not answer, they get one mail a day.
    """
    last = backup_folder.last_failure()
    is_notified = last is not None and last.is_notified
    with suppress(OSError):  # the scheduler logs the failure as well
        backup_folder.record_failure(replace(failure, is_notified=is_notified))
    if not is_notified and not _was_notified_today():
        notify_failed_backup.enqueue(failure.why)
        with suppress(OSError):
            backup_folder.record_failure(replace(failure, is_notified=True))


def _was_notified_today() -> bool:
    jobs = DBTaskResult.objects.filter(task_path=notify_failed_backup.module_path)
    return jobs.filter(enqueued_at__gt=timezone.now() - NOTIFICATION_INTERVAL).exists()


def _remove_older(newest: str, *, kept: int) -> int:
    """Delete all but the newest `kept` backups up to this one. Return the number of deleted files.

    Files with a date in the future, written under a wrong system clock, are not counted: they would push out
    the new backup, which would then be made again at each run.
    """
    older = [file for file in list_nightly() if file.name <= newest][:-kept]
    for file in older:
        storage().delete(file.name)
    return len(older)


def list_nightly(other: SiteStorage | None = None) -> list[StoredFile]:
    """Return the nightly backups, oldest first, of the storage or of `other`. Raises OSError."""
    found = (other or storage()).list_files(backup_folder.NIGHTLY_FOLDER)
    return [file for file in found if fnmatchcase(file.name, FILE_NAME.format(day="[0-9]*"))]
