"""Rows that all tests of a module begin with. Each worker makes them before its first test of the module."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.helpers.postgres.database import rolled_back

Made = TypeVar("Made")


class SharedRows(Generic[Made]):
    """What `make` returned, and the connection with the transaction in which it made its rows."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self.make = make
        self.made = make()
        self.raw = connection.connection

    def get(self) -> Made:
        """Return a copy for one test, whose own transaction is a savepoint.

        A failed test closes the connection (tests/isolation.py). Those after it make rows of their own.
        """
        if connection.connection is not self.raw:
            return self.make()
        assert connection.savepoint_ids, "a transactional test would change the rows for the next tests"
        return copy.deepcopy(self.made)


@contextmanager
def shared_rows(blocker: DjangoDbBlocker, make: Callable[[], Made]) -> Iterator[SharedRows[Made]]:
    """Make rows in a transaction that is rolled back at the end. Use it in a fixture of scope "module".

    All tests of the module that use the database must use the fixture, because they see the rows. pytest ends
    the fixture before a test of another module, also if workers share the module.
    """
    with blocker.unblock(), rolled_back():
        yield SharedRows(make)
