"""The record of a request: its id, its place in the metrics and, if wanted, its line in the log."""

import logging
from functools import lru_cache
from time import perf_counter
from typing import Any

from django.conf import settings

from config.page_cache.keys import Environ, is_anonymous
from core.monitoring import request_ids
from core.monitoring.metrics import REQUEST_SECONDS, REQUESTS

# Keys in the environ of a request
ANSWER_KEY = "soundoff.answer"  # what the page cache answered with: CACHED or COPY
URL_NAME_KEY = "soundoff.url_name"  # set by config.middleware.UrlNameMiddleware, and for a cached page
_COMPLETE_AT_KEY = "soundoff.complete_at"  # the time of time.perf_counter at which the request was complete

CACHED, COPY = "cached", "copy"

log = logging.getLogger(__name__)


def begin(environ: Environ) -> None:
    """Give a request its id."""
    environ[request_ids.KEY] = request_ids.choose_id(environ.get("HTTP_X_REQUEST_ID", ""))
    complete(environ)


def complete(environ: Environ) -> None:
    """Measure the time from here on. Called again for a body, as its client may be slow."""
    environ[_COMPLETE_AT_KEY] = perf_counter()


def answer(environ: Environ, status: str) -> None:
    """Count the answer to a request, and log it. `status` is that of WSGI, such as "200 OK"."""
    if not (settings.METRICS_TOKEN or settings.ACCESS_LOG):
        return
    seconds = perf_counter() - environ[_COMPLETE_AT_KEY]
    kind, name = _kind(environ, status), environ.get(URL_NAME_KEY) or "other"
    _counter(kind, f"{status[0]}xx").inc()
    _histogram(name).observe(seconds)
    if settings.ACCESS_LOG:
        method = environ["REQUEST_METHOD"]
        log.info(
            "%s %s: %s, %s, %.4f s",
            method,
            name,
            status[:3],
            kind,
            seconds,
            extra={
                "request_id": environ[request_ids.KEY],
                "fields": {
                    "method": method,
                    "page": name,
                    "status": int(status[:3]),
                    "answer": kind,
                    "seconds": round(seconds, 4),
                },
            },
        )


def _kind(environ: Environ, status: str) -> str:
    """Return the kind of an answer, a label of soundoff_requests."""
    if kind := environ.get(ANSWER_KEY):
        return str(kind)
    if status.startswith("5"):
        return "unavailable" if status.startswith("503") else "error"
    if environ["PATH_INFO"].startswith(settings.STATIC_URL):
        return "static"
    return "made" if is_anonymous(environ) else "personal"


# `labels` of the library takes longer than the counting itself.
@lru_cache(maxsize=64)
def _counter(kind: str, status: str) -> Any:
    return REQUESTS.labels(kind, status)


@lru_cache(maxsize=1024)
def _histogram(name: str) -> Any:
    return REQUEST_SECONDS.labels(name)
