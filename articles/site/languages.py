"""In which language a page is: one that the reader's browser asks for, else the site's own. Mails are in the
site's."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from articles.site.current_site import read_site

P = ParamSpec("P")
R = TypeVar("R")


def asked_language(accepted: str) -> str:
    """The best of ours in an Accept-Language header; nothing where none of ours is asked for."""
    for code, _quality in parse_accept_lang_header(accepted):
        if code == "*":
            break
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""


def activate_language(request: Any) -> None:
    """For the rest of this request, whose site is read."""
    asked = asked_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    translation.activate(asked or request.site.language)
    request.LANGUAGE_CODE = translation.get_language()


def in_site_language(job: Callable[P, R]) -> Callable[P, R]:
    """For a job that mails: it runs where nobody asks, and writes as the site does."""

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with translation.override(read_site().language):
            return job(*args, **kwargs)

    return run
