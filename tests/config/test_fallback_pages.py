"""Pages without a database: Postgres is frozen, disconnected, or back again."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import psycopg2
import pytest
from django.db import OperationalError, ProgrammingError, connection
from psycopg2.extensions import set_wait_callback

from articles.models import Article
from articles.site.cached_pages import increment_site_version
from comments.models import Comment
from comments.services.states import delete_comment
from config.page_cache import application, stamp_reader
from config.page_cache.application import PageCacheApp
from config.page_cache.stamp_reader import (
    DatabaseUnavailableError,
    StampReader,
    limit_django_waits,
    stamp_query,
)
from core.database.sql import execute_prepared
from tests.config.fallback import NOTICE, frozen, until_back
from tests.factories import make_comment
from tests.helpers.waiting import PATIENCE, until
from tests.helpers.wsgi_requests import HOST, Reply, send_request


def end_connections() -> None:
    """End all client connections but the test's own. (The owner may not end an autovacuum.)"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )


class Form(HTMLParser):
    """The form with a text on a page: its fields and its URL, as a browser would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = self.area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and "body" not in self.fields:
            self.action, self.fields = attributes["action"], {}
        # A browser sends no other button than the pressed one, and no unchecked checkbox.
        if tag == "input" and attributes["name"] and attributes["type"] not in {"submit", "checkbox"}:
            self.fields.setdefault(attributes["name"], attributes.get("value", ""))
        if tag == "textarea":
            self.area = attributes["name"]
            self.fields[self.area] = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""


def send(site: PageCacheApp, path: str, fields: dict[str, str], cookie: str) -> Reply:
    body = urlencode(fields).encode()
    return send_request(site, path, "POST", body, Cookie=cookie, Origin=f"http://{HOST}")


def test_readers_get_an_outage_copy_and_writers_keep_their_text(site: PageCacheApp, article: Article) -> None:
    make_comment(article, "Words of before.")
    story = article.get_absolute_url()
    current = send_request(site, story)
    form = send_request(site, f"{story}reply/")
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    fields = Form(form.text).fields | {
        "body": "\nFirst & <last>\r\n“words”",
        "name": "Jim",
        "email": "jim@example.org",
    }
    with frozen():
        for cookies in ("", "sessionid=x; theme=up"):  # a member gets the page for everybody
            stale = send_request(site, story, Cookie=cookies, If_None_Match=current.headers["ETag"])
            assert stale.status == 200
            before_main = stale.text.partition("<main")[0]
            assert NOTICE in before_main
            assert 'role="status"' in before_main
            assert "Words of before." in stale.text
            assert stale.headers["Cache-Control"] == "no-store"
            assert "ETag" not in stale.headers
            assert stale.headers["Content-Length"] == str(len(stale.body))
        assert send_request(site, story, "HEAD").body == b""
        for path in (f"{story}reply/", "/", "/admin/", f"{story}?after=1.1"):  # not in the cache
            refused = send_request(site, path, Accept_Encoding="gzip")
            assert refused.status == 503, path
            assert refused.headers["Retry-After"] == "5"
            assert "can’t reach its database" in refused.text
        assert send_request(site, "/healthz").status == 200
        assert send_request(site, "/readyz").text == '{"status": "unready", "database": "no answer"}'
        refused_post = send(site, f"{story}reply/", fields, cookie)
        assert refused_post.status == 503
        assert refused_post.headers["Cache-Control"] == "no-store"
        assert "form-action 'self'" in refused_post.headers["Content-Security-Policy"]
    until_back(site)
    assert NOTICE not in send_request(site, story).text
    form_again = Form(refused_post.text)
    assert form_again.fields == fields
    assert send(site, form_again.action, form_again.fields, cookie).status == 302
    assert "First &amp; &lt;last&gt;" in send_request(site, story).text
    assert Comment.objects.get(author_name="Jim").body == "\nFirst & <last>\n“words”"


def test_a_form_with_a_password_is_not_repeated(site: PageCacheApp) -> None:
    send_request(site, "/")
    with frozen():
        refused = send(site, "/accounts/login/", {"login": "jim@example.org", "password": "secret"}, "")
        assert refused.status == 503
        assert "secret" not in refused.text
        assert "<form" not in refused.text
        huge = send_request(site, "/", "POST", b"body=" + b"x" * 6_000_000)
        assert huge.status == 503
    until_back(site)


def test_a_page_that_was_not_confirmed_recently_is_not_shown(
    site: PageCacheApp, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "SWEEP_SECONDS", 3600)
    send_request(site, story)
    send_request(site, "/")
    for key, entry in site.entries.items():
        entry.confirmed_at -= 60 if key.path == "/" else 0
    with frozen():
        assert send_request(site, "/").status == 503
        assert send_request(site, story).status == 200
    site.sweep()
    assert send_request(site, "/").status == 200


def test_a_hidden_copy_is_not_shown(
    site: PageCacheApp, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "SWEEP_SECONDS", 3600)
    story, comment = article.get_absolute_url(), make_comment(article, "Words to take back.")
    assert "Words to take back." in send_request(site, story).text
    # This process treats the comment as written by another one.
    assert delete_comment(comment=comment, user=None, guest=comment.guest)
    with frozen():
        assert send_request(site, story).status == 503
    site.sweep()
    send_request(site, story)
    time.sleep(application.INVALIDATION_MARGIN_SECONDS + 0.1)
    send_request(site, story)  # the database is asked long enough after the change
    with frozen():
        assert send_request(site, story).status == 200


def test_a_page_that_has_just_changed_is_shown_as_it_was(site: PageCacheApp, article: Article) -> None:
    story = article.get_absolute_url()
    send_request(site, story)
    make_comment(article, "Words that are new.")
    site.sweep()
    assert not site.entries.items()
    with frozen():
        shown = send_request(site, story)
        assert shown.status == 200
        assert "Words that are new." not in shown.text


def test_the_sweep_drops_pages_that_another_process_made_outdated(
    site: PageCacheApp, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "SWEEP_SECONDS", 3600)
    story = article.get_absolute_url()
    send_request(site, story)
    send_request(site, "/archive/")
    for _key, entry in site.entries.items():
        entry.confirmed_at -= 60
    make_comment(article, "Words that are new.")
    site.sweep()
    assert [key.path for key, _entry in site.entries.items()] == ["/archive/"]
    with frozen():
        assert send_request(site, story).status == 503
        assert send_request(site, "/archive/").status == 200
    site.sweep()


def test_after_one_timeout_nobody_waits(
    site: PageCacheApp, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "SWEEP_SECONDS", 3600)
    send_request(site, story)
    with frozen():
        send_request(site, story)
        lost_at = site.stamp_reader.lost_at
        for _ in range(200):
            assert send_request(site, story).status == 200
        assert site.stamp_reader.lost_at == lost_at
        with pytest.raises(DatabaseUnavailableError):
            site.sweep()
    assert NOTICE in send_request(site, story).text  # until a sweep has reached the database again
    site.sweep()
    assert NOTICE not in send_request(site, story).text


def test_closed_connections_are_opened_again(site: PageCacheApp, story: str) -> None:
    etag = send_request(site, story).headers["ETag"]
    end_connections()
    assert send_request(site, story).headers["ETag"] == etag
    increment_site_version()
    end_connections()
    assert send_request(site, story).headers["ETag"] == etag
    assert site.stamp_reader.lost_at is None


def test_a_database_that_is_lost_during_a_request(site: PageCacheApp, article: Article) -> None:
    """Django's own connection gives up as well and is opened again; the page keeps the text."""
    story = article.get_absolute_url()
    form = send_request(site, f"{story}reply/")
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    fields = Form(form.text).fields | {"body": "Kept words.", "name": "Jim", "email": "jim@example.org"}
    thawed, freezing = threading.Event(), threading.Event()

    def freeze() -> None:
        with frozen():
            freezing.set()
            thawed.wait(PATIENCE)
        connection.close()

    holder = psycopg2.connect(**connection.get_connection_params())
    holder.cursor().execute("LOCK TABLE articles_article")  # so that Django waits for an answer
    limit_django_waits(site.stamp_reader)
    try:
        freezer = threading.Timer(0.3, freeze)
        freezer.start()
        refused = send(site, f"{story}reply/", fields, cookie)
        thawed.set()
        freezer.join()
        holder.close()
        assert refused.status == 503
        assert Form(refused.text).fields == fields
        until_back(site)
        assert send(site, f"{story}reply/", fields, cookie).status == 302
    finally:
        thawed.set()
        set_wait_callback(None)


