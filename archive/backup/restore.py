"""Restore a backup into an empty site."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import IntegrityError
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.backup import tables
from archive.backup.container import (
    CHUNK,
    BackupError,
    BackupMember,
    BackupReader,
    Manifest,
    first_line,
    open_backup,
    shorten_names,
)
from archive.backup.write import megabytes
from articles.models import Site
from articles.models.images import MEDIA
from articles.newsletter.sending import stop_all
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from comments.following.mails import skip_mails_after_restore
from core import VERSION, backup_folder, erasure_log, files
from core.data_folder import unprivileged_user
from core.database.migration_state import (
    TOO_OLD,
    Node,
    applied_migrations,
    program_migrations,
    replaced_migrations,
    squashed,
)
from core.database.sql import execute, fetch_column, fetch_value
from core.memory.garbage_collection import collect_garbage_rarely
from moderation.erasure import erasure_replay

# Tables that are empty on a site that nobody has used yet, with their names for a person.
MUST_BE_EMPTY = {
    "articles_article": "stories",
    "comments_comment": "comments",
    "accounts_user": "accounts",
    "accounts_guest": "guests",
}


@dataclass(frozen=True)
class RestoreResult:
    """The result of a restore."""

    manifest: Manifest
    replayed: erasure_replay.ReplayedErasures
    has_erasures: bool  # without a list, erasures after the backup are unknown


def restore(path: Path, *, erasures: Path | None = None, keep_images: bool = False) -> RestoreResult:
    """Restore the whole file in one transaction, or nothing. Raises BackupError with the reason.

    `erasures` is a file with permanent deletions and restrictions (core/erasure_log.py), read in addition
    to the site's own log. Both are repeated before anybody can read the restored content.

    With `keep_images` the storage may have images of this site already.

    The login must own the tables. Rows of an earlier version are copied into tables as they were then; the
    tables are migrated afterwards, and only then are the erasures replayed.
    """
    erasures_to_replay = _read_erasures(erasures)
    with open_backup(path) as reader:
        missing = _compare_migrations(reader)
        _check_is_empty()
        images = _images_to_restore(reader.manifest, keep_images=keep_images)
        _check_free_space(images)
        replayed = erasure_replay.ReplayedErasures()
        with _explained_errors():
            _prepare_tables(reader.manifest)
            with _media(reader, images) as media, transaction.atomic(durable=True):
                old_version = _lock_tables()
                _fill_tables(reader)
                if not missing:
                    replayed = _replay_and_requeue(erasures_to_replay, old_version)
                media.put_in_place()
                if missing:  # until the erasures are replayed, the database holds data that was erased since
                    files.save(backup_folder.UNFINISHED_RESTORE, reader.manifest.summary.encode())
        if missing:
            _migrate(reader.manifest)
            replayed = _finish(erasures_to_replay, old_version)
    invalidate_outage_copies()
    tables.analyze_tables()
    if erasures:
        with suppress(OSError):
            erasure_replay.log_missing(erasures_to_replay)
    return RestoreResult(reader.manifest, replayed, bool(erasures_to_replay))


@contextmanager
def _explained_errors() -> Iterator[None]:
    """Raise BackupError, with a sentence, for an error of the database or the files in the block."""
    try:
        yield
    except IntegrityError as error:
        raise BackupError(f"The backup contradicts itself: {first_line(error)}.") from error
    except DatabaseError as error:
        message = str(error)
        lacks_rights = "permission denied" in message or "must be owner" in message
        hint = " Use the login that owns the tables: DATABASE_OWNER_URL." if lacks_rights else ""
        raise BackupError(f"Nothing was restored: the database says “{first_line(error)}”.{hint}") from error
    except OSError as error:
        raise BackupError(f"Nothing was restored: {error.strerror or error}.") from error


def _read_erasures(file: Path | None) -> list[erasure_log.Erasure]:
    """Return the erasures in the site's own log and in `file`."""
    logged = erasure_log.read_all()
    if file:
        logged += erasure_log.read(file)
    return logged


def _compare_migrations(reader: BackupReader) -> list[str]:
    """Return the migrations that the backup lacks. Raises BackupError if it can't be restored here."""
    name, applied = reader.path.name, squashed(_nodes(reader.manifest.migrations))
    version = reader.manifest.program or "unknown"
    known = set(program_migrations())
    if applied & replaced_migrations():
        raise BackupError(f"{name} is {TOO_OLD}: restore it with that version, and take a backup there.")
    if unknown := _dotted(applied - known):
        raise BackupError(
            f"{name} was made by a later version of Soundoff ({version}): it has {shorten_names(unknown)}, "
            f"which this version ({VERSION}) lacks. Restore it with the version that made it."
        )
    missing = _dotted(known - applied)
    if missing and applied_migrations() - applied:
        raise BackupError(
            f"{name} was made by an earlier version, before {shorten_names(missing)}, and this database "
            "already has the tables of a later one. Restore it into a database without tables, or into a new "
            "data folder (SOUNDOFF_HOME). It is upgraded there."
        )
    return missing


