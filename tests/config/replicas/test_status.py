"""The replicas on System status and in the metrics."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from articles.models import Article
from config.owner.system_status import read_replicas
from config.page_cache.application import PageCacheApp
from core.database import replicas
from core.database.replicas import (
    POSITION_SQL,
    Replica,
)
from tests.config.replicas.conftest import early, primary_url
from tests.factories import make_comment
from tests.helpers.postgres.database import superuser
from tests.helpers.postgres.standby import Standby
from tests.helpers.waiting import until
from tests.helpers.wsgi_requests import send_request


def test_the_owner_sees_how_far_each_replica_is(
    replica: Replica,
    standby: Standby,
    article: Article,
    ada: User,
    client: Client,
    settings: Any,
) -> None:
    client.force_login(ada)

    def status() -> str:
        page = client.get("/owner/status/").content.decode().replace("\xa0", " ")
        found = re.search(r"<dt>Read replica</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
        assert found
        return " ".join(found[1].split())

    standby.catch_up()
    assert status() == f"{replica.name}: up to date"
    with standby.paused():
        make_comment(article, "Another boat.")
        assert re.fullmatch(rf"{replica.name}: \d.*B of changes behind", status())
    standby.stop()
    try:
        assert "No such file or directory" in status()
        assert not replica.wait_for(early())
        assert re.search(rf"^{replica.name}: left out since \S.*, because .*No such file", status())
    finally:
        standby.start()
    settings.DATABASE_REPLICA_URLS = [primary_url()]
    replicas.replicas.cache_clear()
    assert status().endswith(": not a replica of the primary at the moment")


def test_prometheus_sees_how_far_each_replica_is(
    site: PageCacheApp, replica: Replica, standby: Standby, article: Article, client: Client, settings: Any
) -> None:
    settings.METRICS_TOKEN = "a token that is long enough"

    def sample(name: str) -> float | None:
        page = client.get("/metrics", headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"}).content
        for family in text_string_to_metric_families(page.decode()):
            for found in family.samples:
                if found.name == name and found.labels == {"replica": replica.name}:
                    return found.value
        return None

    made = sample("soundoff_replica_pages_total")
    assert made is not None
    standby.catch_up()
    send_request(site, "/feed/")
    assert sample("soundoff_replica_pages_total") == made + 1
    assert sample("soundoff_replica_left_out") == 0
    with standby.paused():
        make_comment(article, "Another boat.")
        lag = sample("soundoff_replica_lag_bytes")
        assert lag is not None
        assert lag > 0
    standby.stop()
    try:
        assert sample("soundoff_replica_left_out") == 1
        assert sample("soundoff_replica_lag_bytes") is None
    finally:
        standby.start()


def test_a_server_in_recovery_shows_no_lag(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        for key in ("HOST", "PORT"):
            patch.setitem(connection.settings_dict, key, replica.settings[key])
        connection.close()
        [found] = read_replicas()
    connection.close()
    assert found.lag is None
    assert "no primary" in found.error


def test_the_owner_sees_the_replicas_of_the_primary(standby: Standby, ada: User, client: Client) -> None:
    client.force_login(ada)

    def status() -> str:
        page = client.get("/owner/status/").content.decode()
        found = re.search(r"<dt>Streaming replica</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
        assert found
        return " ".join(found[1].split())

    until(lambda: standby.ask("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    assert status() == "walreceiver: connected (a database login with pg_read_all_stats sees more)"
    user = connection.settings_dict["USER"]
    with superuser() as server:
        server.execute(f"GRANT pg_read_all_stats TO {user}")
        try:
            assert re.fullmatch(r"walreceiver: asynchronous, last answer \d+ s ago", status())
        finally:
            server.execute(f"REVOKE pg_read_all_stats FROM {user}")


def test_the_owner_sees_how_many_requests_wait_for_a_synchronous_replica(
    article: Article, ada: User, client: Client
) -> None:
    client.force_login(ada)

    def wait_is_shown() -> bool:
        page = " ".join(client.get("/owner/status/").content.decode().split())
        return "1 request waits until the synchronous replica has stored what was written." in page

    stop = Event()

    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
            while not stop.is_set():  # until one waits: the server reads its new setting at some time
                cursor.execute("UPDATE articles_article SET title = 'Written'")
        connection.close()

    assert not wait_is_shown()
    with superuser() as server, ThreadPoolExecutor() as pool:
        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'another'")
        server.execute("SELECT pg_reload_conf()")
        try:
            writing = pool.submit(write)
            until(wait_is_shown)
            assert not writing.done()
        finally:
            stop.set()
            server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            server.execute("SELECT pg_reload_conf()")
        writing.result()
    assert not wait_is_shown()


def test_a_server_that_is_no_primary_has_no_position(standby: Standby) -> None:
    assert standby.ask(f"SELECT {POSITION_SQL}") is None
