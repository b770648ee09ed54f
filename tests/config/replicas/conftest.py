"""A real streaming replica of the tests' server, and a site that uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from psycopg2.extensions import set_wait_callback
from pytest_django import DjangoDbBlocker

from articles.models import Article
from config.page_cache.application import PageCacheApp
from config.page_cache.stamp_reader import limit_django_waits
from core.database import replicas
from core.database.replicas import (
    Position,
    Replica,
)
from core.monitoring.metrics import REGISTRY, REPLICA_PAGES
from tests.factories import make_article, make_comment
from tests.helpers.postgres.standby import Standby, make_url, running_standby


@pytest.fixture(scope="package")
def standby(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Standby]:
    end_at_once = "max_standby_streaming_delay=0"  # ends transactions that conflict with the replay
    with django_db_blocker.unblock(), running_standby(primary_url(), end_at_once) as running:
        yield running


def primary_url() -> str:
    return make_url(*(connection.settings_dict[key] for key in ("HOST", "USER", "NAME")))


@pytest.fixture
def replica(standby: Standby, transactional_db: None, settings: Any) -> Iterator[Replica]:
    """Use the replica as DATABASE_REPLICA_URLS. It has replayed what the test begins with."""
    settings.DATABASE_REPLICA_URLS = [standby.url]
    replicas.replicas.cache_clear()
    REPLICA_PAGES.clear()
    yield replicas.replicas()[0]
    for found in replicas.replicas():
        found._connection().close()
    replicas.replicas.cache_clear()


@contextmanager
def paused_replay(standby: Standby) -> Iterator[None]:
    """Let the replica replay nothing during the block. No page waits for it."""
    with standby.paused(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicas, "CATCH_UP_SECONDS", 0)
        yield


def pages_of(replica: Replica) -> float | None:
    """Return the number of pages that the replica has made in this test."""
    return REGISTRY.get_sample_value("soundoff_replica_pages_total", {"replica": replica.name})


def early(**changes: Any) -> Position:
    """Return a position of this moment up to which every replica has replayed."""
    position = replicas.read_position()
    assert position
    vars(position).update({"lsn": "0/0"} | changes)
    return position


@pytest.fixture
def article(replica: Replica, standby: Standby, policy_without_moderation: None) -> Article:
    made = make_article()
    make_comment(made, "The first boat.")
    standby.catch_up()
    return made


@pytest.fixture
def site(article: Article, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageCacheApp]:
    # On a busy machine the replay takes longer than a page should wait for it.
    monkeypatch.setattr(replicas, "CATCH_UP_SECONDS", replicas.MAX_CLOCK_LEAD_SECONDS)
    made = PageCacheApp(WSGIHandler())
    yield made
    made.close()


@pytest.fixture
def waits_limited(site: PageCacheApp) -> Iterator[None]:
    limit_django_waits(site.stamp_reader)
    yield
    set_wait_callback(None)
