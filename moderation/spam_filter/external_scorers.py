"""External scorers: services that rate a comment as spam, asked in parallel and with a short timeout.

An answer is one finding among others and one signal of the filter; it never makes a comment pending by
itself. A missing answer is stored as a finding, too. No data leaves the site unless an operator configures a
service (settings.AKISMET_API_KEY, settings.SCORER_URL).
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.conf import settings

from moderation.checks.spam import AKISMET, SCORER

# httpx and akismet are imported where they are used: they take an eighth of the start of a process, and most
# sites have no scorer.
if TYPE_CHECKING:
    import httpx

TIMEOUT = 0.3  # seconds for all answers; a later answer counts as missing
COOLDOWN = 30.0  # seconds without requests to a scorer that failed FAILURES_BEFORE_COOLDOWN times in a row
FAILURES_BEFORE_COOLDOWN = 3
MAX_CONCURRENT_REQUESTS = 8  # further requests wait for a free thread and may so miss the timeout

log = logging.getLogger(__name__)
_lock = Lock()
_failures: dict[str, tuple[int, float]] = {}  # by scorer name: failures in a row, time of the last


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """The data of a comment that is sent to a service."""

    body: str
    name: str
    ip: str
    article: str  # URL
    title: str


@dataclass(frozen=True)
class ScoreAnswer:
    """The answer of one service."""

    name: str  # of its check: checks.spam.AKISMET or SCORER
    probability: float | None  # that it is spam; None: no answer


Scorer = Callable[[ScoreRequest], float]  # any exception counts as a missing answer


@cache
def configured_scorers() -> dict[str, Scorer]:
    """Return the configured scorers by name."""
    found: dict[str, Scorer] = {}
    if settings.AKISMET_API_KEY:
        found[AKISMET.name] = AkismetScorer(settings.AKISMET_API_KEY, settings.SITE_URL)
    if settings.SCORER_URL:
        found[SCORER.name] = HttpScorer(settings.SCORER_URL)
    return found


def ask_scorers(request: ScoreRequest) -> list[ScoreAnswer]:
    """Ask all scorers in parallel and return their answers within TIMEOUT."""
    scorers = configured_scorers()
    futures: dict[str, Future[float]] = {
        name: _pool().submit(scorer, request)
        for name, scorer in scorers.items()
        if not _is_cooling_down(name)
    }
    wait(futures.values(), timeout=TIMEOUT)
    return [ScoreAnswer(name, _probability(name, futures.get(name))) for name in scorers]


def _probability(name: str, future: Future[float] | None) -> float | None:
    if future is None:
        return None
    future.cancel()  # a request that has not started yet is not needed any more
    if not future.done() or future.cancelled():
        _record_failure(name, "no answer in time")
        return None
    if error := future.exception():
        _record_failure(name, type(error).__name__)
        return None
    with _lock:
        _failures.pop(name, None)
    return future.result()


def _record_failure(name: str, why: str) -> None:
    with _lock:
        times, _at = _failures.get(name, (0, 0.0))
        _failures[name] = (times + 1, time.monotonic())
    log.warning("The scorer %s gave no answer: %s.", name, why)


def _is_cooling_down(name: str) -> bool:
    times, at = _failures.get(name, (0, 0.0))
    return times >= FAILURES_BEFORE_COOLDOWN and time.monotonic() - at < COOLDOWN


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS, thread_name_prefix="external-scorer")


class AkismetScorer:
    """Asks Akismet through its client library."""

    def __init__(self, key: str, site: str, transport: "httpx.BaseTransport | None" = None) -> None:
        import httpx
        from akismet import CheckResponse, Config, SyncClient

        http = httpx.Client(timeout=TIMEOUT, transport=transport, headers={"User-Agent": "Soundoff"})
        self.client = SyncClient(config=Config(key=key, url=site), http_client=http)
        self.probabilities = {CheckResponse.HAM: 0.0, CheckResponse.SPAM: 0.9, CheckResponse.DISCARD: 1.0}

    def __call__(self, request: ScoreRequest) -> float:
        found = self.client.comment_check(
            request.ip,
            comment_content=request.body,
            comment_author=request.name,
            comment_type="comment",
            permalink=request.article,
        )
        return self.probabilities[found]


class HttpScorer:
    """Posts a ScoreRequest as JSON to any service that answers {"probability": 0 to 1}."""

    def __init__(self, url: str) -> None:
        import httpx

        self.url = url
        self.client = httpx.Client(timeout=TIMEOUT, headers={"User-Agent": "Soundoff"})

    def __call__(self, request: ScoreRequest) -> float:
        answer = self.client.post(self.url, json=vars(request))
        answer.raise_for_status()
        data: Any = answer.json()
        probability = float(data["probability"])
        if not 0 <= probability <= 1:
            raise ValueError(f"{probability} is no probability.")
        return probability
