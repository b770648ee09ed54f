"""The nightly backup, a scheduled job that the owner can switch on."""

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connection
from django_tasks_db.models import DBTaskResult

from accounts.models import ADMINISTRATOR
from archive.backup.container import BackupError, open_backup
from archive.backup.write import back_up_to_storage
from archive.nightly import make_nightly_backup
from archive.tasks import notify_failed_backup
from articles.models import Site
from config.scheduler.jobs import JOBS
from config.scheduler.runner import is_due, run_if_due
from core import backup_folder
from moderation.models import JobRun
from tests.factories import UserFactory, confirm_email, make_article, make_comment
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def home(settings: Any) -> Iterator[Path]:
    """Return a data folder that every user can enter."""
    settings.HOME = Path(tempfile.mkdtemp())
    settings.HOME.chmod(0o755)
    yield settings.HOME
    shutil.rmtree(settings.HOME)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def switch_nightly_backups_on(**values: Any) -> None:
    Site.objects.update(backs_up_nightly=True, **values)


@contextmanager
def full_disk() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


NIGHTLY_JOB = JOBS[-1]


def nightly_backups() -> list[str]:
    return sorted(path.name for path in data_path("backups/nightly").glob("*.zip"))


def test_the_nightly_backup_is_the_last_job() -> None:
    assert NIGHTLY_JOB.run is make_nightly_backup


def test_it_is_off_by_default(home: Path, clock: Any) -> None:
    assert make_nightly_backup() == "nightly backups are switched off"
    assert not data_path("backups/nightly").exists()


def test_one_backup_each_night_after_three_in_the_sites_zone(home: Path, clock: Any) -> None:
    make_comment(make_article("The slip closes"))
    switch_nightly_backups_on(time_zone="Africa/Cairo")  # two hours ahead
    make_nightly_backup()
    assert nightly_backups() == ["soundoff-2026-11-26.zip"]
    (file,) = data_path("backups/nightly").glob("*.zip")
    with open_backup(file) as reader:
        assert (reader.manifest.counts["stories"], reader.manifest.counts["comments"]) == (1, 1)
    assert file.stat().st_mode & 0o777 == 0o600
    last = backup_folder.last_backup()
    assert last
    assert (last.file, last.size) == (file, file.stat().st_size)
    for moment in (NOON, datetime(2026, 11, 27, 0, 59, tzinfo=UTC)):
        clock.move_to(moment)
        assert make_nightly_backup() == "no backup is due yet"
    clock.move_to(datetime(2026, 11, 27, 1, 1, tzinfo=UTC))
    make_nightly_backup()
    assert nightly_backups() == ["soundoff-2026-11-26.zip", "soundoff-2026-11-27.zip"]


def test_older_backups_are_deleted_after_a_new_one_is_complete(home: Path, clock: Any) -> None:
    switch_nightly_backups_on(backups_kept=2)
    for _night in range(4):
        make_nightly_backup()
        clock.shift(DAY)
    (data_path("backups/nightly") / "mine.zip").write_bytes(b"The owner's.")
    Site.objects.update(backups_kept=1)
    assert nightly_backups() == ["mine.zip", "soundoff-2026-11-28.zip", "soundoff-2026-11-29.zip"]
    make_nightly_backup()
    assert nightly_backups() == ["mine.zip", "soundoff-2026-11-30.zip"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_older_backup_that_cannot_be_deleted_is_no_failed_backup(home: Path, clock: Any) -> None:
    switch_nightly_backups_on(backups_kept=1)
    folder = data_path("backups/nightly")
    folder.mkdir(parents=True)
    (folder / "soundoff-2026-11-25.zip").write_bytes(b"Root's.")
    folder.chmod(0o1777)  # everybody may write, and delete only their own files
    os.seteuid(65534)
    try:
        ran = run_if_due(NIGHTLY_JOB)
    finally:
        os.seteuid(0)
    assert ran
    assert ran.error == "PermissionError"
    assert nightly_backups() == ["soundoff-2026-11-25.zip", "soundoff-2026-11-26.zip"]
    assert backup_folder.last_failure() is None
    assert not DBTaskResult.objects.exists()


def test_backups_dated_in_the_future_are_not_counted(home: Path, clock: Any) -> None:
    switch_nightly_backups_on(backups_kept=1)
    make_nightly_backup()
    clock.shift(400 * DAY)
    make_nightly_backup()
    clock.shift(-399 * DAY)
    make_nightly_backup()
    assert nightly_backups() == ["soundoff-2026-11-27.zip", "soundoff-2027-12-31.zip"]
    assert make_nightly_backup() == "no backup is due yet"


def test_a_failed_night_deletes_nothing_and_mails_administrators(home: Path, clock: Any) -> None:
    ada = UserFactory.create(email="ada@example.org", roles=(ADMINISTRATOR,))
    confirm_email(ada)
    switch_nightly_backups_on(backups_kept=1)
    make_nightly_backup()
    clock.shift(DAY)
    with full_disk():
        ran = run_if_due(NIGHTLY_JOB)
    assert ran
    assert ran.error == "BackupError"
    assert nightly_backups() == ["soundoff-2026-11-26.zip"]
    failure = backup_folder.last_failure()
    assert failure
    assert failure.at == NOON + DAY
    assert failure.why.startswith("The backup was not made: File too large")
    (told,) = DBTaskResult.objects.all()
    assert notify_failed_backup.call(*told.args_kwargs["args"]) == 1
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["ada@example.org"], "Last night’s backup failed")
    assert failure.why in message.body
    # A failed backup is tried again after an hour.
    assert not is_due(NIGHTLY_JOB, NOON + DAY + timedelta(minutes=59))
    with full_disk(), pytest.raises(BackupError):
        make_nightly_backup()
    assert DBTaskResult.objects.count() == 1  # administrators get one mail
    clock.shift(timedelta(hours=1))
    ran = run_if_due(NIGHTLY_JOB)
    assert ran
    assert ran.error == ""
    assert (nightly_backups(), backup_folder.last_failure()) == (["soundoff-2026-11-27.zip"], None)
    assert JobRun.objects.get().error == ""


