"""Bring a backup into a site in which nothing is yet."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.db.utils import IntegrityError
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import erasure_log
from archive.backup import tables
from archive.backup.container import (
    CHUNK,
    BackupRefused,
    Manifest,
    Part,
    Reader,
    first_line,
    open_backup,
    shorten_names,
)
from archive.backup.write import applied_migrations, media_folder, megabytes
from articles.models import Site
from articles.site.cached_pages import withhold
from core import VERSION, backup_folder
from core.data_folder import unprivileged_user
from moderation.erasure import replay

# Where one of these has a row, somebody has begun something here.
NOT_EMPTY = {
    "articles_article": "stories",
    "comments_comment": "comments",
    "accounts_user": "accounts",
    "accounts_guest": "guests",
}


@dataclass(frozen=True)
class RestoreResult:
    manifest: Manifest
    replayed: replay.Replayed
    has_list: bool  # of erasures: without one nobody knows what came after the backup


def restore(path: Path, *, erased: Path | None = None) -> RestoreResult:
    """All of the file, in one transaction, or nothing. Raises Refused with the sentence that says why.

    `erased`: a list of what was deleted for good or sealed (accounts/erasure_log.py), beside the one in the
    data folder. What is on them and in the backup is deleted or sealed again before anybody can read it.

    The login must own the tables. Where the backup is of an earlier version its rows come into tables as they
    were then, which are migrated afterwards, and only then the erasures are done again.
    """
    known = _read_erasures(erased)
    with open_backup(path) as reader:
        later = _compare_migrations(reader)
        _refuse_if_not_empty()
        _check_free_space(reader.manifest)
        try:
            _prepare_tables(reader.manifest)
            with _Media(reader) as put_in_place, transaction.atomic(durable=True):
                before = _lock_tables()
                _fill_tables(reader)
                replayed = replay.Replayed()
                if not later:
                    replayed = _finish(known, before)
                put_in_place()
                if later:  # what was erased since stands in it, until that is done again
                    backup_folder.unfinished().write_text(reader.manifest.told, "utf-8")
            if later:
                _bring_up_to_date(reader.manifest)
                with transaction.atomic(durable=True):
                    replayed = _finish(known, before)
                backup_folder.unfinished().unlink(missing_ok=True)
        except IntegrityError as error:
            raise BackupRefused(f"The backup contradicts itself: {first_line(error)}.") from error
        except DatabaseError as error:
            said = str(error)
            is_barred = "permission denied" in said or "must be owner" in said
            hint = " It wants the login that owns the tables: DATABASE_OWNER_URL." if is_barred else ""
            raise BackupRefused(
                f"Nothing was restored: the database says “{first_line(error)}”.{hint}"
            ) from error
        except OSError as error:
            raise BackupRefused(f"Nothing was restored: {error.strerror or error}.") from error
    withhold()
    tables.analyze_tables()
    if erased:
        with suppress(OSError):
            replay.note_missing(known)
    return RestoreResult(reader.manifest, replayed, bool(known))


def _read_erasures(erased: Path | None) -> list[erasure_log.Erasure]:
    found: list[erasure_log.Erasure] = []
    try:
        if erasure_log.path().exists():
            found += erasure_log.read(erasure_log.path())
        if erased:
            found += erasure_log.read(erased)
    except OSError as error:
        raise BackupRefused(f"{error.filename} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise BackupRefused(str(error)) from error
    return found


def _compare_migrations(reader: Reader) -> list[str]:
    """Those that this version has and the backup has not. Raises Refused."""
    name, told = reader.path.name, _nodes(reader.manifest.migrations)
    made_by = reader.manifest.program or "unknown"
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    if lacking := _dotted(told - known):
        raise BackupRefused(
            f"{name} was made by a later version of Soundoff ({made_by}): it has "
            f"{shorten_names(lacking)}, which this version ({VERSION}) lacks. Restore it with the one that made it."
        )
    missing = _dotted(known - told)
    if missing and _nodes(applied_migrations()) - told:
        raise BackupRefused(
            f"{name} was made by an earlier version, before {shorten_names(missing)}, and this database has the "
            "tables of a later one already. Restore it into a database without tables (or a new data folder, "
            "SOUNDOFF_HOME): it is brought up to date there."
        )
    return missing


def _prepare_tables(manifest: Manifest) -> None:
    """The tables as they were when the backup was made: of this version, or of an earlier one."""
    told, applied = _nodes(manifest.migrations), _nodes(applied_migrations())
    if told == applied:
        return
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    # The last ones of each app: to name others would mean to go back to them.
    leaves = [
        node
        for node in sorted(told - applied)
        if not any(child.key[0] == node[0] and child.key in told for child in graph.node_map[node].children)
    ]
    executor.migrate(leaves)


def _bring_up_to_date(manifest: Manifest) -> None:
    try:
        call_command("migrate", verbosity=0)
    except Exception as error:  # whatever it was: a migration may run anything
        raise BackupRefused(
            f"All of the backup came in, but it can't be brought up to date: {first_line(error)}. Restore "
            f"it into another empty database with the version that made it ({manifest.program or 'unknown'})."
        ) from error


def _lock_tables() -> int:
    """The version of the site that was here. Whoever signs up at this moment waits, or was first."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(NOT_EMPTY)} IN ACCESS EXCLUSIVE MODE")
        _refuse_if_not_empty()
        cursor.execute("SELECT version FROM articles_site")
        row = cursor.fetchone()
    return row[0] if row else 0


