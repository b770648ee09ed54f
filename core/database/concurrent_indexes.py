"""An operation for migrations that builds an index of a large table while the site goes on."""

from typing import Any

from django.contrib.postgres import operations
from django.db.migrations.state import ProjectState

from core.database.sql import execute, fetch_value, lock_timeout

# Postgres waits for each transaction that began earlier, such as that of a backup. Readers and writers do not
# wait meanwhile; only ANALYZE, VACUUM and changes of the table do.
LOCK_TIMEOUT_SECONDS = 600


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Build an index while others write into its table, and build it again if that was interrupted.

    It can't run in a transaction, so it is the only operation of its migration, which has `atomic = False`.
    An interruption leaves an index that may be written and is never read; the next run drops it.
    Raises OperationalError if a transaction lasts longer than LOCK_TIMEOUT_SECONDS.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build the index unless an earlier run completed it."""
        self._ensure_not_in_transaction(schema_editor)
        name = schema_editor.quote_name(self.index.name)
        with lock_timeout(LOCK_TIMEOUT_SECONDS):
            is_valid = fetch_value(
                "SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s))", [name]
            )
            if is_valid:
                return
            if is_valid is False:
                execute(f"DROP INDEX CONCURRENTLY {name}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)
