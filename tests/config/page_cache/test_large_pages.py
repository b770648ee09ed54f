"""The memory of large pages, which is released after they were sent."""

from weakref import ref

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase

from articles.models import Article
from config.page_cache import application
from config.page_cache.application import PageCacheApp
from tests.helpers.wsgi_requests import send_request


def test_a_large_page_is_released_at_the_next_sweep(
    site: PageCacheApp, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests, get_response = [], site.django.get_response

    def note(request: WSGIRequest) -> HttpResponseBase:
        requests.append(ref(request))
        return get_response(request)

    monkeypatch.setattr(site.django, "get_response", note)
    monkeypatch.setattr(application, "LARGE_PAGE", 1_000)
    collected = []
    monkeypatch.setattr(application, "release_freed_memory", lambda: collected.append(requests[0]()))
    assert send_request(site, article.get_absolute_url()).status == 200
    site._release_large_pages()
    site._release_large_pages()  # nothing is left to do
    assert collected == [None]