class BlockedPost:
    """A comment of a guest whose request waits for a lock."""

    def __init__(self, site: PageCacheApp, story: str) -> None:
        self.site = site
        self.path = f"{story}reply/"
        form = send_request(site, self.path)
        self.cookie = form.headers["Set-Cookie"].partition(";")[0]
        self.fields = Form(form.text).fields | {"body": "Kept.", "name": "Jim", "email": "jim@example.org"}
        self.holder = psycopg2.connect(**connection.get_connection_params())
        self.watcher = psycopg2.connect(**connection.get_connection_params())
        self.watcher.autocommit = True  # each transaction reads the activity again

    def send(self) -> Reply:
        return send(self.site, self.path, self.fields, self.cookie)

    def send_while_blocked(self, act: Callable[[int], None]) -> Reply:
        """Send the comment, and do something to the backend that waits."""
        with self.holder.cursor() as cursor:
            cursor.execute("LOCK TABLE comments_comment")
        acting = threading.Thread(target=lambda: act(self.wait_for_backend()))
        acting.start()
        try:
            return self.send()
        finally:
            acting.join()
            self.holder.rollback()

    def wait_for_backend(self) -> int:
        backends: list[int] = []

        def is_blocked() -> bool:
            with self.watcher.cursor() as cursor:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
                    [self.holder.info.backend_pid],
                )
                backends.extend(pid for (pid,) in cursor.fetchall())
            return bool(backends)

        until(is_blocked)
        return backends[0]

    def end_backend(self, backend: int) -> None:
        with self.watcher.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


