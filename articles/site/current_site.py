"""The site's row as the request that is being answered has read it, for what is asked of it on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from articles.models import Site
from core.sql import read

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_site() -> Site:
    """That of the request, read once; outside of one, as it is stored now: one statement each time."""
    request: Any = _request.get()
    return read_site() if request is None else request.site


def read_site() -> Site:
    return read(Site, "SELECT * FROM articles_site WHERE id = 1")[0]


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)
