"""Replicas that fail, freeze or conflict with the replay while they make pages."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import OperationalError, connection

from comments.views import front_page
from config.page_cache.application import PageCacheApp
from core.database.replicas import (
    Replica,
)
from tests.config.replicas.conftest import pages_of
from tests.helpers.postgres.database import superuser
from tests.helpers.postgres.standby import Standby
from tests.helpers.waiting import until
from tests.helpers.wsgi_requests import is_cached, send_request


def test_a_dead_replica_is_left_out_and_used_again(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    send_request(site, "/feed/")
    assert pages_of(replica) == 1
    standby.stop()
    try:
        assert send_request(site, story).status == 200
        assert replica.failed_at
        assert replica.error
        assert send_request(site, "/").status == 200
    finally:
        standby.start()
    assert pages_of(replica) == 1
    until(lambda: replica.failed_at is None)  # the site's own thread tries it
    assert send_request(site, "/sitemap.xml").status == 200
    assert pages_of(replica) == 2


def test_a_frozen_replica_is_left_out(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str, waits_limited: None
) -> None:
    send_request(site, "/feed/")
    with standby.frozen():
        assert send_request(site, story).status == 200
        assert replica.error == "no answer in 1 s"
        replica._retry_at = 0
        replica.try_again()
        assert replica.failed_at
    assert pages_of(replica) == 1


def test_pages_are_confirmed_while_a_replica_does_not_answer(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    replica.settings["OPTIONS"]["connect_timeout"] = 600
    send_request(site, story)
    [(_key, entry)] = site.entries.items()
    with standby.frozen():
        replica.leave_out(OperationalError("It failed."))
        replica._retry_at = 0
        for _ in range(3):
            before = entry.confirmed_at
            until(lambda before=before: entry.confirmed_at > before)
        assert replica.failed_at


def test_a_replica_that_freezes_during_a_page_is_left_out(
    site: PageCacheApp,
    replica: Replica,
    standby: Standby,
    waits_limited: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        hold_front_page(monkeypatch, lambda: stack.enter_context(standby.frozen()))
        assert "The slip" in send_request(site, "/").text
        assert replica.error == "no answer in 3 s"


def test_a_conflict_with_the_replay_is_not_seen(
    site: PageCacheApp,
    replica: Replica,
    standby: Standby,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with superuser(connection.settings_dict["NAME"]) as primary:

        def remove_rows() -> None:
            page_process = connection.connection.info.backend_pid
            primary.execute("UPDATE articles_site SET version = version + 1")

            def page_is_cancelled() -> bool:
                primary.execute("VACUUM articles_site")
                running = standby.ask(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {page_process}")
                return running == 0

            until(page_is_cancelled)

        hold_front_page(monkeypatch, remove_rows)
        page = send_request(site, "/")
    assert page.status == 200
    assert is_cached(page)
    assert "A page failed on the replica" in caplog.text
    assert "Traceback" not in caplog.text
    assert pages_of(replica) == 0
    assert replica.failed_at is None
    assert send_request(site, "/feed/").status == 200
    assert pages_of(replica) == 1


def test_a_replica_on_which_pages_fail_is_left_out(
    site: PageCacheApp, replica: Replica, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The function is a part of the page, and of every page on a replica whose disk is broken.
    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE 'could not read block 0' USING ERRCODE = 'io_error'; END $$")

    hold_front_page(monkeypatch, fail)
    assert "The slip" in send_request(site, "/").text
    assert pages_of(replica) == 0
    assert replica.failed_at
    assert "could not read block 0" in replica.error


def hold_front_page(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Call `act` once while the front page is made, after its first statement."""
    read, acts = front_page.read_list_page, [act]

    def act_and_read(*arguments: Any) -> Any:
        while acts:
            acts.pop()()
        return read(*arguments)

    monkeypatch.setattr(front_page, "read_list_page", act_and_read)