@pytest.fixture
def blocked_post(site: PageCacheApp, story: str) -> Iterator[BlockedPost]:
    post = BlockedPost(site, story)
    yield post
    set_wait_callback(None)
    post.holder.close()
    post.watcher.close()


@pytest.mark.parametrize("is_limited", [False, True])
def test_a_connection_that_ends_in_the_middle_of_a_post(blocked_post: BlockedPost, is_limited: bool) -> None:
    if is_limited:
        limit_django_waits(blocked_post.site.stamp_reader)
    refused = blocked_post.send_while_blocked(blocked_post.end_backend)
    assert refused.status == 503
    assert Form(refused.text).fields == blocked_post.fields
    assert not Comment.objects.exists()
    assert blocked_post.send().status == 302


def test_a_silent_connection_times_out(blocked_post: BlockedPost, monkeypatch: pytest.MonkeyPatch) -> None:
    """One backend is frozen while all others answer."""
    monkeypatch.setattr(stamp_reader, "MAX_SILENT_PERIODS", 3)
    limit_django_waits(blocked_post.site.stamp_reader)
    frozen_backends: list[int] = []

    def freeze(backend: int) -> None:
        frozen_backends.append(backend)
        os.kill(backend, signal.SIGSTOP)

    try:
        refused = blocked_post.send_while_blocked(freeze)
    finally:
        for backend in frozen_backends:
            os.kill(backend, signal.SIGCONT)
            until(lambda backend=backend: not Path(f"/proc/{backend}").exists())  # type: ignore[misc]
    assert refused.status == 503
    assert Form(refused.text).fields == blocked_post.fields
    assert blocked_post.site.stamp_reader.lost_at is None
    assert blocked_post.send().status == 302
    assert Comment.objects.count() == 1


def test_one_silent_connection_of_ours_is_replaced(site: PageCacheApp, story: str) -> None:
    """Its queries run again over another connection, although others get answers all the time."""
    etag = send_request(site, story).headers["ETag"]
    (silent,) = site.stamp_reader._idle
    finished = threading.Event()

    def read_repeatedly() -> None:
        while not finished.wait(0.1):
            site.stamp_reader.read(stamp_query())

    os.kill(silent.info.backend_pid, signal.SIGSTOP)
    try:
        site.stamp_reader._idle.clear()
        reading = threading.Thread(target=read_repeatedly)
        reading.start()
        until(lambda: site.stamp_reader._idle)
        site.stamp_reader._idle.append(silent)  # the next request takes this connection
        assert send_request(site, story).headers["ETag"] == etag
        assert site.stamp_reader.lost_at is None
        assert silent.closed
    finally:
        finished.set()
        reading.join()
        os.kill(silent.info.backend_pid, signal.SIGCONT)


def test_a_statement_that_cannot_be_planned_fails_as_others_of_django_do(site: PageCacheApp) -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError):
        execute_prepared(cursor, "SELECT nothing FROM nowhere", {})


def test_a_slow_statement_may_go_on_while_the_database_answers_others(transactional_db: None) -> None:
    reader = StampReader()
    limit_django_waits(reader)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1.3), 7")
            assert cursor.fetchone()[1] == 7
        with frozen(), pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert reader.read_versions([], [])[0] == reader.read(stamp_query())[0]
        connection.close_if_unusable_or_obsolete()  # as at the start of each request
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        set_wait_callback(None)
        reader.close()