def _prepare_tables(manifest: Manifest) -> None:
    """Create the tables as they were when the backup was made: in this version or an earlier one."""
    wanted, applied = squashed(_nodes(manifest.migrations)), applied_migrations()
    if wanted == applied:
        return
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    # Name only the last migration of each app: an earlier one would reverse those after it.
    leaves = [
        node
        for node in sorted(wanted - applied)
        if not any(child.key[0] == node[0] and child.key in wanted for child in graph.node_map[node].children)
    ]
    with collect_garbage_rarely():
        executor.migrate(leaves)


def _migrate(manifest: Manifest) -> None:
    """Apply the migrations that came after the backup."""
    try:
        with collect_garbage_rarely():
            call_command("migrate", verbosity=0)
    except Exception as error:  # any exception: a migration may run anything
        raise BackupError(
            f"The whole backup was restored, but it can't be upgraded: {first_line(error)}. Restore it into "
            f"another empty database with the version that made it ({manifest.program or 'unknown'})."
        ) from error


def _finish(erasures: list[erasure_log.Erasure], old_version: int) -> erasure_replay.ReplayedErasures:
    """Replay the erasures in the upgraded tables, and note that the restore is complete."""
    try:
        with transaction.atomic(durable=True):
            replayed = _replay_and_requeue(erasures, old_version)
    except (DatabaseError, OSError) as error:
        raise BackupError(
            "The whole backup was restored, but what was permanently deleted after it may be there again: "
            f"{first_line(error)}. Restore it again into an empty database."
        ) from error
    marker = backup_folder.UNFINISHED_RESTORE
    try:
        files.storage().delete(marker)
    except OSError as error:
        raise BackupError(
            f"The whole backup was restored. Delete {files.storage().describe_location(marker)} to start the "
            f"site: {error.strerror or error}."
        ) from error
    return replayed


def _lock_tables() -> int:
    """Lock the tables and check again that they are empty. Return the version of the existing site row.

    A sign-up at the same moment waits for the lock, or came first and is noticed.
    """
    execute(f"LOCK TABLE {', '.join(MUST_BE_EMPTY)} IN ACCESS EXCLUSIVE MODE")
    _check_is_empty()
    return next(iter(fetch_column("SELECT version FROM articles_site")), 0)


def _fill_tables(reader: BackupReader) -> None:
    """Replace the contents of all tables with those of the backup."""
    tables.set_value_format()
    columns = tables.table_columns()
    replaced = [name for name in columns if name != "django_migrations"]
    found = {member.name: sorted(member.columns) for member in reader.manifest.tables}
    expected = {name: sorted(columns[name]) for name in columns if name not in tables.EXCLUDED_TABLES}
    if found != expected:
        names = sorted(
            name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
        )
        raise BackupError(
            f"{reader.path.name} has other tables than its migrations make: {', '.join(names)}."
        )
    if unknown := set(reader.manifest.sequences) ^ set(tables.read_sequences()):
        raise BackupError(
            f"{reader.path.name} has other sequences than its migrations make: {sorted(unknown)}."
        )
    with tables.replace_contents(replaced):
        for member in reader.manifest.tables:
            with reader.open_member("table", member) as rows:
                tables.copy_in(member, rows)
    tables.set_sequences(reader.manifest.sequences)
    ContentType.objects.clear_cache()  # their ids may have changed


def _replay_and_requeue(
    erasures: list[erasure_log.Erasure], old_version: int
) -> erasure_replay.ReplayedErasures:
    """Queue interrupted jobs again, invalidate cached pages of the empty site, and replay the erasures.

    Newsletters that were being sent stop: their mails may have been sent after the backup. An editor can
    continue them. For the same reason mails to followers are left out, except those whose time was set before
    the backup and is still to come. One that had not been sent is missing then, and its updates are unread
    on the site.
    """
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(
        status=TaskResultStatus.READY, started_at=None
    )
    stop_all()
    skip_mails_after_restore()
    Site.objects.filter(version__lte=old_version).update(version=old_version)
    increment_site_version()
    return erasure_replay.replay_erasures(erasures)


def _check_is_empty() -> None:
    """Raise BackupError if the database has any data."""
    if data := existing_data():
        raise BackupError(
            f"This site is not empty: it has {data}. Restore into a database without tables, or into a new "
            "data folder (SOUNDOFF_HOME)."
        )


def existing_data() -> str:
    """Return the first kind of data in this database, such as "stories (3)", or "" if it is empty."""
    existing_tables = set(connection.introspection.table_names())
    for table, label in MUST_BE_EMPTY.items():
        if table not in existing_tables:
            continue
        if count := fetch_value(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT 1000) x"):
            return f"{label} ({count})" if count < 1000 else f"{label} (1,000 or more)"
    return ""


