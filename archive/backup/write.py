"""Write a backup while the site is running."""

import errno
import glob
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from archive.backup import tables
from archive.backup.container import (
    CHUNK,
    BackupError,
    Manifest,
    Part,
    Writer,
    first_line,
    is_safe,
    open_backup,
)
from core import VERSION
from core.backup_folder import LastBackup, record_backup
from core.database.migration_state import applied_migrations

DAY = 86_400  # seconds
DIGEST = re.compile(r"[0-9a-f]{64}")
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
    notes: list[str]  # sentences about files in media/ that were left out or are damaged


def backup(path: Path, *, verify: bool = False) -> BackupResult:
    """Write the whole site into this file, or leave an existing file unchanged. Raises BackupError.

    `verify` reads the file again before it gets its name, and refuses it if the disk returns other bytes.

    All rows come from one snapshot. Media are read after them: every file that a row names exists by then,
    and a file never changes. The backup appears under its name once it is on the disk.
    """
    path, began = path.absolute(), time.monotonic()
    if path.exists() and not path.is_file():
        raise BackupError(f"{path} exists and is not a file.")
    if not path.parent.is_dir():
        raise BackupError(f"The folder {path.parent} does not exist.")
    _remove_stale_parts(path)
    _check_free_space(path)
    part = None
    try:
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            writer, notes = Writer(file), list[str]()
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
            _verify(Path(part))
        Path(part).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise BackupError(f"The disk of {path.parent} is full: the backup was not made.") from error
        raise BackupError(f"The backup was not made: {error.strerror or error} ({path.parent}).") from error
    except DatabaseError as error:
        raise BackupError(f"The backup was not made: the database says “{first_line(error)}”.") from error
    finally:
        with suppress(OSError):
            if part:
                Path(part).unlink()
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


def media_folder() -> Path:
    """Return the folder of the images that editors uploaded."""
    return Path(settings.MEDIA_ROOT or settings.HOME / "media")


def _write_tables(writer: Writer) -> Manifest:
    """Write all tables from one snapshot. Return the manifest, still without media."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # The transaction writes one row: the log's line that restricted texts were copied.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT now()")  # the first query takes the snapshot
            (at,) = cursor.fetchone()
        tables.set_value_format()
        found, copied = tables.table_columns(), []
        for name, columns in found.items():
            if name in tables.EXCLUDED_TABLES:
                continue
            with writer.part(f"tables/{name}.copy", packed=True) as part:
                rows = tables.copy_out(name, columns, part)
                copied.append(part.to_part(name, rows=rows, columns=columns))
        counted = {part.name: part.rows for part in copied}
        return Manifest(
            taken_at=at.astimezone(UTC).isoformat(),
            postgres=connection.pg_version,  # type: ignore[attr-defined]  # of PostgreSQL only
            migrations=_migrations(),
            counts={label: counted.get(table, 0) for label, table in COUNTED_TABLES.items()},
            sequences=tables.read_sequences(),
            tables=copied,
            left_out=[name for name in tables.EXCLUDED_TABLES if name in found],
            program=VERSION,
        )


def _migrations() -> dict[str, list[str]]:
    """Return the names of the applied migrations by app, sorted."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(applied_migrations()):
        found.setdefault(app, []).append(name)
    return found


def _write_media(writer: Writer, notes: list[str]) -> Iterator[Part]:
    """Write all media files. Yield their entries for the manifest, and append notes about odd files."""
    root = media_folder()
    for path in _files(root, notes):
        name = path.relative_to(root).as_posix()
        try:
            source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:  # deleted meanwhile
            continue
        with os.fdopen(source, "rb") as file, writer.part(f"media/{name}", packed=False) as part:
            while data := file.read(CHUNK):
                part.write(data)
            entry = part.to_part(name)
        # The folder of an image is named after the hash of its largest file.
        if path.stem == "full" and DIGEST.fullmatch(path.parent.name) and entry.sha256 != path.parent.name:
            notes.append(f"Damaged on this disk already, and backed up as it is: {path}")
        yield entry


def _files(folder: Path, notes: list[str]) -> Iterator[Path]:
    """Yield the ordinary files below the folder, sorted by name.

    Links are not followed, since they may lead anywhere. Hidden files are unfinished or not ours.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if is_safe(entry.name) and entry.is_dir(follow_symlinks=False):
            yield from _files(path, notes)
        elif is_safe(entry.name) and entry.is_file(follow_symlinks=False):
            yield path
        else:
            notes.append(f"Left out, because it is not an ordinary file: {path}")


def _check_free_space(path: Path) -> None:
    """Raise BackupError if the backup may not fit on the disk."""
    need = tables.total_size() + sum(file.lstat().st_size for file in _files(media_folder(), []))
    free = shutil.disk_usage(path.parent).free
    if free < need:
        raise BackupError(
            f"The backup was not made: it may take {megabytes(need)}, and {path.parent} has "
            f"{megabytes(free)} left."
        )


def _remove_stale_parts(path: Path) -> None:
    """Delete unfinished files of backups that were killed a day ago or earlier."""
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):
            if time.time() - old.lstat().st_mtime > DAY:
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
    yield f"{last.file}: {result.manifest.summary}; {megabytes(last.size)} in {last.seconds:.1f} s."
    yield f"SHA-256 {last.sha256}"
    yield from result.notes
