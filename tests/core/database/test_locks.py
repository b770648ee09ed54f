"""Locks that are held while a job runs."""

import pytest
from django.db import connection

from core.database.locks import is_held, try_lock

NAMESPACE = 0x50D0  # used by these tests only

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lock_is_held_by_one_and_ends_with_its_block() -> None:
    with try_lock(NAMESPACE, "a") as first, try_lock(NAMESPACE, "a") as second:
        assert (first, second) == (True, False)
        with try_lock(NAMESPACE, "b") as other:
            assert other
    with try_lock(NAMESPACE, "a") as again:
        assert again


def test_a_lock_ends_with_its_block_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), try_lock(NAMESPACE, "a"):
        raise ZeroDivisionError
    with try_lock(NAMESPACE, "a") as again:
        assert again


@pytest.mark.parametrize("name", ["a", "b", "Notify followers"])  # with hashes of both signs
def test_whether_a_lock_is_held(name: str) -> None:
    assert not is_held(NAMESPACE, name)
    with try_lock(NAMESPACE, name):
        assert is_held(NAMESPACE, name)
        assert not is_held(NAMESPACE, "another")
        assert not is_held(NAMESPACE + 1, name)


def test_a_held_lock_does_not_hold_up_vacuum() -> None:
    """VACUUM keeps the rows that a transaction with a `backend_xmin` may still read."""
    with try_lock(NAMESPACE, "a"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, backend_xmin, backend_xid FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND classid = %s",
            [NAMESPACE],
        )
        assert cursor.fetchall() == [("idle in transaction", None, None)]
