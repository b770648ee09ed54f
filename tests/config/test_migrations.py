import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid
from django.core.management import call_command
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelTable,
    CreateModel,
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
from core.database.concurrent_indexes import AddIndexConcurrently
from core.database.independent_operations import IndependentOperations
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
# A site has fewer rows in comments_follow than comments, texts and log entries. The others have some dozens,
# and their indexes are not changed.
SMALL_TABLES = [
    *["comments.0040_decision_mails: AddConstraint follow"] * 3,
    "comments.0042_apostrophe_in_labels: AlterField removalreason.code",
    "moderation.0044_job_name_of_restricted_comments: AlterField jobrun.name",
]
INDEX = re.compile(r"\b(CREATE (UNIQUE )?INDEX|ADD CONSTRAINT|ADD CHECK)\b", re.IGNORECASE)
REMOVAL = re.compile(r"\b(DROP (TABLE|COLUMN)|RENAME)\b", re.IGNORECASE)


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)


def test_every_migration_is_atomic_or_builds_one_index() -> None:
    """Every migration runs in one transaction, so a failed upgrade leaves no half of it.

    The building of an index while the site goes on can't: if it fails, the next upgrade begins it again.
    """
    loader = MigrationLoader(None)
    assert loader.disk_migrations
    others = [one for one in loader.disk_migrations.values() if not one.atomic]
    assert [type(operation) for one in others for operation in one.operations] == [
        AddIndexConcurrently for _ in others
    ]


def test_migrations_build_no_index_of_an_existing_table_in_a_transaction() -> None:
    """Nobody could write into the table meanwhile: for 13 s with 10,000,000 comments."""
    found = [text for one in since_rule() for text in locking_operations(one)]
    assert found == SMALL_TABLES


def test_migrations_only_add_or_remove_what_is_unused_since_a_named_version() -> None:
    """Servers of the previous version go on meanwhile (CONTRIBUTING.md, "Add a table or a column")."""
    assert [text for one in since_rule() for text in breaking_operations(one)] == []

    before = [one for one in ours() if one.name[:4] <= LAST_WITHOUT_RULE[one.app_label]]
    found = {text for one in before for text in breaking_operations(one)}
    assert "comments.0016_plain_names: RenameField removalreason.told" in found, "that the test finds them"


def ours() -> list[Migration]:
    """Return the migrations of this project in the order in which they are applied."""
    graph = MigrationLoader(None).graph
    nodes = dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf))
    return [graph.nodes[node] for node in nodes if node[0] in OURS]


def since_rule() -> list[Migration]:
    return [one for one in ours() if one.name[:4] > LAST_WITHOUT_RULE[one.app_label]]


def locking_operations(migration: Migration) -> Iterator[str]:
    """Yield the operations that read a whole table of an earlier migration while nobody may write into it."""
    created = {
        operation.name_lower for operation in migration.operations if isinstance(operation, CreateModel)
    }
    for operation in database_operations(migration.operations):
        locks = isinstance(operation, (AddIndex, AddConstraint))
        locks = locks and not isinstance(operation, (AddIndexConcurrently, AddConstraintNotValid))
        if isinstance(operation, (AddField, AlterField)) and not operation.field.many_to_many:
            field = operation.field
            locks = field.unique or field.db_index or getattr(field, "db_constraint", False)
        if isinstance(operation, RunSQL):
            locks = bool(INDEX.search(str(operation.sql)))
        if locks and getattr(operation, "model_name", "").lower() not in created:
            yield describe(migration, operation)


def breaking_operations(migration: Migration) -> Iterator[str]:
    """Yield the operations after which a server of the previous version would fail.

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
            yield describe(migration, operation)


def describe(migration: Migration, operation: Any) -> str:
    names = (getattr(operation, name, "") for name in ("model_name", "old_name", "name"))
    what = ".".join(dict.fromkeys(filter(None, names)))
    return f"{migration}: {type(operation).__name__} {what}".strip()


def database_operations(operations: list[Any]) -> Iterator[Any]:
    """Yield the operations that change the database."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        elif isinstance(operation, IndependentOperations):
            yield from database_operations(list(operation.operations))
        else:
            yield operation
