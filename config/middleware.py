"""Middleware for every response."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import site_request
from config.masthead import Masthead
from core.monitoring.logs import URL_NAME_KEY


class NoStoreMiddleware:
    """Forbid all caches, including the browser's, to store a response without its own Cache-Control.

    Such responses are moderation pages, account pages, set-up links and URLs with a token. Cached pages
    (articles.site.cached_pages), images, searches and redirects set Cache-Control themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class MastheadMiddleware:
    """Let views and templates of a request share its masthead, which is read when one of them uses it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        of_site = site_request(request)
        of_site.masthead = SimpleLazyObject(lambda: Masthead(of_site))
        return self.get_response(request)


class UrlNameMiddleware:
    """Note the name of the URL in the environ, for the metrics and the log. Those of the admin are one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if match := request.resolver_match:
            request.META[URL_NAME_KEY] = "admin" if "admin" in match.app_names else match.view_name


class FormUrlMiddleware:
    """Show a page to a person who opens a URL that only accepts POST, where Django sends an empty 405.

    Requests by htmx, and those that do not accept HTML, get the empty response.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        of_site = site_request(request)
        if request.method == "GET" and request.accepts("text/html") and not of_site.htmx:
            activate_locale(of_site, chosen_language(of_site))  # also at the URLs of pages for staff
            # A response of its own would be logged once more.
            response.content = render_to_string("405.html", request=request)
        return response
