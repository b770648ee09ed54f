"""Copy the rows of tables with Postgres' COPY.

The list of tables comes from the database and not from the models: before an upgrade the tables are still
those of the earlier version.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

from archive.backup.container import CHUNK, BackupError, BackupMember
from core.database.sql import execute, fetch_column, fetch_rows, fetch_value

# The tables that a backup leaves out, with the reasons.
EXCLUDED_TABLES = {
    "django_session": "people log in again after a restore",
    "usersessions_usersession": "they are about the sessions",
    "django_migrations": "the manifest lists the migrations",
    "config_cacheentry": "the cache, such as the counts of rate limits",
    "config_runningserver": "the servers that run now",
}
EXCLUDED_SEQUENCES = ("django_migrations_id_seq",)  # counts the rows that stay

# Ids that a restore skips. Links and addresses in mails sent after the backup contain ids of rows. If new
# rows got the same ids, the links would lead to rows of other people.
SKIPPED_IDS = 1_000_000

# Tables that the web login may read only through a function, which logs the reading. Before an upgrade the
# table has its earlier name; still earlier versions have no function.
_READ_FUNCTIONS = {
    "moderation_restrictedtext": "moderation_copy_restricted",
    "moderation_sealedtext": "moderation_copy_restricted",
}

# These settings make the format of values independent of the server and the login.
_VALUE_FORMAT = """
SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL client_encoding = 'UTF8';
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0"""

_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
GROUP BY c.relname ORDER BY c.relname"""

_SEQUENCES = "SELECT sequencename::text FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1"

# Each of these statements selects the table, the name and the definition of objects of some tables.
_IN_TABLES = "c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) ORDER BY 1, 2"
# The triggers of our migrations. Foreign keys have internal triggers, which are left out.
_TRIGGERS = f"""
SELECT c.relname, t.tgname, '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND {_IN_TABLES}"""
_FOREIGN_KEYS = f"""
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND {_IN_TABLES}"""
_INDEXES = f"""
SELECT c.relname, i.relname, pg_get_indexdef(i.oid)
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype <> 'f')
  AND {_IN_TABLES}"""


def table_columns() -> dict[str, list[str]]:
    """Return the columns to copy, by table: all but generated columns."""
    return {name: columns for name, columns in fetch_rows(_TABLES) if _is_ours(name)}


def read_sequences() -> dict[str, tuple[int, bool]]:
    """Return the last value of each sequence and whether it was used.

    Sequences do not belong to a snapshot. Read them after the rows, so that no row has a higher number.
    """
    names = filter(_is_ours, fetch_column(_SEQUENCES))
    return {name: fetch_rows(f"SELECT last_value, is_called FROM {_quoted(name)}")[0] for name in names}


def set_value_format() -> None:
    """Fix the format of values for the rest of the transaction."""
    execute(_VALUE_FORMAT)


def copy_out(name: str, columns: list[str], to: Any) -> int:
    """Copy the table to a file. Return the number of rows."""
    with connection.cursor() as cursor:
        column_list = ", ".join(map(_quoted, columns))
        rows = f"{_quoted(name)} ({column_list})"
        if name in _READ_FUNCTIONS:
            cursor.execute("SELECT to_regproc(%s) IS NOT NULL", [_READ_FUNCTIONS[name]])
            rows = f"(SELECT {column_list} FROM {_READ_FUNCTIONS[name]}())" if cursor.fetchone()[0] else rows
        cursor.cursor.copy_expert(f"COPY {rows} TO STDOUT", to)
        return int(cursor.rowcount)


def copy_in(member: BackupMember, rows: Any) -> None:
    """Copy rows into the table. Raises BackupError if their number is not that of the manifest."""
    with connection.cursor() as cursor:
        column_list = ", ".join(map(_quoted, member.columns))
        cursor.cursor.copy_expert(f"COPY {_quoted(member.name)} ({column_list}) FROM STDIN", rows, size=CHUNK)
        if cursor.rowcount != member.rows:
            raise BackupError(
                f"The table {member.name} has {member.rows:,} rows, but {cursor.rowcount:,} were read."
            )


@contextmanager
def replace_contents(tables: list[str]) -> Iterator[None]:
    """Empty these tables, and let the block fill them while their triggers are off.

    Runs in the caller's transaction. Foreign keys and indexes are dropped and created again at the end, which
    checks all rows at once: to check each row by itself took ten times as long.
    """
    triggers, foreign_keys, indexes = (
        fetch_rows(statement, [tables]) for statement in (_TRIGGERS, _FOREIGN_KEYS, _INDEXES)
    )
    for table, name, _ in triggers:
        execute(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER {_quoted(name)}")
    for table, name, _ in foreign_keys:
        execute(f"ALTER TABLE {_quoted(table)} DROP CONSTRAINT {_quoted(name)}")
    for _, name, _ in indexes:
        execute(f"DROP INDEX {_quoted(name)}")
    execute(f"TRUNCATE {', '.join(map(_quoted, tables))}")
    yield
    execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL maintenance_work_mem = '128MB'")
    for _, _, definition in indexes:
        execute(definition)
    for table, name, definition in foreign_keys:
        execute(f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(name)} {definition}")
    for table, name, _ in triggers:
        execute(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER {_quoted(name)}")
    # Erasures are replayed later in this transaction. They log the change of a role before they make it, so
    # the constraint trigger must wait for the commit.
    execute("SET CONSTRAINTS ALL DEFERRED")


def set_sequences(values: dict[str, tuple[int, bool]]) -> None:
    """Set the sequences to the values of a backup, plus SKIPPED_IDS, except those of tables that stay.

    ALTER SEQUENCE, unlike setval, is rolled back with the caller's transaction.
    """
    for name in values.keys() - set(EXCLUDED_SEQUENCES):
        last, is_called = values[name]
        following = int(last) + is_called + SKIPPED_IDS
        execute(f"ALTER SEQUENCE {_quoted(name)} RESTART WITH {following}")


def analyze_tables() -> None:
    """Analyze the tables: until autovacuum does it, the planner would guess."""
    for name in table_columns():
        execute(f"ANALYZE {_quoted(name)}")


def total_size() -> int:
    """Return the bytes of our tables without their indexes. A backup of them is smaller."""
    return int(
        fetch_value(
            "SELECT coalesce(sum(pg_table_size(c.oid)), 0) FROM pg_class c WHERE c.relkind = 'r' "
            "AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)",
            [list(table_columns())],
        )
    )


def _is_ours(name: str) -> bool:
    """Return whether the table is ours, by its prefix: this also finds tables that have no model any more."""
    return name.startswith(("django_", *(f"{app.label}_" for app in apps.get_app_configs())))


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))