def _fill_tables(reader: Reader) -> None:
    tables.set_value_format()
    here = tables.table_columns()
    emptied = [name for name in here if name != "django_migrations"]
    told = {part.name: sorted(part.columns) for part in reader.manifest.tables}
    expected = {name: sorted(here[name]) for name in here if name not in tables.EXCLUDED_TABLES}
    if told != expected:
        names = sorted(name for name in told.keys() | expected.keys() if told.get(name) != expected.get(name))
        raise BackupRefused(
            f"{reader.path.name} has other tables than its migrations make: {', '.join(names)}."
        )
    if unknown := set(reader.manifest.sequences) ^ set(tables.read_sequences()):
        raise BackupRefused(
            f"{reader.path.name} has other sequences than its migrations make: {sorted(unknown)}."
        )
    with tables.replace_contents(emptied):
        for part in reader.manifest.tables:
            with reader.part("table", part) as rows:
                tables.copy_in(part, rows)
    tables.set_sequences(reader.manifest.sequences)
    ContentType.objects.clear_cache()  # whose numbers may be others


def _finish(known: list[erasure_log.Erasure], before: int) -> replay.Replayed:
    """What can't be as it was: jobs that were under way are queued again, pages that were kept of the empty
    site are true no more, and what was erased since is erased again."""
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(
        status=TaskResultStatus.READY, started_at=None
    )
    Site.objects.filter(version__lte=before).update(version=before)
    Site.objects.update(version=F("version") + 1)
    return replay.replay(known)


def _refuse_if_not_empty() -> None:
    if found := existing_data():
        raise BackupRefused(
            f"This site is not empty: it has {found}. Restore into a database without tables, or into a new "
            "data folder (SOUNDOFF_HOME)."
        )
    if any(not path.name.startswith(".") for path in media_folder().glob("*")):
        raise BackupRefused(f"This site is not empty: {media_folder()} has files. Move them away first.")


def existing_data() -> str:
    """What somebody has begun in this database, such as "stories (3)"; nothing where nobody has."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for table, what in NOT_EMPTY.items():
            if table not in there:
                continue
            cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT 1000) x")
            if count := cursor.fetchone()[0]:
                return f"{what} ({count})" if count < 1000 else f"{what} (1,000 or more)"
    return ""


def _check_free_space(manifest: Manifest) -> None:
    need, folder = sum(part.size for part in manifest.media), media_folder().parent
    free = shutil.disk_usage(folder).free
    if free < need:
        raise BackupRefused(f"The media need {megabytes(need)}, and {folder} has {megabytes(free)} left.")


class _Media:
    """Media are unpacked beside the others, put in place before the commit, and taken away if it fails."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.root = media_folder()
        self.aside = self.root / ".restoring"
        self.placed: list[Path] = []

    def __enter__(self) -> "_Media":
        if self.reader.manifest.media:
            self.root.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(self.aside, ignore_errors=True)  # of a restore that was killed
            self.aside.mkdir(mode=0o700)
            try:
                for part in self.reader.manifest.media:
                    self._unpack(part)
            except BaseException:
                shutil.rmtree(self.aside, ignore_errors=True)
                raise
        return self

    def __call__(self) -> None:
        if self.reader.manifest.media:
            self._give_away()
            os.sync()  # one by one would take a disk's turn for each file
            for path in sorted(self.aside.iterdir()):
                self.placed.append(path.rename(self.root / path.name))

    def __exit__(self, failure: object, *args: object) -> None:
        shutil.rmtree(self.aside, ignore_errors=True)
        for path in self.placed if failure else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _unpack(self, part: Part) -> None:
        path = self.aside / part.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.reader.part("media", part) as data, path.open("xb") as file:
            while chunk := data.read(CHUNK):
                file.write(chunk)

    def _give_away(self) -> None:
        """To the user as whom the site runs, where we are root."""
        if user := unprivileged_user():
            for path in (self.root, self.aside, *self.aside.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _nodes(migrations: dict[str, list[str]]) -> set[tuple[str, str]]:
    return {(app, name) for app, names in migrations.items() for name in names}


def _dotted(nodes: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(".".join(node) for node in nodes)


def describe(done: RestoreResult) -> Iterator[str]:
    yield f"Restored as it was at {done.manifest.at:%Y-%m-%d %H:%M} UTC: {done.manifest.told}."
    if done.has_list:
        yield f"Done again of what came after. {done.replayed.told}"
    else:
        yield (
            "No list of erasures was there, or nothing is on it: what was deleted for good or sealed after "
            "that moment is back. If you have the erasures.jsonl of the site that was, now: manage.py "
            "replay_erasures FILE."
        )
    yield (
        "All else is as it was at that moment: what was removed, corrected or taken back later is to be done "
        "again by hand. Sessions are not in it: people log in again."
    )
    yield "Next: manage.py check_integrity; and if the site runs, start it anew, as it knows old numbers."
