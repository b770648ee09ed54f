"""Waiting for conditions, with a deadline that a busy machine can meet."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

# Seconds. A deadline that only guards against hanging: no test fails because the machine is slow.
PATIENCE = 120
# The deadline of each action in a browser, where a missing element is the usual failure.
BROWSER_PATIENCE = 30


def until(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Wait until `condition()` is true, and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds} s: {condition}"
        time.sleep(0.02)
    return value


def wait_for_a_lock() -> None:
    """Return once a transaction waits for a lock that another one holds."""
    until(is_a_lock_waited_for)


def is_a_lock_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
