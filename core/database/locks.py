"""Locks that are held while something runs that has transactions of its own, such as a scheduled job."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from django.db import Error, connection

from core.database.sql import fetch_value

# A server may be set to end a transaction that does nothing for minutes.
_TAKE = """
SELECT set_config('idle_in_transaction_session_timeout', '0', true),
       pg_try_advisory_xact_lock(%s, hashtext(%s))"""
_IS_HELD = """
SELECT EXISTS (
  SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE datname = current_database() AND locktype = 'advisory' AND classid = %s
    AND objid = (hashtext(%s)::bigint & 4294967295)::oid AND objsubid = 2)"""


@contextmanager
def try_lock(namespace: int, name: str) -> Iterator[bool]:
    """Hold an advisory lock while the block runs. Yields False if another process holds it.

    The lock belongs to a transaction on a connection of its own, so it also works behind a pool in
    transaction mode, and ends if the process does, though a statement of that process may still run on the
    server. The transaction reads nothing, so VACUUM does not wait.
    """
    with closing(connection.copy()) as own:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute(_TAKE, [namespace, name])
            is_ours = bool(cursor.fetchone()[1])
        try:
            yield is_ours
        finally:
            with suppress(Error):  # if the connection is lost, the lock is, too
                own.rollback()  # waits until the lock is released, as closing does not


def is_held(namespace: int, name: str) -> bool:
    """Return whether any process holds this lock."""
    return bool(fetch_value(_IS_HELD, [namespace, name]))
