"""The current site: the site's row as the current request has read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from articles.models import Site
from core.database.sql import fetch_instances

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_site() -> Site:
    """Return the site of the current request, read once. Outside of a request it is read at each call."""
    request: Any = _request.get()
    return read_site() if request is None else request.site


def read_site() -> Site:
    """Read the site from the database. A migration creates its row."""
    return fetch_instances(Site, "SELECT * FROM articles_site WHERE id = 1")[0]


@contextmanager
def bind_request(request: HttpRequest) -> Iterator[None]:
    """Make this the current request, whose site `current_site` returns."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)
