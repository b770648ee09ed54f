"""The language of pages and mails: the member's choice, or else the site's; for staff English if need be."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation

from accounts.models import Guest, User
from articles.models import Site
from articles.site.current_site import read_site

P = ParamSpec("P")
R = TypeVar("R")


def chosen_language(request: HttpRequest) -> str:
    """Return the language that the member of a request chose; empty for the site's."""
    user = getattr(request, "user", None)  # an error page may have none
    return user.language if user and user.is_authenticated else ""


def activate_locale(request: Any, language: str) -> None:
    """Activate the time zone of the request's site, and a language (empty: the site's), for the request."""
    timezone.activate(request.site.zone)
    translation.activate(language or request.site.language)
    request.LANGUAGE_CODE = translation.get_language()


def staff_language(language: str) -> str:
    """Return the language of a page for staff: this one if it is translated into it, else English."""
    return language if language in settings.STAFF_LANGUAGES else settings.LANGUAGE_CODE


def language_of(person: User | Guest | None, site: Site) -> str:
    """Return the language of mails to a person: the one that a member chose, or else the site's."""
    return (isinstance(person, User) and person.language) or site.language


def in_language_of(person: User | Guest | None, site: Site) -> translation.override:
    """Return a context manager that activates the language of mails to a person."""
    return translation.override(language_of(person, site))


def in_site_language(job: Callable[P, R]) -> Callable[P, R]:
    """Decorate a job that sends mails so that it runs in the site's language, since it has no request."""

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with translation.override(read_site().language):
            return job(*args, **kwargs)

    return run


def in_staff_language(job: Callable[P, R]) -> Callable[P, R]:
    """Decorate a job that sends mails to staff so that it runs in the language of pages for staff."""

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with translation.override(staff_language(read_site().language)):
            return job(*args, **kwargs)

    return run
