"""Middleware for every answer."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers


class NoStoreMiddleware:
    """Let no cache keep an answer that does not say otherwise itself, the browser's own included.

    The desk, account pages, set-up links and whatever has a token in its URL say nothing. Pages for strangers
    and their copies for members do (articles.site.cached_pages), and images, searches and redirects.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response
