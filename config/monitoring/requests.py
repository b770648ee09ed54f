"""Give each request an id, count the response to it in the metrics and, if wanted, log it."""

import logging
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from time import perf_counter

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from config.page_cache.keys import Environ, is_anonymous
from core import health
from core.monitoring import request_ids
from core.monitoring.logs import NO_NAME, URL_NAME_KEY
from core.monitoring.metrics import REGISTRY

# Keys in the environ of a request
CACHE_RESULT_KEY = "soundoff.answer"  # how the page cache answered: CACHED or COPY
_TIMER_START_KEY = "soundoff.timer_start"  # the time of time.perf_counter at which the request was complete

CACHED, COPY = "cached", "copy"

BUCKETS = (0.005, 0.025, 0.1, 0.5, 2)  # upper limits in seconds; a last one has no limit
MAX_LINES = 10_000  # lines that wait for the output

# For each kind of response, class of status and name of a URL: the numbers of responses in each bucket, and
# then the sum of their seconds. Only the event loop writes them, so they need no lock. The library's counters
# took several times as long, for every cached page.
_response_counts: dict[tuple[str, str, str], list[float]] = {}

log = logging.getLogger(__name__)


class LineQueueHandler(QueueHandler):
    """Passes lines to a thread. While its queue is full, further lines are dropped."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(Full):
            self.queue.put_nowait(record)


def write_lines_in_thread() -> QueueListener:
    """Start a thread that writes the lines of requests, and return it.

    An output that accepts nothing, such as a full pipe, would stop the event loop and so all readers.
    """
    lines: Queue[logging.LogRecord] = Queue(MAX_LINES)
    log.handlers, log.propagate = [LineQueueHandler(lines)], False
    writer = QueueListener(lines, *logging.getLogger().handlers)
    writer.start()
    return writer


def start_request(environ: Environ) -> None:
    """Give a request its id, and start its timer."""
    environ[request_ids.KEY] = request_ids.choose_id(environ.get("HTTP_X_REQUEST_ID", ""))
    start_timer(environ)


def start_timer(environ: Environ) -> None:
    """Measure the time from here on. Called again for a body, as its client may be slow."""
    environ[_TIMER_START_KEY] = perf_counter()


def record_response(environ: Environ, status: str) -> None:
    """Count the response to a request, and log it. `status` is that of WSGI, such as "200 OK"."""
    if not (settings.METRICS_TOKEN or settings.ACCESS_LOG):
        return
    seconds = perf_counter() - environ[_TIMER_START_KEY]
    kind, name = _kind(environ, status), environ.get(URL_NAME_KEY) or NO_NAME
    count_response(kind, status[0], name, seconds)
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
    """Return the kind of a response, the label `answer` of soundoff_requests."""
    if kind := environ.get(CACHE_RESULT_KEY):
        return str(kind)
    if environ["PATH_INFO"] in health.MONITORING_PATHS:
        return "check"
    if status.startswith("5"):
        return "unavailable" if status.startswith("503") else "error"
    if environ["PATH_INFO"].startswith(settings.STATIC_URL):
        return "static"
    return "made" if is_anonymous(environ) else "personal"


def count_response(kind: str, status: str, name: str, seconds: float) -> None:
    """Count a response. `status` is the first digit of its status, `name` that of its URL."""
    numbers = _response_counts.get((kind, status, name))
    if numbers is None:
        numbers = _response_counts[kind, status, name] = [0] * (len(BUCKETS) + 2)
    numbers[bisect_left(BUCKETS, seconds)] += 1
    numbers[-1] += seconds


class RequestMetrics(Collector):
    """The metrics of the requests of this process."""

    def collect(self) -> Iterator[Metric]:
        # Prometheus can't see the first of a number that was not there before.
        by_kind = dict.fromkeys([("error", "5"), ("unavailable", "5"), (COPY, "2")], 0.0)
        pages: dict[str, list[float]] = {}
        for (kind, status, name), numbers in list(_response_counts.items()):
            by_kind[kind, status] = by_kind.get((kind, status), 0) + sum(numbers[:-1])
            before = pages.get(name, [0] * len(numbers))
            pages[name] = [a + b for a, b in zip(before, numbers, strict=True)]
        counter = CounterMetricFamily(
            "soundoff_requests",
            "Requests by the kind of their answer and the class of its status.",
            labels=["answer", "status"],
        )
        for (kind, status), n in by_kind.items():
            counter.add_metric([kind, f"{status}xx"], n)
        yield counter
        histogram = HistogramMetricFamily(
            "soundoff_request_duration_seconds",
            "Seconds from a complete request to the start of its answer, by the name of the URL.",
            labels=["page"],
        )
        limits = [*map(str, BUCKETS), "+Inf"]
        for name, (*counts, seconds) in pages.items():
            up_to = zip(limits, accumulate(counts), strict=True)
            histogram.add_metric([name], list(up_to), seconds)
        yield histogram


REGISTRY.register(RequestMetrics())
