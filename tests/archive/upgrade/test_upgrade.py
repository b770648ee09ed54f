"""The command upgrade: first a backup, then the migrations, and what happens if one fails."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations import RunPython, RunSQL

from archive.backup.container import open_backup
from core import backup_folder
from core.database.migration_state import later_migrations, unapplied_migrations
from tests.archive.upgrade.conftest import Upgrade, tables
from tests.factories import make_article, make_comment
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db(transaction=True)


def upgrade_backups() -> list[Path]:
    return sorted(data_path("backups").glob("upgrade-*.zip"))


def test_no_migration_is_pending(upgrade: Upgrade) -> None:
    make_article()
    assert upgrade() == "The database is up to date.\n"
    assert upgrade_backups() == []


def test_the_first_start_speaks_of_no_indexes(upgrade: Upgrade, later_with_index: None) -> None:
    """Its migrations build some, too, but nobody uses the site yet."""
    assert upgrade() == "The database is up to date. Migrations applied: 1.\n"


def test_an_empty_site_needs_no_backup(upgrade: Upgrade, later: Callable[[], None]) -> None:
    later()
    assert "Migrations applied: 1" in upgrade()
    assert upgrade_backups() == []


def test_a_backup_comes_first(upgrade: Upgrade, later: Callable[[], None]) -> None:
    make_comment(make_article(), "A word.")
    later()
    assert unapplied_migrations() == ["archive.0990_next"]
    output = upgrade()
    (file,) = upgrade_backups()
    assert str(file) in output
    assert file.stat().st_mode & 0o777 == 0o600
    last = backup_folder.last_backup()
    assert last
    assert last.file == file
    with open_backup(file) as reader:
        assert reader.manifest.counts["comments"] == 1
        assert "0990_next" not in reader.manifest.migrations["archive"]
    assert unapplied_migrations() == []
    assert "archive_next" in tables()


def test_the_last_three_are_kept(upgrade: Upgrade, later: Callable[[], None]) -> None:
    make_article()
    data_path("backups").mkdir()
    other = data_path("backups/by-hand.zip")
    for name in (
        "upgrade-20250101T000000Z.zip",
        "upgrade-20250102T000000Z.zip",
        "upgrade-20250103T000000Z.zip",
    ):
        (data_path("backups") / name).touch()
    other.touch()
    later()
    upgrade()
    assert [path.name for path in upgrade_backups()][:2] == [
        "upgrade-20250102T000000Z.zip",
        "upgrade-20250103T000000Z.zip",
    ]
    assert len(upgrade_backups()) == 3
    assert other.exists()


def test_a_failed_migration_is_rolled_back(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    later()
    migration = import_module("tests.archive.upgrade.later.0990_next").Migration
    with monkeypatch.context() as patch:
        broken = [RunSQL("CREATE TABLE archive_half ()"), RunSQL("SELECT 1 / 0")]
        patch.setattr(migration, "operations", broken)
        with pytest.raises(CommandError) as failed:
            upgrade()
    (file,) = upgrade_backups()
    for part in (
        "The migration archive.0990_next failed and was rolled back: division by zero.",
        "0 of 1 migrations were applied",
        "run manage.py upgrade to continue",
        f"restore {file} into an empty database or a new data folder",
    ):
        assert part in str(failed.value)
    assert "archive_half" not in tables()
    assert unapplied_migrations() == ["archive.0990_next"], "upon which serve does not start"
    assert "Migrations applied: 1" in upgrade()


def test_a_lost_database_is_named_with_the_backup(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_article()
    later()
    migration = import_module("tests.archive.upgrade.later.0990_next").Migration
    with monkeypatch.context() as patch:

        def lose(apps: object, editor: object) -> None:
            patch.setitem(connection.settings_dict, "HOST", str(tmp_path))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        patch.setattr(migration, "operations", [RunPython(lose)])
        with pytest.raises(
            CommandError, match=r"The upgrade failed \(.*\), and the database does not answer: "
        ) as failed:
            upgrade()
    (file,) = upgrade_backups()
    assert "It is unknown how many migrations were applied" in str(failed.value)
    assert f"restore {file} into an empty database" in str(failed.value)


def test_without_a_backup_nothing_is_upgraded(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    later()
    full = type("Usage", (), {"free": 10})
    with monkeypatch.context() as patch:
        patch.setattr("archive.backup.write.shutil.disk_usage", lambda path: full)
        with pytest.raises(CommandError, match=r"Nothing was upgraded.*it may take .* MB.*--without-backup"):
            upgrade()
        assert unapplied_migrations() == ["archive.0990_next"]
        assert "Migrations applied: 1" in upgrade(without_backup=True)
    assert upgrade_backups() == []


def test_an_earlier_version_refuses_a_later_database(
    upgrade: Upgrade, later: Callable[[], None], settings: Any
) -> None:
    make_article()
    later()
    upgrade()
    settings.MIGRATION_MODULES = {}
    assert later_migrations() == ["archive.0990_next"]
    with pytest.raises(
        CommandError, match=r"upgraded by a later version of Soundoff .archive.0990_next.*the backup"
    ):
        upgrade()
