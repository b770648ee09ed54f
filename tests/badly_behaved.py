"""Tests that fail and leave something behind, each followed by one that must pass: see test_isolation.py.

Not collected by itself, since its name does not begin with `test_`. The order of the tests matters.
"""

import ctypes
import threading
import time
from typing import Any

import psycopg2
import pytest
from django.db import connection
from playwright.sync_api import Page

from articles.models import Article, Site
from tests import isolation
from tests.factories import make_article

# Seconds as in tests/isolation.py, but fewer, as each is waited for.
isolation.EXCEPTION_SECONDS, isolation.AFTER_FAILURE, isolation.ENDED = 1, 1, 10

transactional = pytest.mark.django_db(transaction=True)
HANGS = pytest.mark.timeout(2)
HANGS_IN_A_BROWSER = pytest.mark.timeout(5)  # the browser has to start first
LOCK_SITE = "UPDATE articles_site SET version = version + 1"

left_open: list[Any] = []  # keeps connections from the garbage collector


def other_connection() -> Any:
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    left_open.append(raw := psycopg2.connect(**parameters))
    return raw


def check_next_test_is_untouched() -> None:
    assert not Article.objects.exists()
    make_article()
    Site.objects.update(name="Ours")


@transactional
def test_leaves_an_open_transaction_that_holds_the_site(transactional_db: None) -> None:
    make_article("Left behind")
    other_connection().cursor().execute(LOCK_SITE)
    pytest.fail("as meant")


@transactional
def test_passes_after_an_open_transaction(transactional_db: None) -> None:
    check_next_test_is_untouched()


@transactional
def test_leaves_an_aborted_transaction_that_holds_the_site(transactional_db: None) -> None:
    raw = other_connection()
    raw.cursor().execute(LOCK_SITE)
    raw.cursor().execute("SAVEPOINT before")
    raw.cursor().execute("SELECT 1 / 0")


@transactional
def test_passes_after_an_aborted_transaction(transactional_db: None) -> None:
    check_next_test_is_untouched()


@transactional
def test_leaves_its_own_transaction_open_and_aborted(transactional_db: None) -> None:
    make_article("Left behind")
    connection.set_autocommit(False)
    Site.objects.update(name="Theirs")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


@transactional
def test_passes_after_its_own_transaction(transactional_db: None) -> None:
    check_next_test_is_untouched()


@pytest.fixture
def breaks_in_its_setup(transactional_db: None) -> None:
    connection.set_autocommit(False)
    Site.objects.update(name="Theirs")
    raise RuntimeError("as meant")


def test_has_a_fixture_that_breaks_inside_a_transaction(breaks_in_its_setup: None) -> None:
    pass


@transactional
def test_passes_after_a_fixture(transactional_db: None) -> None:
    check_next_test_is_untouched()


@transactional
def test_passed_but_leaves_a_transaction_open(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.isolation.PATIENCE", 1)
    other_connection().cursor().execute(LOCK_SITE)


@transactional
def test_passes_after_one_that_passed(transactional_db: None) -> None:
    check_next_test_is_untouched()


@HANGS
def test_hangs_where_no_exception_reaches_it() -> None:
    """Wait twice for one mutex, with the interpreter's lock: only the end of the process helps."""
    library, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


@HANGS
@transactional
def test_hangs_in_libpq(transactional_db: None) -> None:
    make_article("Left behind")
    other_connection().cursor().execute(LOCK_SITE)
    Site.objects.update(name="Ours")


@transactional
def test_passes_after_a_hang_in_libpq(transactional_db: None) -> None:
    check_next_test_is_untouched()


@HANGS
@transactional
def test_hangs_in_a_thread_that_it_waits_for(transactional_db: None) -> None:
    other_connection().cursor().execute(LOCK_SITE)
    raw = other_connection()
    thread = threading.Thread(target=lambda: raw.cursor().execute(LOCK_SITE))
    thread.start()
    try:
        time.sleep(3600)
    finally:
        thread.join()


@transactional
def test_passes_after_a_hang_in_a_thread(transactional_db: None) -> None:
    check_next_test_is_untouched()


@transactional
@pytest.mark.browser
def test_passes_in_a_browser(page: Page, live_server: Any) -> None:
    check_next_test_is_untouched()
    assert page.goto(live_server.url).ok


@HANGS_IN_A_BROWSER
@transactional
@pytest.mark.browser
def test_hangs_in_a_browser(page: Page, live_server: Any) -> None:
    make_article("Left behind")
    page.goto(live_server.url)
    page.evaluate("new Promise(() => {})")


@transactional
@pytest.mark.browser
def test_passes_after_a_hang_in_a_browser(page: Page, live_server: Any) -> None:
    check_next_test_is_untouched()
    assert page.goto(live_server.url).ok


@HANGS_IN_A_BROWSER
@transactional
@pytest.mark.browser
def test_hangs_in_a_page_that_waits_for_the_site(page: Page, live_server: Any) -> None:
    make_article("Left behind")
    other_connection().cursor().execute("LOCK TABLE articles_site")
    page.goto(live_server.url, timeout=0)


@transactional
@pytest.mark.browser
def test_passes_after_a_page_that_waits(page: Page, live_server: Any) -> None:
    check_next_test_is_untouched()
    assert page.goto(live_server.url).ok
