"""External scorers: real requests to a local server that answers, fails or gives no answer."""

import json
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from comments.models import Comment, State
from comments.policy import Nudge, NudgeError
from moderation.actions.decisions import decide
from moderation.checks import registry
from moderation.models import Finding
from moderation.spam_filter import external_scorers
from moderation.spam_filter.external_scorers import (
    AkismetScorer,
    HttpScorer,
    ScoreAnswer,
    ScoreRequest,
    ask_scorers,
)
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.waiting import PATIENCE

ASKED = ScoreRequest(
    body="Fine tables!",
    name="Teak",
    ip="198.51.100.7",
    article="https://x.example/stories/slip/",
    title="Slip",
)


class Service:
    """A local scorer. It sends `answer` once `may_answer` is set."""

    def __init__(self) -> None:
        self.answer, self.status = "", 200
        self.may_answer = Event()
        self.may_answer.set()
        self.requests: list[tuple[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                service.requests.append((self.path, body))
                service.may_answer.wait(PATIENCE)
                self.send_response(service.status)
                self.end_headers()
                with suppress(BrokenPipeError):  # the client has disconnected
                    self.wfile.write(service.answer.encode())

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        # `shutdown` waits for the next poll.
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(autouse=True)
def _long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.spam_filter.external_scorers.TIMEOUT", PATIENCE)


@pytest.fixture
def service() -> Iterator[Service]:
    external_scorers._failures.clear()
    service = Service()
    yield service
    service.server.shutdown()
    external_scorers._failures.clear()


@pytest.fixture
def scorers() -> Iterator[dict[str, external_scorers.Scorer]]:
    """The scorers that are asked: those of the settings, which are none, and those that a test adds."""
    external_scorers.configured_scorers.cache_clear()
    yield external_scorers.configured_scorers()
    external_scorers.configured_scorers.cache_clear()


class LocalTransport(httpx.HTTPTransport):
    """A transport that sends requests for Akismet's own address to the service."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.to = httpx.URL(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self.to.host, port=self.to.port)
        return super().handle_request(request)


def test_without_a_scorer_nothing_is_asked(scorers):
    assert ask_scorers(ASKED) == []


def test_any_service_gets_the_comment_and_returns_a_probability(service, scorers):
    service.answer = '{"probability": 0.93}'
    scorers["scorer"] = HttpScorer(service.url)
    assert ask_scorers(ASKED) == [ScoreAnswer("scorer", 0.93)]
    assert json.loads(service.requests[0][1]) == vars(ASKED)


@pytest.mark.parametrize(("answer", "probability"), [("true", 0.9), ("false", 0.0)])
def test_akismet_is_asked_by_its_own_client(service, scorers, answer, probability):
    service.answer = answer
    akismet = AkismetScorer("a-key", "https://x.example", LocalTransport(service.url))
    scorers["akismet"] = akismet
    assert ask_scorers(ASKED) == [ScoreAnswer("akismet", probability)]
    [(path, body)] = service.requests
    assert path == "/1.1/comment-check"
    sent = parse_qs(body)
    assert (sent["comment_content"], sent["user_ip"], sent["api_key"]) == (
        ["Fine tables!"],
        ["198.51.100.7"],
        ["a-key"],
    )


@pytest.mark.parametrize(
    "answer",
    [
        '{"probability": 7}',
        '{"probability": -1}',
        '{"probability": NaN}',
        "",
        "[]",
        '{"probability": null}',
        '{"probability": "x"}',
        "\xff",
    ],
)
def test_an_invalid_answer_counts_as_missing(service, scorers, answer):
    service.answer = answer
    scorers["scorer"] = HttpScorer(service.url)
    assert ask_scorers(ASKED) == [ScoreAnswer("scorer", None)]


def test_an_error_counts_as_a_missing_answer(service, scorers):
    service.status = 500
    scorers["scorer"] = HttpScorer(service.url)
    assert ask_scorers(ASKED) == [ScoreAnswer("scorer", None)]
    scorers["scorer"] = HttpScorer("http://127.0.0.1:1")
    assert ask_scorers(ASKED) == [ScoreAnswer("scorer", None)]


def test_a_slow_scorer_does_not_delay_the_comment_or_another_scorer(service, scorers, monkeypatch):
    """The slow one is still silent when the answer of the quick one is given."""
    monkeypatch.setattr("moderation.spam_filter.external_scorers.TIMEOUT", 3)
    quick = Service()
    quick.answer = '{"probability": 0.5}'
    service.may_answer.clear()
    scorers |= {"scorer": HttpScorer(quick.url), "akismet": HttpScorer(service.url)}
    found = ask_scorers(ASKED)
    service.may_answer.set()
    assert found == [ScoreAnswer("scorer", 0.5), ScoreAnswer("akismet", None)]
    quick.server.shutdown()


def test_a_scorer_that_fails_repeatedly_is_paused(service, scorers, monkeypatch):
    service.status = 500
    scorers["scorer"] = HttpScorer(service.url)
    for _ in range(external_scorers.FAILURES_BEFORE_COOLDOWN + 2):
        ask_scorers(ASKED)
    assert len(service.requests) == external_scorers.FAILURES_BEFORE_COOLDOWN
    monkeypatch.setattr("moderation.spam_filter.external_scorers.COOLDOWN", 0.0)
    service.status, service.answer = 200, '{"probability": 0.2}'
    assert ask_scorers(ASKED) == [ScoreAnswer("scorer", 0.2)]


@pytest.fixture
def asked_here(service, settings):
    settings.SCORER_URL = service.url
    external_scorers.configured_scorers.cache_clear()
    yield service
    external_scorers.configured_scorers.cache_clear()


@pytest.mark.django_db
def test_an_answer_is_one_signal_of_the_filter_and_holds_nothing_alone(asked_here, starter, maria, settings):
    settings.SITE_URL = "https://x.example"
    article = make_article("The slip closes")
    guest = GuestFactory.create(confirmed_at=timezone.now())
    first = make_comment(article, "The first word.", guest=guest, ip="198.51.100.7")
    decide(ids=[first.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    asked_here.answer = '{"probability": 1.0}'
    comment = make_comment(
        article, "The slip is sixty years old, and it shows.", guest=guest, ip="198.51.100.7"
    )
    found = {f.check_name: f for f in Finding.objects.filter(comment=comment)}
    assert (found["scorer"].strength, found["scorer"].holds) == (1.0, False)
    assert comment.state == State.PUBLISHED
    sent = json.loads(asked_here.requests[-1][1])
    assert (sent["body"], sent["title"]) == ("The slip is sixty years old, and it shows.", "The slip closes")
    assert sent["article"] == "https://x.example/stories/the-slip-closes/"

    asked_here.answer = '{"probability": 0.0}'
    other = make_comment(
        article, "The slip is fifty years old, and so it looks.", guest=guest, ip="198.51.100.7"
    )
    scores = [Finding.objects.get(comment=c, check_name="filter").strength for c in (comment, other)]
    assert scores[0] > scores[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("writer", ["member", "new guest", "guest whose comments are deleted"])
def test_no_transaction_is_open_while_scorers_are_asked(asked_here, starter, client, monkeypatch, writer):
    """A slow answer would hold the locks of all rows that were written before."""
    in_transaction = []

    def ask(_request: ScoreRequest) -> list[ScoreAnswer]:
        in_transaction.append(connection.in_atomic_block)
        return []

    reply_url = f"{make_article().get_absolute_url()}reply/"
    sent = {"body": "It did.", "nonce": uuid4(), "name": "Ida", "email": "ida@example.org"}
    if writer == "member":
        client.force_login(confirm_email(UserFactory.create()))
    if writer == "guest whose comments are deleted":
        assert client.post(reply_url, sent | {"nonce": uuid4()}).status_code == 302
        assert client.post(f"/comments/{Comment.objects.get().pk}/delete/").status_code == 302
    monkeypatch.setattr("moderation.spam_filter.scoring.ask_scorers", ask)
    assert client.post(reply_url, sent | {"body": "It did, and it does."}).status_code == 302
    assert in_transaction == [False]


@pytest.mark.django_db
def test_a_missing_answer_is_a_finding(asked_here, starter):
    asked_here.status = 500
    comment = make_comment(make_article(), "The slip is sixty years old, and it shows.", ip="198.51.100.7")
    found = {f.check_name: f for f in Finding.objects.filter(comment=comment)}
    assert not found["scorer_silent"].holds
    silent = registry.get("scorer_silent")
    assert silent.explain_to_moderator(found["scorer_silent"], None).endswith(
        "gave no usable answer in time."
    )


@pytest.mark.django_db
def test_a_text_with_a_nudge_is_not_sent(asked_here, starter):
    article = make_article("The slip closes")
    body = "Two links: https://lindal.example/minutes https://lindal.example/budget"
    with pytest.raises(NudgeError):
        make_comment(article, body, ip="198.51.100.7", nudges={Nudge.MANY_LINKS})
    assert asked_here.requests == []
    make_comment(article, body, ip="198.51.100.7")
    assert len(asked_here.requests) == 1
