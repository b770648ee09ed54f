"""The test database: its superuser, and the rows of the migrations, which tests that commit get back.

Django's own clean-up (`flush`) empties these tables as well; making content types and permissions again and
repeating the data migrations took 0.25 s of processor time after each such test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

# The function runs as a superuser in the role of a replica, so no trigger of an append-only table refuses it.
#
# TRUNCATE makes new files for 72 tables and their indexes, in 50 ms of processor time. To delete the few rows
# of a test takes 10. But deleted rows stay in the files, and the planner goes by their size, from 10 pages,
# and by the statistics of ANALYZE. So TRUNCATE comes before there are more pages, and after such statistics.
_FUNCTION = """
CREATE FUNCTION initial.restore() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET session_replication_role = replica SET search_path = public AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE oid = ANY ('{{{tables}}}'::regclass[])
             AND (reltuples >= 0 OR pg_relation_size(oid) > 10 * 8192)) THEN
    TRUNCATE {tables};
  END IF;
  {statements}
END $$"""
_EMPTY = "IF EXISTS (SELECT FROM {table}) THEN DELETE FROM {table}; END IF;"
_RESTORE = """
  IF EXISTS ((TABLE {table} EXCEPT ALL TABLE initial.{table})
             UNION ALL (TABLE initial.{table} EXCEPT ALL TABLE {table})) THEN
    DELETE FROM {table};
    INSERT INTO {table} TABLE initial.{table};
  END IF;"""


def keep_rows() -> None:
    """Copy the rows that the tables have now, which `restore_rows` restores."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    statements = []
    with superuser(connection.settings_dict["NAME"]) as cursor:
        cursor.execute(f"CREATE SCHEMA initial; GRANT USAGE ON SCHEMA initial TO {_user()}")
        for table in tables:
            cursor.execute(f"CREATE TABLE initial.{table} AS TABLE {table}")
            if cursor.rowcount:
                statements.append(_RESTORE.format(table=table))
            else:
                cursor.execute(f"DROP TABLE initial.{table}")
                statements.append(_EMPTY.format(table=table))
        cursor.execute(_FUNCTION.format(tables=", ".join(tables), statements="\n  ".join(statements)))


def restore_rows() -> None:
    """Give all tables the rows again that they had at `keep_rows`, and no others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT initial.restore()")


@contextmanager
def superuser(database: str = "postgres") -> Iterator[Any]:
    """Yield a cursor of the throw-away server's superuser, who may do everything."""
    place = {key: connection.settings_dict[key.upper()] for key in ("host", "port")}
    raw = psycopg2.connect(dbname=database, user="postgres", connect_timeout=10, **place)
    raw.autocommit = True
    try:
        with raw.cursor() as cursor:
            yield cursor
    finally:
        raw.close()


def refuse_writes(table: str, event: str = "INSERT") -> None:
    """Let the database refuse new rows of a table, or another event, until the test's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER refused BEFORE {event} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_write('The disk is full.')"
        )


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what the block wrote. It may use durable transactions, as in a test."""
    atomics = TestCase._enter_atomics()
    raw = connection.connection
    try:
        yield
    finally:
        if connection.connection is raw:  # which is closed after a failed test (tests/isolation.py)
            TestCase._rollback_atomics(atomics)


def _user() -> str:
    return connection.settings_dict["USER"]


@contextmanager
def captured_statements() -> Iterator[list[str]]:
    """Record Django's queries, without those that begin and end the transaction."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [q["sql"] for q in captured if q["sql"] not in {"BEGIN", "COMMIT"}]
