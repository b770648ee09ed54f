"""Tests of cached pages: one snapshot, no other part of the request than its key, and the dependencies."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.test import RequestFactory
from django.utils import timezone

from articles.models import Article, Site
from articles.site.cached_pages import (
    DEPENDENCIES_KEY,
    add_dependencies,
    cache_for_anonymous,
    increment_site_version,
)
from tests.factories import UserFactory, make_article


def call_view(view: Any, **cookies: str) -> tuple[HttpRequest, HttpResponse]:
    request = RequestFactory().get("/")
    request.COOKIES = cookies
    request.session = type("Session", (), {"modified": False})()
    request.user = UserFactory.build()
    request.now = timezone.now()
    return request, cache_for_anonymous(view)(request)


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


@pytest.mark.django_db
def test_one_statement_reads_the_site_and_the_time(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        request, response = call_view(empty)
    assert request.site.name == "Soundoff"
    assert isinstance(request.user, AnonymousUser)
    assert abs(request.now - timezone.now()) < timedelta(minutes=1)
    assert response["Cache-Control"] == "public, no-cache, max-age=0"
    assert response["Vary"] == "Accept-Encoding, Cookie"


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ["sessionid", "guest", "messages"])
def test_an_identified_reader_gets_a_private_page_that_is_not_cached(cookie: str) -> None:
    request, response = call_view(empty, **{cookie: "x"})
    assert response["Cache-Control"] == "private, no-cache"
    assert DEPENDENCIES_KEY not in request.META
    assert request.user.is_authenticated


@pytest.mark.django_db
def test_other_cookies_identify_nobody() -> None:
    request, _ = call_view(empty, _ga="1", theme="dark")
    assert request.META[DEPENDENCIES_KEY].stamp == (Site.objects.get().version, 0, 0)


@pytest.mark.django_db
def test_dependencies_are_added_up() -> None:
    soon = timezone.now() + timedelta(hours=1)
    make_article("Later", published_at=soon)

    def view(request: HttpRequest) -> HttpResponse:
        add_dependencies(request, articles={1: 10}, until=request.now + timedelta(hours=2))
        add_dependencies(request, articles={1: 10, 2: 5}, discussions={1: 3, 9: 0}, until=request.now)
        return HttpResponse("")

    request, _ = call_view(view)
    dependencies = request.META[DEPENDENCIES_KEY]
    assert dependencies.stamp == (Site.objects.get().version, 15, 3)
    assert set(dependencies.discussions) == {1, 9}
    assert dependencies.until == soon  # the next publication is always included


@pytest.mark.django_db
def test_a_page_that_sets_a_cookie_is_an_error(settings: Any) -> None:
    def with_token(request: HttpRequest) -> HttpResponse:
        return HttpResponse(get_token(request))

    with pytest.raises(AssertionError, match="sets a cookie"):
        call_view(with_token)
    settings.STRICT = False  # on a real site the page is then cached by nobody
    request, response = call_view(with_token)
    assert DEPENDENCIES_KEY not in request.META
    assert response["Cache-Control"] == "private, no-cache"


def test_a_page_is_made_in_one_snapshot_that_cannot_write(transactional_db: None) -> None:
    other = connection.copy()

    def view(request: HttpRequest) -> HttpResponse:
        before = Article.objects.count()
        with other.cursor() as cursor:  # somebody else commits while the page is made
            cursor.execute("INSERT INTO articles_topic (name, slug, shown) VALUES ('New', 'new', true)")
            cursor.execute("UPDATE articles_site SET version = version + 1")
        assert Article.objects.count() == before
        assert Site.objects.get().version == request.site.version
        return HttpResponse("")

    request, _ = call_view(view)
    other.close()
    assert Site.objects.get().version == request.site.version + 1
    with pytest.raises(Exception, match="read-only transaction"):
        call_view(lambda request: HttpResponse(increment_site_version()))
