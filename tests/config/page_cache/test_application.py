"""The page cache in the whole WSGI application: what a request costs, which pages are cached, and HTTP."""

import gzip
import threading
import time
from http import HTTPStatus
from io import BytesIO
from typing import Any

import brotli
import pytest
from django.conf import settings
from django.db.models import F
from django.utils import translation
from django.utils.html import escape

from articles.models import Article, Site
from articles.redirects import add_redirect
from articles.services import save_article
from articles.site.cached_pages import increment_site_version
from config.page_cache.application import PageCacheApp
from config.page_cache.stamp_reader import StampReader, _AsyncConnection
from config.server.request_bodies import RequestBodyError
from core.templating.script_texts import script_texts_url
from tests.factories import make_article, make_comment
from tests.helpers.postgres.database import captured_statements
from tests.helpers.wsgi_requests import HOST, is_cached, send_request, send_through_event_loop

# The cost of one request


def test_an_unchanged_page_costs_one_query_and_no_django(site: PageCacheApp, story: str) -> None:
    with captured_statements() as first:
        made = send_request(site, story)
    with captured_statements() as second:
        again = send_request(site, story)
    assert (made.status, again.status) == (200, 200)
    assert made.body == again.body
    assert len(first) <= 5, first
    assert second == []


def test_a_page_with_a_new_comment_costs_two_statements_with_that_of_the_event_loop(
    site: PageCacheApp, story: str, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps: list[str] = []
    in_thread, in_loop = StampReader._fetch_row, _AsyncConnection.execute
    own = threading.current_thread()

    def note_in_thread(reader: StampReader, query: str) -> Any:
        if threading.current_thread() is own:  # not the thread that checks cached pages
            stamps.append(query)
        return in_thread(reader, query)

    def note_in_loop(reading: _AsyncConnection, query: str, answer: Any) -> None:
        stamps.append(query)
        in_loop(reading, query, answer)

    make_comment(article)
    send_through_event_loop(site, story)
    make_comment(article)
    monkeypatch.setattr(StampReader, "_fetch_row", note_in_thread)
    monkeypatch.setattr(_AsyncConnection, "execute", note_in_loop)
    with captured_statements() as statements:
        reply = send_through_event_loop(site, story)
    assert reply.status == 200
    assert len(stamps) == 1, stamps
    assert len(statements) == 1, statements


def test_a_database_that_is_lost_after_the_event_loop_asked_it_is_noticed(
    site: PageCacheApp, story: str, article: Article
) -> None:
    send_through_event_loop(site, story)
    Article.objects.filter(pk=article.pk).update(version=F("version") + 1)

    def lose_database() -> None:
        site.stamp_reader.lost_at = time.monotonic()

    with captured_statements() as statements:
        shown = send_through_event_loop(site, story, before_thread=lose_database)
    assert statements == []
    assert "reach its database" in shown.text  # the page as it was before the change, with a notice
    assert shown.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/feed/",
        "/archive/",
        "{story}",
        "{story}?order=oldest",
        "{story}?replies=saved",
        "{story}version/",
    ],
)
def test_pages_for_everybody_are_cached(site: PageCacheApp, story: str, path: str) -> None:
    path = path.format(story=story)
    assert is_cached(send_request(site, path))
    with captured_statements() as statements:
        assert send_request(site, path).status == 200
    assert statements == []


def test_personal_pages_are_not_cached(site: PageCacheApp, story: str) -> None:
    for path in ("/accounts/login/", f"{story}reply/", "/nothing/", f"{story}?order=up", "/search/?q=boat"):
        assert not is_cached(send_request(site, path)), path
    for cookie in ("sessionid=x", "a=b;guest=x", "theme=dark; messages=x"):
        reply = send_request(site, story, Cookie=cookie)
        assert reply.headers["Cache-Control"] == "private, no-cache", cookie
        assert not is_cached(reply)
    assert not is_cached(send_request(site, story, Authorization="Basic eDp4"))
    assert len(site.entries) == 0


def test_the_front_page_is_cached_and_still_redirects_old_urls(site: PageCacheApp) -> None:
    article = make_article("Here")
    add_redirect(old="/?p=12", target_url="/stories/here/")
    assert send_request(site, "/").status == 200
    assert send_request(site, "/?utm_source=x").headers["ETag"] == send_request(site, "/").headers["ETag"]
    reply = send_request(site, "/?p=12")
    assert (reply.status, reply.headers["Location"]) == (301, "/stories/here/")
    assert send_request(site, "/?p=13").status == 200
    old = article.get_absolute_url()
    assert send_request(site, old).status == 200
    article.slug = "there"
    save_article(article=article)
    assert send_request(site, old).headers["Location"] == "/stories/there/"
    assert send_request(site, "/?p=12").headers["Location"] == "/stories/there/"


# HTTP


def test_a_page_has_its_cache_and_security_headers(site: PageCacheApp, story: str) -> None:
    reply = send_request(site, story)
    assert reply.headers["Cache-Control"] == "public, no-cache, max-age=0"
    assert reply.headers["Vary"] == "Accept-Encoding, Cookie"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in reply.headers


