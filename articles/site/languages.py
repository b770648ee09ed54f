"""The language of pages and mails: pages use the browser's language if available, mails the site's own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header

from articles.site.current_site import read_site

P = ParamSpec("P")
R = TypeVar("R")


def requested_language(accepted: str) -> str:
    """Return the preferred available language of an Accept-Language header, or ""."""
    for code, _quality in parse_accept_lang_header(accepted):
        if code == "*":
            break
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""


def activate_language(request: Any) -> None:
    """Activate the language of the request, or else of its site, for the rest of the request."""
    requested = requested_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    translation.activate(requested or request.site.language)
    request.LANGUAGE_CODE = translation.get_language()


def activate_locale(request: Any) -> None:
    """Activate the time zone of the request's site, and the language of the page."""
    timezone.activate(request.site.zone)
    activate_language(request)


def in_site_language(job: Callable[P, R]) -> Callable[P, R]:
    """Decorate a job that sends mails so that it runs in the site's language, since it has no request."""

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with translation.override(read_site().language):
            return job(*args, **kwargs)

    return run