def _images_to_restore(manifest: Manifest, *, keep_images: bool) -> list[BackupMember]:
    """Return the images of the backup that the storage lacks. Raises BackupError if it has others.

    Their names are digests, so a file of the same name is the same. Images of another site would be deleted
    later, since no row names them.
    """
    existing = {file.name: file for file in files.storage().list_files(MEDIA) if "/." not in file.name}
    if not existing:
        return manifest.media
    location = files.storage().describe_location(MEDIA)
    if not keep_images:
        raise BackupError(
            f"This site is not empty: {location} has files. Move them away. If this site has lost only its "
            "database, restore with --keep-images instead."
        )
    names = {f"{MEDIA}/{member.name}" for member in manifest.media}
    if any(name not in names and file.modified < manifest.at for name, file in existing.items()):
        raise BackupError(
            f"{location} has files that are older than the backup and not in it, so they are of another site."
        )
    if irregular := [name for name, file in existing.items() if not file.is_regular]:  # root follows no link
        raise BackupError(f"{files.storage().describe_location(irregular[0])} is no regular file. Delete it.")
    return [member for member in manifest.media if f"{MEDIA}/{member.name}" not in existing]


def _check_free_space(media: list[BackupMember]) -> None:
    """Raise BackupError if these images do not fit on the disk of the data folder."""
    if files.storage().is_shared:
        return
    needed, folder = sum(member.size for member in media), files.storage().path("")
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(f"The media need {megabytes(needed)}, and {folder} has {megabytes(free)} left.")


def _media(reader: BackupReader, members: list[BackupMember]) -> "_FolderMedia | _SharedStorageMedia":
    if files.storage().is_shared:
        return _SharedStorageMedia(reader, members)
    return _FolderMedia(reader, members)


class _SharedStorageMedia:
    """Store media before the commit, and delete them if it fails. A bucket can't rename files."""

    def __init__(self, reader: BackupReader, members: list[BackupMember]) -> None:
        self.reader = reader
        self.members = members
        self.saved: list[str] = []

    def __enter__(self) -> "_SharedStorageMedia":
        return self

    def put_in_place(self) -> None:
        """Store the files."""
        for member in self.members:
            self.saved.append(f"{MEDIA}/{member.name}")
            with self.reader.open_member("media", member) as data:
                content = b"".join(iter(partial(data.read, CHUNK), b""))
            files.save(self.saved[-1], content)

    def __exit__(self, failure: object, *args: object) -> None:
        for name in self.saved if failure else ():
            files.storage().delete(name)


class _FolderMedia:
    """Unpack media into a staging folder, move them into place before the commit, remove them if it fails."""

    def __init__(self, reader: BackupReader, members: list[BackupMember]) -> None:
        self.reader = reader
        self.members = members
        self.root = Path(files.storage().path(MEDIA))
        self.staging = self.root / ".restoring"
        self.placed: list[Path] = []

    def __enter__(self) -> "_FolderMedia":
        if self.members:
            self.root.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(self.staging, ignore_errors=True)  # left by a restore that was killed
            self.staging.mkdir(mode=0o700)
            try:
                for member in self.members:
                    self._unpack(member)
            except BaseException:
                shutil.rmtree(self.staging, ignore_errors=True)
                raise
        return self

    def put_in_place(self) -> None:
        """Move the unpacked files into media/."""
        if self.members:
            os.sync()  # one fsync for each file would take much longer
            for member in self.members:
                path = self.root / member.name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.placed.append((self.staging / member.name).rename(path))
            self._change_owner()

    def __exit__(self, failure: object, *args: object) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        for path in self.placed if failure else ():
            path.unlink()

    def _unpack(self, member: BackupMember) -> None:
        path = self.staging / member.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.reader.open_member("media", member) as data, path.open("xb") as file:
            shutil.copyfileobj(data, file, CHUNK)

    def _change_owner(self) -> None:
        """Give the files and their folders to the user that runs the site, if this process is root."""
        if user := unprivileged_user():
            folders = {folder for path in self.placed for folder in path.relative_to(self.root).parents}
            for path in (*self.placed, *(self.root / folder for folder in folders)):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _nodes(migrations: dict[str, list[str]]) -> set[Node]:
    """Return the migrations as (app, name) pairs."""
    return {(app, name) for app, names in migrations.items() for name in names}


def _dotted(nodes: Iterable[Node]) -> list[str]:
    """Return the migrations as sorted "app.name" strings."""
    return sorted(".".join(node) for node in nodes)


def describe(result: RestoreResult) -> Iterator[str]:
    """Yield the lines of the result for a terminal."""
    yield f"Restored as of {result.manifest.at:%Y-%m-%d %H:%M} UTC: {result.manifest.summary}."
    if result.has_erasures:
        yield f"Erasures after the backup were repeated. {result.replayed.summary}"
    else:
        yield (
            "There was no list of erasures, or it was empty: what was permanently deleted or restricted "
            "after the backup is back. If you have the erasures.jsonl of the original site, run manage.py "
            "replay_erasures FILE now."
        )
    yield (
        "Everything else is as it was at that time. What was removed, corrected or unpublished later must be "
        "done again by hand. Sessions are not in a backup: people log in again."
    )
    yield "Next, run manage.py check_integrity. If the site is running, restart it: it has cached old ids."
