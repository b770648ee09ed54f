"""The migrations that the database has, compared with those of this program."""

from collections.abc import Iterable

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from core.data_folder import StartupError

Node = tuple[str, str]  # app label and name

OURS = {"config", "accounts", "articles", "comments", "moderation", "archive"}

# Completes a sentence about a database or a backup.
TOO_OLD = "of a version before 0.6. Upgrade it with version 0.6 of Soundoff first"


def program_migrations() -> dict[Node, Migration]:
    """Return the migrations of this program and its packages."""
    loader = MigrationLoader(None, load=False)  # no graph: their dependencies are not needed
    loader.load_disk()
    return loader.disk_migrations


def applied_migrations() -> set[Node]:
    """Return the applied migrations, as `squashed` names them."""
    return squashed(MigrationRecorder(connection).applied_migrations())


def squashed(names: Iterable[Node]) -> set[Node]:
    """Put each squashed migration in place of those that it replaces, if all of them are there."""
    found = set(names)
    for node, migration in program_migrations().items():
        if migration.replaces and found.issuperset(migration.replaces):
            found = (found - set(migration.replaces)) | {node}
    return found


def replaced_migrations() -> set[Node]:
    """Return the migrations that this program has only as parts of squashed ones."""
    return {node for migration in program_migrations().values() for node in migration.replaces}


def later_migrations() -> list[str]:
    """Return the applied migrations that this program lacks: a later version upgraded the database.

    Raises StartupError if an earlier version did whose migrations this program no longer has.
    """
    unknown = {node for node in applied_migrations() - set(program_migrations()) if node[0] in OURS}
    if unknown & replaced_migrations():
        raise StartupError(f"The database is {TOO_OLD}.")
    return sorted(f"{app}.{name}" for app, name in unknown)


def unapplied_migrations() -> list[str]:
    """Return names such as "comments.0002_log", in the order in which `migrate` would apply them."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
