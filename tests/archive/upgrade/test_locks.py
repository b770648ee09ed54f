"""An upgrade beside other programs that use the database."""

import os
import signal
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

import archive.upgrade
from archive.backup.container import BackupError
from core.database import concurrent_indexes
from core.database.migration_state import unapplied_migrations
from tests.archive.upgrade.conftest import Upgrade
from tests.factories import make_article
from tests.helpers.waiting import wait_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_migration_gives_way_to_a_program_that_uses_its_table(
    later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise pages would wait behind it, for instance until a backup is complete."""
    later()
    monkeypatch.setattr(archive.upgrade, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(archive.upgrade, "RETRY_PAUSE_SECONDS", 0)
    other = connection.copy()
    output = []

    def report(line: str) -> None:
        output.append(line)
        other.rollback()

    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE django_migrations IN SHARE MODE")  # others may read it
        archive.upgrade.upgrade(report=report)
    finally:
        other.close()
    assert output == [
        "Another program uses the database. Trying again in 0 s …",
        "The database is up to date. Migrations applied: 1.",
    ]
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("1min",), "that of the tests"


def test_an_index_that_was_not_completed_is_named_and_built_by_the_next_upgrade(
    upgrade: Upgrade, later_with_index: None, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    monkeypatch.setattr(concurrent_indexes, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(archive.upgrade, "RETRY_PAUSE_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(archive.upgrade, "MAX_RETRY_SECONDS", 0)
        with pytest.raises(CommandError, match="failed, and its index may be incomplete"):
            upgrade()
    output = []

    def report(line: str) -> None:
        output.append(line)
        if line.startswith("Another program"):
            writer.rollback()

    archive.upgrade.upgrade(report=report, without_backup=True)
    assert output[0].startswith("Building indexes while the site goes on.")
    assert output[1:] == [
        "Another program uses the database. Trying again in 0 s …",
        "The database is up to date. Migrations applied: 1.",
    ]


def test_ctrl_c_ends_the_wait_for_an_index(later_with_index: None, writer: Any) -> None:
    def interrupt() -> None:
        wait_for_a_lock()
        connection.close()
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of a test run ignore it
    interrupting = Thread(target=interrupt)
    interrupting.start()
    try:
        with pytest.raises(BackupError, match="canceling statement due to user request"):
            archive.upgrade.upgrade(report=lambda line: None, without_backup=True)
        interrupting.join()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert unapplied_migrations() == ["archive.0990_next"]


def test_concurrent_upgrades_run_one_after_the_other(upgrade: Upgrade, later: Callable[[], None]) -> None:
    later()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext('upgrade'))", [0x50DB])
    try:
        with pytest.raises(CommandError, match="Another upgrade"):
            upgrade()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext('upgrade'))", [0x50DB])
    finally:
        other.close()
    assert "Migrations applied: 1" in upgrade()
