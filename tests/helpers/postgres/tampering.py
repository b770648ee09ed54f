"""Changes that only the owner of the database can make, with triggers switched off."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

GUARDS = """
SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY 1, 2"""


@contextmanager
def triggers_disabled(only: str = "") -> Iterator[None]:
    """Disable all triggers, or only the one of this name, while the block runs."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(GUARDS)
        guards = [(table, name) for table, name in cursor.fetchall() if only in ("", name)]
        for table, name in guards:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        for table, name in guards:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def execute(statement: str, *values: object) -> None:
    """Execute a statement with all triggers disabled."""
    with triggers_disabled(), connection.cursor() as cursor:
        cursor.execute(statement, values)