def test_administrators_are_mailed_later_if_the_job_cannot_be_stored(home: Path, clock: Any) -> None:
    def full(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "django_tasks'):
            raise OperationalError("No space left on device")
        return execute(sql, *rest)

    switch_nightly_backups_on()
    with full_disk(), connection.execute_wrapper(full), pytest.raises(OperationalError):
        make_nightly_backup()
    failure = backup_folder.last_failure()
    assert failure
    assert failure.why.startswith("The backup was not made: File too large")
    for _ in range(2):
        with full_disk(), pytest.raises(BackupError):
            make_nightly_backup()
        assert DBTaskResult.objects.count() == 1


def test_a_backup_that_reads_back_differently_is_refused(
    home: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(handle: int) -> None:
        os.pwrite(handle, b"\0" * 64, os.fstat(handle).st_size // 2)

    switch_nightly_backups_on(backups_kept=1)
    make_nightly_backup()
    clock.shift(DAY)
    monkeypatch.setattr(os, "fsync", forget)
    with pytest.raises(BackupError, match="can't be read again"):
        make_nightly_backup()
    assert nightly_backups() == ["soundoff-2026-11-26.zip"]
    assert [path.name for path in data_path("backups/nightly").glob(".*")] == []
    last = backup_folder.last_backup()
    assert last
    assert last.file.name == "soundoff-2026-11-26.zip"


def test_files_of_an_interrupted_night_are_deleted(home: Path, clock: Any) -> None:
    switch_nightly_backups_on()
    data_path("backups/nightly").mkdir(parents=True)
    (data_path("backups/nightly") / ".soundoff-2026-11-25.zip.x7.part").write_bytes(b"half")
    make_nightly_backup()
    assert [path.name for path in data_path("backups/nightly").glob(".*")] == []


def test_a_file_in_place_of_the_folder_is_an_error_of_the_job(home: Path, clock: Any) -> None:
    switch_nightly_backups_on()
    data_path("backups").mkdir()
    data_path("backups/nightly").write_text("A file.")
    ran = run_if_due(NIGHTLY_JOB)
    assert ran
    assert ran.error == "NotADirectoryError"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_last_backup_is_known_if_the_scheduler_is_another_user(home: Path, clock: Any) -> None:
    switch_nightly_backups_on()
    back_up_to_storage("backups/upgrade-1.zip")
    data_path("backups/nightly").mkdir()
    os.chown(data_path("backups/nightly"), 65534, 65534)
    clock.shift(DAY)
    os.seteuid(65534)
    try:
        make_nightly_backup()
    finally:
        os.seteuid(0)
    last = backup_folder.last_backup()
    assert last
    assert last.file.parent == data_path("backups/nightly")
    clock.shift(DAY)
    back_up_to_storage("backups/upgrade-2.zip")
    last = backup_folder.last_backup()
    assert last
    assert last.file.name == "upgrade-2.zip"
