"""Operations for migrations that protect tables: append-only logs, and permissions of the web login."""

from typing import Any

from django.conf import settings
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# comments/migrations/0002 creates the function append_only.
ADD_TRIGGERS = """
CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""
DROP_TRIGGERS = "DROP TRIGGER {name}_no_truncate ON {table}; DROP TRIGGER {name}_append_only ON {table}"

# accounts/migrations/0006 creates the function dated_now.
ADD_DATE_TRIGGER = """
CREATE TRIGGER {name}_dated_now AFTER INSERT ON {table} REFERENCING NEW TABLE AS lines
  FOR EACH STATEMENT EXECUTE FUNCTION dated_now()"""


def append_only(table: str, name: str) -> list[Operation]:
    """Refuse updates and deletions in this table, with triggers whose names begin with `name`.

    If the web login is not the owner of the tables, it keeps only the right to insert.
    """
    names = {"table": table, "name": name}
    return [
        migrations.RunSQL(ADD_TRIGGERS.format(**names), DROP_TRIGGERS.format(**names)),
        RestrictWebLogin(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {{web}}"),
    ]


def dated_now(table: str, name: str) -> Operation:
    """Refuse a row whose `at` is not the time of the statement that inserts it."""
    names = {"table": table, "name": name}
    return migrations.RunSQL(ADD_DATE_TRIGGER.format(**names), f"DROP TRIGGER {name}_dated_now ON {table}")


class RestrictWebLogin(Operation):
    """Run statements, with {web} for the web login, if that is not the owner of the tables.

    For a RunPython, Django would build all models again, which these statements do not need.
    """

    reduces_to_sql = False

    def __init__(self, *statements: str) -> None:
        self.statements = statements

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = %s AND rolname <> current_user",
                [settings.DATABASE_WEB_USER],
            )
            if row := cursor.fetchone():
                for statement in self.statements:
                    cursor.execute(statement.format(web=schema_editor.quote_name(row[0])))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Leave the privileges as they are."""
