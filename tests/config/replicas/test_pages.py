"""Pages that a streaming replica makes, and those that it must not make."""

from contextlib import ExitStack

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from articles.models import Article, Topic
from bench.fixture import session_cookie
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from config.page_cache.application import PING, PageCacheApp
from core.database.replicas import (
    FAILED_KEY,
    POSITION_KEY,
    Replica,
    read_from_replica,
)
from tests.config.replicas.conftest import early, pages_of, paused_replay
from tests.factories import UserFactory, make_comment
from tests.helpers.postgres.standby import Standby
from tests.helpers.wsgi_requests import is_cached, send_request, send_through_event_loop


def test_a_story_is_read_from_the_replica(site: PageCacheApp, replica: Replica, story: str) -> None:
    page = send_request(site, story)
    assert "The first boat." in page.text
    assert is_cached(page)
    assert pages_of(replica) == 1
    assert send_request(site, story).body == page.body
    assert send_through_event_loop(site, story).body == page.body
    assert pages_of(replica) == 1  # the page came from memory


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
        "/privacy/",
    ],
)
def test_pages_for_strangers_are_read_from_the_replica(
    path: str, site: PageCacheApp, replica: Replica, standby: Standby, article: Article, story: str
) -> None:
    article.topics.add(Topic.objects.create(name="Boats", slug="boats"))
    standby.catch_up()
    assert send_request(site, path.format(story=story)).status == 200
    assert pages_of(replica) == 1
    assert replica.failed_at is None


def test_a_missing_page_is_not_counted_and_is_no_fault_of_the_replica(
    site: PageCacheApp, replica: Replica, story: str
) -> None:
    path = f"{story}comments/{Comment.objects.get().pk}/?after=0"  # no comment has this number
    assert send_request(site, path).status == 404
    assert pages_of(replica) == 0
    assert replica.failed_at is None


def test_writes_are_visible_on_the_next_page(site: PageCacheApp, article: Article, story: str) -> None:
    for n in range(20):
        make_comment(article, f"Boat number {n}.")
        assert f"Boat number {n}." in send_request(site, f"{story}?order=newest").text


def test_a_removed_comment_is_gone_while_nothing_is_replayed(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    with paused_replay(standby):
        change_states(ids=[Comment.objects.get().pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)
        for path in (story, "/search/?q=boat", f"{story}feed/"):
            assert "The first boat." not in send_request(site, path).text
        assert pages_of(replica) == 0
        assert replica.behind_since
        assert replica.failed_at is None
        assert standby.ask("SELECT state FROM comments_comment") == State.PUBLISHED
    standby.catch_up()
    assert replica.wait_for(early())
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
    with paused_replay(standby):
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
            stack.enter_context(paused_replay(standby))
            change_states(ids=[removed], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)

        page = send_through_event_loop(site, story, before_thread=remove).text
    assert "The second boat." in page
    assert "The first boat." not in page


def test_members_posts_and_forms_never_touch_the_replica(
    site: PageCacheApp, replica: Replica, standby: Standby, story: str
) -> None:
    member = session_cookie(UserFactory.create())
    comment = Comment.objects.get().pk
    standby.stop()  # the next request finds out
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
    assert not replica.wait_for(early(at=now - 60))  # a replica with this time would show stories too early


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


def test_connections_have_the_time_outs_of_the_primary(replica: Replica) -> None:
    options = replica.settings["OPTIONS"]
    assert django_settings.DATABASE_TIMEOUTS.items() <= options.items()
    assert replica.settings["CONN_MAX_AGE"] == connection.settings_dict["CONN_MAX_AGE"]
