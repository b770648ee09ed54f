"""A backup each night, where the owner has switched that on: a job of the clock.

Its file appears once it was read again from end to end, and only then older ones go: a night that fails takes
nothing away.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from archive.backup.container import BackupRefused
from archive.backup.write import backup, megabytes
from archive.tasks import tell_of_failed_backup
from articles.site.current_site import read_site
from core import backup_folder
from moderation.scheduled_jobs import Job

EARLIEST_HOUR = 3  # o'clock in the site's zone: when the machine was off then, as soon as it is on
FILE_NAME = "soundoff-{day}.zip"


def back_up() -> str:
    """Raises Refused, whose sentence the owner reads under "What you have", and in a mail the first time."""
    site = read_site()
    now = timezone.localtime(timezone=site.zone)
    folder = backup_folder.nightly_folder()
    path = folder / FILE_NAME.format(day=now.date().isoformat())
    if not site.backs_up_nightly:
        return "it is switched off"
    if now.hour < EARLIEST_HOUR or path.exists():
        return "there is nothing to do yet"
    try:
        backup_folder.folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        for remains in folder.glob(".*.part"):  # of a night that was cut short: nobody else writes here
            remains.unlink()
        made = backup(path, read_again=True)
        gone = _remove_older(path, kept=site.backups_kept)
    except (BackupRefused, OSError) as error:
        why = str(error) if isinstance(error, BackupRefused) else f"{folder}: {error.strerror}."
        _report_failure(backup_folder.Failure(timezone.now(), why))
        raise
    backup_folder.forget_failure()
    return f"{path.name}, {megabytes(made.last.size)}; older ones removed: {gone}"


def _report_failure(failure: backup_folder.Failure) -> None:
    """Administrators once, by a mail: again until that is on its way, as a full disk takes no job either."""
    last = backup_folder.last_failure()
    is_told = last is not None and last.is_told
    with suppress(OSError):  # the clock tells that it failed, all the same
        backup_folder.remember_failure(replace(failure, is_told=is_told))
    if not is_told:
        tell_of_failed_backup.enqueue(failure.why)
        with suppress(OSError):
            backup_folder.remember_failure(replace(failure, is_told=True))


def _remove_older(made: Path, *, kept: int) -> int:
    """Of those up to this one all but the newest `kept`. Returns how many. What a clock that went wrong has
    named after days to come counts for none: this one would go for it, and be made again each time."""
    older = [path for path in list_nightly(made.parent) if path.name <= made.name][:-kept]
    for path in older:
        path.unlink()
    return len(older)


def list_nightly(folder: Path) -> list[Path]:
    """The oldest first."""
    return sorted(folder.glob(FILE_NAME.format(day="[0-9]*")))


# Often, so that what the owner switches on happens soon; a night that failed is tried again in an hour.
NIGHTLY_JOB = Job("see whether a backup is due", timedelta(minutes=5), back_up, retry=timedelta(hours=1))
