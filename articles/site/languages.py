"""The language of pages and mails: the member's choice, or else the site's; for staff English if need be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation

from accounts.models import Guest, User
from articles.models import Site
from articles.site.current_site import read_site


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


@contextmanager
def in_site_language() -> Iterator[None]:
    """Activate the site's language, for a job that sends mails, since it has no request."""
    with translation.override(read_site().language):
        yield


@contextmanager
def in_staff_language() -> Iterator[None]:
    """Activate the language of pages for staff, for a job that sends mails to staff."""
    with translation.override(staff_language(read_site().language)):
        yield
