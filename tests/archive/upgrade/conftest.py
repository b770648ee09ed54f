"""Each test of this package has a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Index

from core.database.concurrent_indexes import AddIndexConcurrently

Upgrade = Callable[..., str]


@contextmanager
def database(name: str, template: str) -> Iterator[None]:
    """Create a database as a copy of `template` and use it within the block."""
    was = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = was
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def tables() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def migrated(transactional_db: None) -> Iterator[str]:
    """Use a copy of the test database, and return the name of the test database, which stays empty."""
    migrated = connection.settings_dict["NAME"]
    with database("soundoff_upgraded", migrated):
        yield migrated


@pytest.fixture
def later(settings: Any) -> Callable[[], None]:
    """Return a function that turns the program into a later version with one more migration."""

    def install() -> None:
        settings.MIGRATION_MODULES = {"archive": "tests.archive.upgrade.later"}

    return install


@pytest.fixture
def later_with_index(later: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn the program into a later version whose migration builds an index of the imports."""
    migration = import_module("tests.archive.upgrade.later.0990_next").Migration
    index = AddIndexConcurrently("import", Index(fields=["at"], name="import_later"))
    monkeypatch.setattr(migration, "operations", [index])
    monkeypatch.setattr(migration, "atomic", False)
    later()


@pytest.fixture
def writer(migrated: str) -> Iterator[Any]:
    """Return another connection, in a transaction that writes into the imports."""
    with closing(connection.copy()) as writer:
        writer.set_autocommit(False)
        writer.cursor().execute("LOCK TABLE archive_import IN ROW EXCLUSIVE MODE")
        yield writer


@pytest.fixture
def upgrade(capsys: pytest.CaptureFixture[str]) -> Upgrade:
    def run(**options: Any) -> str:
        call_command("upgrade", **options)
        return capsys.readouterr().out

    return run
