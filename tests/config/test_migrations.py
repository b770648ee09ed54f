import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations import (
    AddField,
    AlterModelTable,
    DeleteModel,
    Migration,
    RemoveField,
    RenameField,
    RenameModel,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from core.data_folder import PROJECT
from core.database.migration_state import OURS

# The last migrations of the time before servers of two versions were meant to run at once.
LAST_WITHOUT_RULE = {
    "accounts": "0012",
    "archive": "0004",
    "articles": "0027",
    "comments": "0036",
    "config": "0002",
    "moderation": "0043",
}
REMOVAL = re.compile(r"\b(DROP (TABLE|COLUMN)|RENAME)\b", re.IGNORECASE)


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)


def test_every_migration_is_atomic() -> None:
    """Every migration runs in one transaction, so a failed upgrade leaves no half of it."""
    loader = MigrationLoader(None)
    assert loader.disk_migrations
    assert [str(one) for one in loader.disk_migrations.values() if not one.atomic] == []


def test_migrations_only_add_or_remove_what_is_unused_since_a_named_version() -> None:
    """Servers of the version before go on meanwhile (CONTRIBUTING.md, "Add a table or a column")."""
    all_of_them = MigrationLoader(None).disk_migrations
    ours = [one for (app, _name), one in all_of_them.items() if app in OURS]
    before = [one for one in ours if one.name[:4] <= LAST_WITHOUT_RULE[one.app_label]]
    assert [text for one in ours if one not in before for text in breaking_operations(one)] == []

    found = {text for one in before for text in breaking_operations(one)}
    assert "comments.0016_plain_names: RenameField removalreason.told" in found, "that the test finds them"


def breaking_operations(migration: Migration) -> Iterator[str]:
    """Yield the operations after which a server of the version before would fail.

    A migration may remove what no server uses any more since the released version that it names in
    `unused_since`.
    """
    released = re.findall(r"^## (\d+\.\d+) ", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if getattr(migration, "unused_since", "") in released:
        return
    for operation in database_operations(migration.operations):
        is_breaking = isinstance(
            operation, (AlterModelTable, DeleteModel, RemoveField, RenameField, RenameModel)
        )
        if isinstance(operation, AddField):
            field = operation.field
            has_value = field.null or field.many_to_many or field.db_default is not NOT_PROVIDED
            is_breaking = not has_value
        if isinstance(operation, RunSQL):
            is_breaking = bool(REMOVAL.search(str(operation.sql)))
        if is_breaking:
            names = (getattr(operation, name, "") for name in ("model_name", "old_name", "name"))
            what = ".".join(dict.fromkeys(filter(None, names)))
            yield f"{migration}: {type(operation).__name__} {what}".strip()


def database_operations(operations: list[Any]) -> Iterator[Any]:
    """Yield the operations that change the database."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        else:
            yield operation
