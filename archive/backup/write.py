"""Write a backup while the site is running."""

import errno
import glob
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from django.db import DatabaseError, connection, transaction

from archive.backup import tables
from archive.backup.container import (
    CHUNK,
    BackupError,
    BackupMember,
    BackupWriter,
    Manifest,
    first_line,
    is_safe,
    open_backup,
)
from articles.models.images import DIGEST_PATTERN, MEDIA
from core import VERSION
from core.backup_folder import LastBackup, record_backup
from core.database.migration_state import applied_migrations
from core.database.sql import execute, fetch_value
from core.dates.days import DAY_SECONDS
from core.files import StoredFile, storage
from core.files.folder import write_and_rename

# The counts in the summary, and the tables that they come from.
COUNTED_TABLES = {
    "stories": "articles_article",
    "comments": "comments_comment",
    "people": "accounts_user",
    "guests": "accounts_guest",
}


@dataclass(frozen=True)
class BackupResult:
    """The result of a backup."""

    last: LastBackup
    manifest: Manifest
    notes: list[str]  # sentences about images that were left out or are damaged


def backup(path: Path) -> BackupResult:
    """Write the whole site into this file, or leave an existing file unchanged. Raises BackupError."""
    path = path.absolute()
    if path.exists() and not path.is_file():
        raise BackupError(f"{path} exists and is not a file.")
    if not path.parent.is_dir():
        raise BackupError(f"The folder {path.parent} does not exist.")
    _remove_stale_files(path)
    return _backup(path, write_and_rename(path), verify=False)


def back_up_to_storage(name: str, *, verify: bool = False) -> BackupResult:
    """Write the whole site into a file of the storage. Raises BackupError.

    `verify` reads the file again before it gets its name, and refuses it if the disk returns other bytes.
    """
    path = Path(name) if storage().is_shared else Path(storage().path(name))
    return _backup(path, storage().write(name), verify=verify)


def _backup(path: Path, target: AbstractContextManager[Path], *, verify: bool) -> BackupResult:
    """Write a backup into the target, and record it under the path.

    All rows come from one snapshot. Media are read after them: every file that a row names exists by then,
    and a file never changes. The backup appears under its name once it is on the disk.
    """
    began, folder = time.monotonic(), path.parent
    try:
        with target as unfinished:
            folder = unfinished.parent
            _check_free_space(folder)
            with unfinished.open("wb") as file:
                writer, notes = BackupWriter(file), list[str]()
                try:
                    manifest = _write_tables(writer)
                    manifest.media.extend(_write_media(writer, notes))
                    manifest.counts["media"] = len(manifest.media)
                    digest = writer.finish(manifest)
                except BaseException:
                    writer.abandon()
                    raise
                os.fsync(file.fileno())
                size = file.seek(0, os.SEEK_END)
            if verify:
                _verify(unfinished)
        if path.is_absolute():
            _sync_folder(path.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise BackupError(f"The disk of {folder} is full: the backup was not made.") from error
        raise BackupError(f"The backup was not made: {error.strerror or error} ({folder}).") from error
    except DatabaseError as error:
        raise BackupError(f"The backup was not made: the database says “{first_line(error)}”.") from error
    last = LastBackup(path, manifest.at, size, digest, time.monotonic() - began, manifest.counts)
    with suppress(OSError):  # the backup was made all the same
        record_backup(last)
    return BackupResult(last, manifest, notes)


def _verify(path: Path) -> None:
    """Read the finished file again. Raises BackupError if it is damaged."""
    try:
        with open_backup(path):
            pass
    except BackupError as error:
        raise BackupError(
            f"The backup was not made, because the file can't be read again: {error}"
        ) from error


def _write_tables(writer: BackupWriter) -> Manifest:
    """Write all tables from one snapshot. Return the manifest, still without media."""
    with transaction.atomic(durable=True):
        # The transaction writes one row: the log's line that restricted texts were copied.
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        at: datetime = fetch_value("SELECT now()")  # the first query takes the snapshot
        tables.set_value_format()
        columns_by_table, copied = tables.table_columns(), []
        for name, columns in columns_by_table.items():
            if name in tables.EXCLUDED_TABLES:
                continue
            with writer.open_member(f"tables/{name}.copy", compress=True) as file:
                rows = tables.copy_out(name, columns, file)
                copied.append(file.describe(name, rows=rows, columns=columns))
        counted = {member.name: member.rows for member in copied}
        return Manifest(
            taken_at=at.astimezone(UTC).isoformat(),
            postgres=connection.connection.server_version,
            migrations=_migrations(),
            counts={label: counted.get(table, 0) for label, table in COUNTED_TABLES.items()},
            sequences=tables.read_sequences(),
            tables=copied,
            left_out=[name for name in tables.EXCLUDED_TABLES if name in columns_by_table],
            program=VERSION,
        )


def _migrations() -> dict[str, list[str]]:
    """Return the names of the applied migrations by app, sorted."""
    by_app: dict[str, list[str]] = {}
    for app, name in sorted(applied_migrations()):
        by_app.setdefault(app, []).append(name)
    return by_app


def _write_media(writer: BackupWriter, notes: list[str]) -> Iterator[BackupMember]:
    """Write all media files. Yield them as members for the manifest, and append notes about odd files."""
    for file in _media():
        name, location = file.name.removeprefix(f"{MEDIA}/"), storage().describe_location(file.name)
        if not file.is_regular or not is_safe(name):
            notes.append(f"Left out, because it is not an ordinary file: {location}")
            continue
        try:
            source = storage().open(file.name)
        except FileNotFoundError:  # deleted meanwhile
            continue
        with source, writer.open_member(file.name, compress=False) as copy:
            shutil.copyfileobj(source, copy, CHUNK)
            member = copy.describe(name)
        # The folder of an image is named after the hash of its largest file.
        path = PurePosixPath(name)
        if (
            path.stem == "full"
            and DIGEST_PATTERN.fullmatch(path.parent.name)
            and member.sha256 != path.parent.name
        ):
            notes.append(f"Damaged already, and backed up as it is: {location}")
        yield member


def _media() -> Iterator[StoredFile]:
    """Yield the files of images. Hidden files are unfinished or not ours."""
    return (file for file in storage().list_files(MEDIA) if "/." not in file.name)


def _check_free_space(folder: Path) -> None:
    """Raise BackupError if the backup may not fit on the disk of the folder."""
    need = tables.total_size() + sum(file.size for file in _media())
    free = shutil.disk_usage(folder).free
    if free < need:
        raise BackupError(
            f"The backup was not made: it may take {megabytes(need)}, and {folder} has "
            f"{megabytes(free)} left."
        )


def _remove_stale_files(path: Path) -> None:
    """Delete unfinished files of backups that were killed a day ago or earlier."""
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):
            if time.time() - old.lstat().st_mtime > DAY_SECONDS:
                old.unlink()


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entries to the disk, so that the file's name survives a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def megabytes(size: int) -> str:
    """Return a size in bytes as text in megabytes."""
    return f"{size / 1_000_000:,.1f} MB"


def describe(result: BackupResult) -> Iterator[str]:
    """Yield the lines of the result for a terminal."""
    last = result.last
    yield f"{last.location}: {result.manifest.summary}; {megabytes(last.size)} in {last.seconds:.1f} s."
    yield f"SHA-256 {last.sha256}"
    yield from result.notes
