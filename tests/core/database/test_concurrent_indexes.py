"""A migration that builds an index while others write into its table."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import OperationalError, connection, models
from django.db.migrations.state import ModelState, ProjectState

from core.database import concurrent_indexes
from core.database.concurrent_indexes import AddIndexConcurrently
from core.database.sql import execute, fetch_rows, fetch_value
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = AddIndexConcurrently("row", models.Index(fields=["number"], name="row_number"))


@pytest.fixture
def state(transactional_db: None) -> Iterator[ProjectState]:
    """Return the state of one table with three rows, which is there until the test ends."""
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True)), ("number", models.IntegerField())]
    state.add_model(ModelState("core", "row", fields))
    table = state.apps.get_model("core", "row")
    with connection.schema_editor() as editor:
        editor.create_model(table)
    execute("INSERT INTO core_row (number) VALUES (1), (2), (3)")
    yield state
    execute("DROP TABLE core_row")


@pytest.fixture
def other(state: ProjectState) -> Iterator[Any]:
    """Return the cursor of another connection, in a transaction that has written into the table."""
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        cursor = other.cursor()
        cursor.execute("INSERT INTO core_row (number) VALUES (4)")
        yield cursor


def build(state: ProjectState) -> None:
    with connection.schema_editor(atomic=False) as editor:
        INDEX.database_forwards("core", editor, state, state)


def validity() -> list[tuple[bool]]:
    """Return whether Postgres uses the index, or nothing if there is none."""
    return fetch_rows("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('row_number')")


def test_others_write_while_an_index_waits_for_an_open_transaction(state: ProjectState, other: Any) -> None:
    errors = []

    def migrate() -> None:
        try:
            build(state)
        except Exception as error:  # any exception: the test names it
            errors.append(error)
        finally:
            connection.close()

    migration = threading.Thread(target=migrate)
    migration.start()
    wait_for_a_lock()
    execute("SET lock_timeout = '1s'")
    try:
        execute("INSERT INTO core_row (number) VALUES (5)")
    finally:
        execute("RESET lock_timeout")
    assert validity() == [(False,)], "it is not built yet"
    other.connection.commit()
    migration.join(PATIENCE)
    assert (errors, validity()) == ([], [(True,)])


def test_an_interrupted_index_is_built_again(
    state: ProjectState, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = fetch_value("SHOW lock_timeout")
    with monkeypatch.context() as patch:
        patch.setattr(concurrent_indexes, "LOCK_TIMEOUT_SECONDS", 1)
        with pytest.raises(OperationalError, match="lock timeout"):
            build(state)
    assert validity() == [(False,)]
    assert fetch_value("SHOW lock_timeout") == earlier
    other.connection.commit()
    build(state)
    assert validity() == [(True,)]


def test_a_complete_index_is_kept_if_only_its_record_is_missing(state: ProjectState) -> None:
    build(state)
    first = fetch_value("SELECT to_regclass('row_number')::oid")
    build(state)
    assert fetch_value("SELECT to_regclass('row_number')::oid") == first