def test_each_encoding_has_an_etag(site: PageCacheApp, story: str) -> None:
    plain = send_request(site, story)
    for name, unpack in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        packed = send_request(site, story, Accept_Encoding=name)
        assert packed.headers["Content-Encoding"] == name
        assert unpack(packed.body) == plain.body
        assert packed.headers["ETag"] == f'W/{plain.headers["ETag"][:-1]}-{name}"'
        assert packed.headers["Content-Length"] == str(len(packed.body))
    none = ("", "gzip;q=0", "zstd", "identity, gzip;q=0.5", "*;q=0", "gzip; q=0.000, *;q=0", "x" * 5000)
    for refused in none:
        assert "Content-Encoding" not in send_request(site, story, Accept_Encoding=refused).headers, refused
    for accepted in ("GZIP", "identity;q=0, gzip", "br;q=0, gzip;q=0.5", "br;q=0.5, *"):
        assert send_request(site, story, Accept_Encoding=accepted).headers["Content-Encoding"] == "gzip", (
            accepted
        )
    for accepted in ("*", "gzip, deflate, br, zstd", "BR"):
        assert send_request(site, story, Accept_Encoding=accepted).headers["Content-Encoding"] == "br", (
            accepted
        )


def test_each_encoding_is_compressed_better_by_the_next_sweep(site: PageCacheApp, story: str) -> None:
    plain = send_request(site, story).body
    for name, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        fast = send_request(site, story, Accept_Encoding=name)
        site.sweep()
        better = send_request(site, story, Accept_Encoding=name)
        assert len(better.body) < len(fast.body)
        assert unpack(better.body) == unpack(fast.body) == plain
        assert better.headers["ETag"] == fast.headers["ETag"]


def test_a_matching_etag_gets_304(site: PageCacheApp, story: str) -> None:
    etag = send_request(site, story).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        reply = send_request(site, story, If_None_Match=known)
        assert (reply.status, reply.body) == (304, b""), known
        assert reply.headers == {
            "ETag": etag,
            "Cache-Control": "public, no-cache, max-age=0",
            "Vary": "Accept-Encoding, Cookie",
        }
    assert send_request(site, story, If_None_Match=etag, Accept_Encoding="gzip").status == 200
    assert send_request(site, story, If_None_Match='"other"').status == 200


def test_head_has_the_length_and_no_body(site: PageCacheApp, story: str) -> None:
    for path in (story, "/accounts/login/"):
        whole, head = send_request(site, path), send_request(site, path, "HEAD")
        assert head.body == b""
        assert head.status == 200
        assert head.headers["Content-Length"] == str(len(whole.body))
    assert send_request(site, story, "HEAD").headers == send_request(site, story).headers


def test_uncached_pages_are_compressed_as_well(site: PageCacheApp) -> None:
    plain, packed = (
        send_request(site, "/accounts/login/"),
        send_request(site, "/accounts/login/", Accept_Encoding="gzip"),
    )
    assert "Log in" in plain.text
    assert "Log in" in packed.text
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert packed.headers["Content-Length"] == str(len(packed.body))
    assert "csrftoken" in packed.headers["Set-Cookie"]
    assert "Content-Encoding" not in send_request(site, "/readyz", Accept_Encoding="gzip").headers
    with translation.override("ar"):
        texts = send_request(site, script_texts_url(), Accept_Encoding="gzip")
    assert texts.headers["Content-Encoding"] == "gzip"
    assert "immutable" in texts.headers["Cache-Control"]
    of_another_version = send_request(site, "/texts/ar/0123456789ab.js", Accept_Encoding="gzip")
    assert of_another_version.body == texts.body
    assert "no-store" in of_another_version.headers["Cache-Control"]


def test_theme_and_order_are_part_of_the_key(site: PageCacheApp, article: Article) -> None:
    story = article.get_absolute_url()
    for words in ("Early words.", "Late words."):
        make_comment(article, words)
    plain = send_request(site, story, Cookie="_ga=1; theme=blue; order=up")
    dark = send_request(site, story, Cookie="theme=dark")
    oldest = send_request(site, story, Cookie="order=oldest; x=y")
    assert plain.body == send_request(site, story).body
    assert len({plain.body, dark.body, oldest.body}) == 3
    assert oldest.text.index("Early words.") < oldest.text.index("Late words.")
    assert len(site.entries) == 3
    assert send_request(site, "/", Cookie="order=oldest").body == send_request(site, "/").body
    count = len(site.entries)
    response = send_request(site, f"{story}?order=oldest", Cookie="order=newest")
    assert response.body == send_request(site, f"{story}?order=oldest").body
    assert len(site.entries) == count + 1


def test_requests_for_other_hosts_go_to_django(site: PageCacheApp, story: str) -> None:
    assert is_cached(send_request(site, story, Host=f"localhost:{settings.PORT}"))
    assert not is_cached(send_request(site, story, Host="localhost:1"))
    assert send_request(site, story, Host="evil.example").status == 400
    # Its URLs are the site's.
    assert HOST in send_request(site, story, Host=f"localhost:{settings.PORT}").text


@pytest.mark.parametrize("status", [408, 413, 503])
def test_a_request_that_is_not_read_gets_a_page_in_the_language_of_the_site(
    site: PageCacheApp, story: str, status: int
) -> None:
    Site.objects.update(language="ar")
    increment_site_version()
    send_request(site, story)
    error = RequestBodyError(HTTPStatus(status))
    response = site.refuse(
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": BytesIO()}, status, error.explain
    )
    headers = dict(response.headers)
    page = b"".join(response.body).decode()
    assert response.status == f"{status} {HTTPStatus(status).phrase}"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert '<html lang="ar" dir="rtl">' in page
    with translation.override("ar"):
        assert escape(error.explain()) in page
