"""The cost of a page and of a reply, in statements and calls of Python functions, the same on every machine.

A different figure is not a mistake by itself. A feature may cost something, and a page that got cheaper
should show, too. Change the figure in the commit that changes the cost, and say in its message what readers
get for it. Do not widen TOLERANCE, and do not move work out of the measured request (into a thread, a job
or the first request after a start) only to keep a figure.

Calls of the standard library are not counted, because its versions differ, nor are built-in functions.
bench.reading and bench.posting measure milliseconds.
"""

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.core import signing
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import guests
from bench.fixture import Words, session_cookie, thread
from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states
from config.page_cache.application import PageCacheApp
from config.page_cache.stamp_reader import StampReader
from core.data_folder import PROJECT
from core.dates.formats import utc_text
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.wsgi_requests import HOST, Reply, send_request

COSTS = {  # statements without the beginnings and ends of transactions; calls
    "cached page": (1, 18),
    "changed page": (2, 2_742),
    "member's page": (4, 2_062),
    "reply": (7, 2_627),
}
TOLERANCE = 0.01  # of the calls, because Python's versions differ
COMMENTS = 74  # comments below the story, a third of them top-level
START = datetime(2024, 5, 31, 9, tzinfo=UTC)

COUNTED = (str(PROJECT), *(path for path in sys.path if path.endswith("site-packages")))
NOT_COUNTED = str(PROJECT / "tests")
INLINED = {"<listcomp>", "<dictcomp>", "<setcomp>"}  # no calls from Python 3.12 on


@pytest.mark.parametrize("what", COSTS)
def test_the_cost_of_a_request_has_not_grown(what: str, requests: dict[str, Any]) -> None:
    statements, calls = COSTS[what]
    captured, counted = cost_of(*requests[what])
    assert len(captured) == statements, captured
    assert counted == approximately(calls)


@pytest.mark.parametrize("what", COSTS)
def test_a_request_that_costs_more_is_noticed(
    what: str, requests: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    statements, calls = COSTS[what]
    respond = PageCacheApp.__call__

    def respond_at_higher_cost(*arguments: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        for _ in range(2 + int(2 * TOLERANCE * calls)):
            utc_text(START)
        return respond(*arguments)

    monkeypatch.setattr(PageCacheApp, "__call__", respond_at_higher_cost)
    captured, counted = cost_of(*requests[what])
    assert len(captured) == statements + 1
    assert counted != approximately(calls)


def cost_of(prepare: Callable[[], object], request: Callable[[], Reply]) -> tuple[list[str], int]:
    """Return the statements of a request, and the number of its calls."""
    for _ in range(3):  # warm up: some things are read or compiled once
        prepare()
        request()
    prepare()
    statements = statements_of(request)
    prepare()
    return statements, calls_of(request)


def approximately(calls: int) -> Any:
    """Return a number that equals all numbers of calls within TOLERANCE of this one, or one away."""
    return pytest.approx(calls, rel=TOLERANCE, abs=1)


@pytest.fixture
def requests(transactional_db: None) -> Iterator[dict[str, tuple[Callable[[], object], Callable[[], Reply]]]]:
    """Yield the requests by name. The uncounted requests before each one warm up its caches."""
    site = PageCacheApp(WSGIHandler())
    story = make_article(published_at=START)
    comments = [
        ImportedComment(str(n), row.name, row.body, START + timedelta(hours=n), row.parent)
        for n, row in enumerate(thread(COMMENTS))
    ]
    made = import_comments(article=story, comments=comments, actor=None, action_id=uuid4()).created
    closes = timezone.now() + timedelta(days=9)
    change_discussion(article=story, status=Discussion.Status.OPEN, closes_at=closes)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    url = story.get_absolute_url()
    member = session_cookie(UserFactory.create())
    guest = GuestFactory.create(confirmed_at=timezone.now())
    first = make_comment(story, guest=guest)
    change_states(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    words = Words(1)  # texts long enough to be compared with earlier ones
    guest_cookie = f"{guests.COOKIE}={signing.dumps(guest.pk, salt=guests.COOKIE)}"

    def read(**headers: str) -> Reply:
        reply = send_request(site, url, Accept_Encoding="gzip", **headers)
        assert reply.status == 200
        return reply

    def change() -> None:
        # Of a tree of four comments.
        Comment.objects.filter(pk=made[5]).update(recommend_count=F("recommend_count") + 1)
        Discussion.objects.filter(pk=story.pk).update(version=F("version") + 1)

    def reply() -> Reply:
        token = "0123456789abcdef" * 2
        fields = {
            "csrfmiddlewaretoken": token,
            "name": guest.name,
            "email": guest.email,
            "body": words.body(),
            "nonce": str(uuid4()),
        }
        cookie = f"{guest_cookie}; csrftoken={token}"
        body = urlencode(fields).encode()
        reply = send_request(
            site, f"{url}reply/{made[0]}/", "POST", body, Cookie=cookie, Origin=f"http://{HOST}"
        )
        assert reply.status == 302
        return reply

    yield {
        "cached page": (lambda: None, read),
        "changed page": (change, read),
        "member's page": (lambda: None, lambda: read(Cookie=member)),
        "reply": (lambda: None, reply),
    }
    site.close()


def statements_of(request: Callable[[], Reply]) -> list[str]:
    """Return the statements of a request, from Django's connection and those of the page cache."""
    statements: list[str] = []
    own, fetch_row = threading.current_thread(), StampReader._fetch_row

    def note(reader: StampReader, statement: str) -> Any:
        if threading.current_thread() is own:  # not the thread that checks cached pages
            statements.append(statement)
        return fetch_row(reader, statement)

    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as queries:
        patch.setattr(StampReader, "_fetch_row", note)
        request()
    return statements + [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]


def calls_of(request: Callable[[], Reply]) -> int:
    """Return the number of calls of Python functions in a request, in the project and its packages."""
    calls = 0

    def count(frame: Any, event: str, argument: object) -> None:
        nonlocal calls
        code = frame.f_code
        name = code.co_filename
        if event == "call" and name.startswith(COUNTED) and not name.startswith(NOT_COUNTED):
            calls += code.co_name not in INLINED

    gc.disable()  # so that no finalizer runs meanwhile
    sys.setprofile(count)
    try:
        request()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls
