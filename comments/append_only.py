"""Logs: tables whose rows stay as they were written. For migrations."""

from typing import Any

from django.conf import settings
from django.db import migrations
from django.db.migrations.operations.base import Operation

# The function is a part of comments/migrations/0002.
KEEP = """
CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""
LET_GO = "DROP TRIGGER {name}_no_truncate ON {table}; DROP TRIGGER {name}_append_only ON {table}"


def append_only(table: str, name: str) -> list[Operation]:
    """What lets nobody change a row of this table or delete one, by triggers that are called after `name`.

    Where the pages have a login of their own, it may add to the log and no more.
    """

    def revoke(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = %s AND rolname <> current_user",
                [settings.DATABASE_WEB_USER],
            )
            if row := cursor.fetchone():
                web = schema_editor.quote_name(row[0])
                cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {web}")

    names = {"table": table, "name": name}
    return [
        migrations.RunSQL(KEEP.format(**names), LET_GO.format(**names)),
        migrations.RunPython(revoke, migrations.RunPython.noop),
    ]
