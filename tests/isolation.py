"""Time limits of tests, and clean-up after them, so that no failure affects the next test.

Loaded with `-p tests.isolation`. A test that exceeds its limit (pytest-timeout; `timeout` in pyproject.toml,
or its own mark) is ended in three steps:

1. pytest-timeout prints the stacks of all threads and raises in the test. That does not reach a test which
   waits inside libpq, nor the threads that a test waits for.
2. A few seconds later the connections to the test database are ended, so that threads that wait continue.
3. A test that still hangs is ended with its process, by the C thread of `faulthandler`, with another stack
   dump. pytest-xdist then starts another worker, reports this one test as failed, and goes on.
"""

import faulthandler
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from django.db import connection
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from pytest_django.plugin import blocking_manager_key

from tests.helpers.postgres.database import restore_rows, superuser
from tests.helpers.waiting import PATIENCE

EXCEPTION_SECONDS = 3  # seconds after the limit, until which the exception alone should have ended the test
AFTER_FAILURE = 2  # seconds for requests and threads of a failed test to end
SESSION = 900  # seconds for each fixture of the session, such as the database
ENDED = 90  # seconds after the limit, at which the process is ended

_failed = pytest.StashKey[bool]()
_item = pytest.StashKey[pytest.Item]()
_settings = pytest.StashKey[Any]()
_usual = pytest.StashKey[Any]()
_watchdog = pytest.StashKey[threading.Timer]()


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Iterator[None]:
    """Prepare the second and the third step beside the first one, which is pytest-timeout's."""
    item.session.stash[_item] = item
    item.stash[_settings] = settings
    item.stash[_watchdog] = watchdog = threading.Timer(settings.timeout + EXCEPTION_SECONDS, end_connections)
    watchdog.daemon = True
    watchdog.start()
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(settings.timeout + ENDED, exit=True, file=stderr)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> Iterator[None]:
    if watchdog := item.stash.get(_watchdog, None):
        watchdog.cancel()
        watchdog.join(20)
    faulthandler.cancel_dump_traceback_later()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a fixture of the session its own limit: cut short, it would fail every test that follows."""
    if fixturedef.scope != "session":
        return (yield)
    _change_limit(request, SESSION)
    try:
        return (yield)
    finally:
        _change_limit(request)


def _change_limit(request: pytest.FixtureRequest, seconds: float | None = None) -> None:
    """Give the test that runs now so many seconds from now on, or once more what it had."""
    if (item := request.session.stash.get(_item, None)) and (settings := item.stash.get(_settings, None)):
        usual = item.stash.setdefault(_usual, settings)
        item.config.hook.pytest_timeout_cancel_timer(item=item)
        settings = usual._replace(timeout=seconds or usual.timeout)
        item.config.hook.pytest_timeout_set_timer(item=item, settings=settings)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """After a failure, give the teardown its own time limit, and end what the test left behind."""
    if has_failed(item) and (settings := item.stash.get(_settings, None)):
        # The report of the failure has cancelled the limit.
        item.config.hook.pytest_timeout_set_timer(item=item, settings=settings)
    try:
        result = yield
    except BaseException:
        with item.config.stash[blocking_manager_key].unblock():
            end_transactions()
            if _is_transactional(item):  # the clean-up may not have come so far
                restore_rows()
        raise
    if has_failed(item):
        end_transactions()
    return result


def has_failed(item: pytest.Item) -> bool:
    """Return whether a phase of this test has failed so far."""
    return item.stash.get(_failed, False)


def leave_no_transaction(item: pytest.Item, cursor: Any) -> None:
    """End what would keep the tables of a transactional test from being emptied.

    `cursor` is a superuser's. The live server may still answer what a page asked for as it was closed: that
    is waited for. A transaction that stays open fails the test, unless it has failed already.
    """
    _close_own_connection(even_if_idle=has_failed(item))
    # Several checks after a browser test, because a page may send a last request as it is closed.
    calm = 3 if "live_server" in item.fixturenames else 1
    if _wait_for_transactions(cursor, AFTER_FAILURE if has_failed(item) else PATIENCE, calm):
        return
    statements = end_transactions()
    _wait_for_transactions(cursor, AFTER_FAILURE, calm)
    if not has_failed(item):
        pytest.fail(f"The test left transactions open, which were ended: {statements}")


def _wait_for_transactions(cursor: Any, seconds: float, calm: int) -> bool:
    """Wait until nobody else has a transaction open on the test database, and no request is being answered.

    `calm` is how often in a row, 50 ms apart, that must be so. Return whether it became so in time.
    """
    deadline, seen = time.monotonic() + seconds, 0
    while True:
        cursor.execute(f"SELECT {_IN_TRANSACTION}", [_database(), _own_process()])
        seen = 0 if cursor.rowcount or _requests() else seen + 1
        if seen >= calm or time.monotonic() > deadline:
            return seen >= calm
        time.sleep(0.05)


def end_transactions() -> list[str]:
    """End every transaction that is open on the test database. Return the last statements of others' ones."""
    _close_own_connection()
    with superuser() as cursor:
        cursor.execute(
            f"SELECT query, pg_terminate_backend(pid, 5000) {_IN_TRANSACTION}", [_database(), _own_process()]
        )
        return [query for query, _ in cursor.fetchall()]


def end_connections() -> None:
    """End every connection to the test database, whatever thread has opened it."""
    with superuser() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [_database()]
        )


_IN_TRANSACTION = """FROM pg_stat_activity
WHERE datname = %s AND pid <> %s AND backend_type = 'client backend' AND state <> 'idle'"""


def _is_transactional(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    names = {"transactional_db", "live_server"}
    return bool(mark and mark.kwargs.get("transaction")) or not names.isdisjoint(item.fixturenames)


def _requests() -> list[threading.Thread]:
    """Return the threads in which the live server answers."""
    return [thread for thread in threading.enumerate() if "process_request_thread" in thread.name]


def _close_own_connection(*, even_if_idle: bool = True) -> None:
    """Close the connection of this thread, also inside atomic blocks whose `__exit__` was never reached."""
    raw = connection.connection
    if raw is None:
        return
    if even_if_idle or raw.closed or raw.info.transaction_status != TRANSACTION_STATUS_IDLE:
        connection.in_atomic_block = connection.closed_in_transaction = False
        connection.close()


def _own_process() -> int:
    raw = connection.connection
    return 0 if raw is None else raw.info.backend_pid


def _database() -> str:
    return connection.settings_dict["NAME"]
