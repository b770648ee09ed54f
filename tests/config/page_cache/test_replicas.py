"""Pages that a real streaming replica makes, and those that it must not make."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from psycopg2.extensions import set_wait_callback
from pytest_django import DjangoDbBlocker

from accounts.models import User
from articles.models import Article, Topic
from bench.fixture import session_cookie
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from comments.views import front_page
from config.owner.system_status import read_replicas
from config.page_cache.application import PING, PageCacheApp
from config.page_cache.stamp_reader import limit_django_waits
from core.database import replicas
from core.database.replicas import (
    FAILED_KEY,
    POSITION_KEY,
    POSITION_SQL,
    Position,
    Replica,
    read_from_replica,
)
from core.monitoring.metrics import REGISTRY, REPLICA_PAGES
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.database import superuser
from tests.helpers.standby import Standby, make_url, running_standby
from tests.helpers.waiting import until
from tests.helpers.wsgi_requests import is_cached, send_request, send_through_event_loop


@pytest.fixture(scope="module")
def standby(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Standby]:
    end_at_once = "max_standby_streaming_delay=0"  # a transaction that is in the way of the replay
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
def site(article: Article) -> Iterator[PageCacheApp]:
    made = PageCacheApp(WSGIHandler())
    yield made
    made.close()


@pytest.fixture
def waits_limited(site: PageCacheApp) -> Iterator[None]:
    limit_django_waits(site.stamp_reader)
    yield
    set_wait_callback(None)


def test_a_story_is_read_from_the_replica(site: PageCacheApp, replica: Replica, story: str) -> None:
    page = send_request(site, story)
    assert "The first boat." in page.text
    assert is_cached(page)
    assert pages_of(replica) == 1
    assert send_request(site, story).body == page.body
    assert send_through_event_loop(site, story).body == page.body
    assert pages_of(replica) == 1  # it came from memory


def test_a_page_is_the_same_from_both(
    site: PageCacheApp, other: PageCacheApp, replica: Replica, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_replica = send_request(site, f"{story}?order=newest")
    assert pages_of(replica) == 1
    monkeypatch.setattr(replica, "failed_at", timezone.now())
    from_primary = send_request(other, f"{story}?order=newest")
    assert pages_of(replica) == 1
    assert from_replica.body == from_primary.body
    assert from_replica.headers == from_primary.headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/feed/",
        "/topics/boats/",
        "/sitemap.xml",
        "/search/?q=boat",
        "{story}find/?q=boat",
        "{story}feed/",
        "{story}version/",
        "{story}comments/{comment}/?after=0",
        "/privacy/",
    ],
)
def test_pages_for_strangers_are_read_from_the_replica(
    path: str, site: PageCacheApp, replica: Replica, standby: Standby, article: Article, story: str
) -> None:
    article.topics.add(Topic.objects.create(name="Boats", slug="boats"))
    standby.catch_up()
    path = path.format(story=story, comment=Comment.objects.get().pk)
    assert send_request(site, path).status in {200, 404}
    assert pages_of(replica) == (0 if "after=0" in path else 1)
    assert replica.failed_at is None


def test_what_was_written_is_shown_at_once(site: PageCacheApp, article: Article, story: str) -> None:
    for n in range(20):
        make_comment(article, f"Boat number {n}.")
        assert f"Boat number {n}." in send_request(site, f"{story}?order=newest").text


def test_a_removed_comment_is_gone_while_nothing_is_replayed(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    with standby.paused():
        change_states(ids=[Comment.objects.get().pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)
        for path in (story, "/search/?q=boat", f"{story}feed/"):
            assert "The first boat." not in send_request(site, path).text
        assert pages_of(replica) == 0
        assert replica.behind_since
        assert replica.failed_at is None
        assert standby.ask("SELECT state FROM comments_comment") == State.PUBLISHED
    standby.catch_up()
    assert "The first boat." not in send_request(site, f"{story}?order=newest").text
    assert pages_of(replica) == 1
    assert replica.behind_since is None


def test_a_page_that_the_event_loop_found_outdated_comes_from_the_replica(
    site: PageCacheApp, replica: Replica, standby: Standby, article: Article, story: str
) -> None:
    send_request(site, story)
    make_comment(article, "The second boat.")
    standby.catch_up()
    assert "The second boat." in send_through_event_loop(site, story).text
    assert pages_of(replica) == 2
    with standby.paused():
        make_comment(article, "The third boat.")
        assert "The third boat." in send_through_event_loop(site, story).text
    assert pages_of(replica) == 2


def test_a_comment_removed_while_a_request_waits_for_a_thread_is_gone(
    site: PageCacheApp, standby: Standby, article: Article, story: str
) -> None:
    removed = Comment.objects.get().pk
    send_request(site, story)
    make_comment(article, "The second boat.")
    standby.catch_up()
    with ExitStack() as stack:

        def remove() -> None:
            stack.enter_context(standby.paused())
            change_states(ids=[removed], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)

        page = send_through_event_loop(site, story, before_thread=remove).text
    assert "The second boat." in page
    assert "The first boat." not in page


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
            primary.execute("UPDATE articles_site SET version = version + 1")
            primary.execute("VACUUM articles_site")
            until(lambda: standby.ask("SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts"))

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


def test_members_posts_and_forms_never_touch_the_replica(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    member = session_cookie(UserFactory.create())
    comment = Comment.objects.get().pk
    standby.stop()  # whoever asks it finds out
    try:
        for path in ("/", story, "/search/?q=boat", f"{story}find/?q=boat", "/account/comments/"):
            assert send_request(site, path, Cookie=member).status == 200
        assert send_request(site, f"{story}reply/").status == 200
        assert send_request(site, f"{story}reply/{comment}/", "POST", b"body=Kept").status == 403
        assert send_request(site, "/search/?q=boat", "POST", b"q=boat").status in {403, 405}
        assert send_request(site, "/search/?q=boat", Authorization="Basic YTpi").status == 200
    finally:
        standby.start()
    assert replica.failed_at is None


def test_nothing_can_be_written_on_a_replica(replica: Replica, article: Article, rf: RequestFactory) -> None:
    @read_from_replica
    def view(request: HttpRequest) -> HttpResponse:
        Article.objects.update(title="Written")
        return HttpResponse("written")

    request = rf.get("/")
    request.META[POSITION_KEY] = early()
    assert view(request).content == b""
    assert request.META[FAILED_KEY]
    assert replica.failed_at is None
    assert pages_of(replica) == 0
    assert replica.wait_for(early())
    assert view(rf.get("/")).content == b"written"


def test_a_transaction_of_a_replica_is_one_snapshot_that_only_reads(replica: Replica) -> None:
    assert replica.wait_for(early())
    with replica.read(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_is_in_recovery(), current_setting('transaction_isolation'), "
            "current_setting('transaction_read_only'), current_setting('TimeZone')"
        )
        assert cursor.fetchone() == (True, "repeatable read", "on", "UTC")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchone() == (False,)


def test_a_replica_of_another_timeline_is_behind(replica: Replica) -> None:
    assert not replica.wait_for(early(timeline=2))
    assert replica.wait_for(early())
    assert replica.behind_since is None


def test_a_replica_with_another_time_is_behind(replica: Replica) -> None:
    now = early().at
    assert not replica.wait_for(early(at=now + 60))
    assert replica.wait_for(early())
    assert not replica.wait_for(early(at=now - 60))  # it would show stories too early


def test_a_replica_of_another_primary_makes_no_page(
    site: PageCacheApp, standby: Standby, replica: Replica
) -> None:
    system = standby.ask("SELECT system_identifier FROM pg_control_system()")
    assert str(site.stamp_reader.read(PING)[-1]).endswith(f" {system}")
    assert early().system == system
    other = early(system=system + 1)
    assert not replica.wait_for(other)
    assert replica.lag(other) is None
    assert replica.wait_for(early())
    assert replica.lag(early()) == 0


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


def test_connections_have_the_time_outs_of_the_primary(replica: Replica) -> None:
    options = replica.settings["OPTIONS"]
    assert django_settings.DATABASE_TIMEOUTS.items() <= options.items()
    assert replica.settings["CONN_MAX_AGE"] == connection.settings_dict["CONN_MAX_AGE"]
