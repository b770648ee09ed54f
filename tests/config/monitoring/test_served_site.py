"""Metrics, request ids and log lines of `manage.py serve` with its real processes."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from config.server import postgres
from tests.config.conftest import copy_home, data_folder, environment_of
from tests.config.monitoring.helpers import TOKEN, samples
from tests.config.serving import Guest, Served, frozen, serving
from tests.helpers.waiting import PATIENCE, until

VERDICTS = ("publish", "hold", "spam")
MAILED_LINK = "/newsletter/confirm/a-secret-token/"
ID = "c0ffee00-1111-2222-3333-444455556666"


@pytest.fixture(scope="module")
def site(environment: dict[str, str]) -> Iterator[Served]:
    with serving(
        environment | {"METRICS_TOKEN": TOKEN, "LOG_FORMAT": "json", "WEB_PROCESSES": "2"}
    ) as served:
        yield served


@pytest.fixture
def owner(site: Served, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a cursor with the owner's login."""
    monkeypatch.setenv("SOUNDOFF_HOME", str(home))
    with closing(psycopg2.connect(postgres.url("owner"))) as connection:
        connection.autocommit = True
        yield connection.cursor()


def fetch(site: Served, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Send a request over its own connection, so that any web process may answer."""
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)) as web:
        web.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = web.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read().decode()


def scrape(site: Served) -> dict[str, float]:
    status, _headers, text = fetch(site, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    return samples(text)


def log_lines(site: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in site.log.read_text().splitlines()]


def test_the_sum_is_over_all_processes_and_never_goes_down(site: Served, home: Path) -> None:
    name = "soundoff_request_duration_seconds_count{story}"
    folder = home / "cache" / "metrics"
    sent, seen = 0, [scrape(site).get(name, 0)]

    def own_numbers() -> list[float]:
        return [_stories(file) for file in folder.glob("*.json")]

    def both_have_answered() -> bool:
        nonlocal sent
        sent += 1
        assert fetch(site, site.story)[0] == 200
        seen.append(scrape(site).get(name, 0))
        return len(own_numbers()) == 2 and all(own_numbers())

    until(both_have_answered)

    # Each scrape may reach another process, and one learns of another's requests within seconds.
    def all_counted() -> bool:
        seen.append(scrape(site).get(name, 0))
        return seen[-1] == seen[0] + sent

    until(all_counted)
    assert seen == sorted(seen)

    servers = {file.stem.partition("-")[0] for file in folder.glob("*.json")}
    assert len(servers) == 1, "the web server has an id"
    assert not servers & {str(process) for process in site.descendants("granian")}, "which no other one had"

    # The numbers of a process that was killed stay.
    os.kill(int(next(folder.glob("*.json")).stem.partition("-")[2]), signal.SIGKILL)
    until(lambda: len(own_numbers()) == 3)
    assert scrape(site)[name] == seen[-1]
    assert "_granian" in {line["logger"] for line in log_lines(site)}, "it logs that the process has ended"


def _stories(file: Path) -> float:
    """Return the number of stories that one process has answered with."""
    found = json.loads(file.read_bytes())["soundoff_request_duration_seconds"]
    return sum(
        value for name, labels, value in found if name.endswith("_count") and labels["page"] == "story"
    )


def test_answers_are_counted_by_their_kind(site: Served) -> None:
    def difference(before: dict[str, float]) -> dict[str, float]:
        after = scrape(site)
        return {
            name.partition("{")[2].rstrip("}"): value - before.get(name, 0)
            for name, value in after.items()
            if name.startswith("soundoff_requests_total") and value > before.get(name, 0)
        }

    def counted(*kinds: str) -> None:
        until(lambda: difference(before).keys() >= set(kinds))

    before = scrape(site)
    guest = Guest(site)
    assert guest.post("A word about the boat.")[0] == 200
    for _ in range(8):
        fetch(site, site.story)
    page = fetch(site, "/")[2]
    [style, *_] = re.findall(r'href="(/static/[^"]+\.css)"', page)
    fetch(site, style)
    fetch(site, "/nothing/")
    fetch(site, "/healthz")
    counted("cached,2xx", "check,2xx", "made,2xx", "made,4xx", "personal,2xx", "personal,3xx", "static,2xx")
    assert sum(scrape(site).get(f"soundoff_comments_posted_total{{{one}}}", 0) for one in VERDICTS) == 1
    with frozen(site):
        until(lambda: "reach its database" in fetch(site, site.story)[2])
        until(lambda: fetch(site, "/search/?q=boat")[0] == 503)
        found = scrape(site)
        assert found["soundoff_database_up"] == 0
        assert "soundoff_comments_waiting" not in found
    counted("copy,2xx", "unavailable,5xx")
    assert scrape(site)["soundoff_database_up"] == 1


def test_a_reader_of_the_error_page_can_quote_the_line_of_the_log(site: Served, owner: Any) -> None:
    owner.execute("ALTER TABLE articles_article RENAME COLUMN vector TO away")
    try:
        status, headers, page = fetch(site, "/search/?q=secret+jim@example.org")
    finally:
        owner.execute("ALTER TABLE articles_article RENAME COLUMN away TO vector")
    assert status == 500
    request = headers["x-request-id"]
    assert f"<code>{request}</code>" in page

    def lines_of_the_request() -> list[dict[str, Any]]:
        return [line for line in log_lines(site) if line.get("request_id") == request]

    loggers = {"django.request", "config.monitoring.requests"}
    # A thread writes the line of the request.
    until(lambda: {line["logger"] for line in lines_of_the_request()} == loggers)
    lines = lines_of_the_request()
    [failed] = [line for line in lines if "exception" in line]
    assert failed["level"] == "ERROR"
    assert failed["process"] == "web"
    assert "ProgrammingError" in failed["exception"]
    [access] = [line for line in lines if "answer" in line]
    assert {name: access[name] for name in ("method", "page", "status", "answer")} == {
        "method": "GET",
        "page": "search",
        "status": 500,
        "answer": "error",
    }
    assert "secret" not in site.log.read_text()
    assert "jim@" not in site.log.read_text()


def test_each_answer_has_an_id_which_no_client_chooses(site: Served) -> None:
    ids = [fetch(site, path, X_Request_ID=ID)[1]["x-request-id"] for path in ("/", "/", "/healthz", "/x/")]
    assert ID not in ids
    assert len(set(ids)) == 4
    until(lambda: {line.get("request_id") for line in log_lines(site)} >= set(ids))  # a thread writes them


def test_a_line_of_a_refused_request_has_no_token(site: Served) -> None:
    status, headers, _page = fetch(site, MAILED_LINK)
    assert status == 404
    [refused] = [
        line
        for line in log_lines(site)
        if line.get("request_id") == headers["x-request-id"] and line["logger"] == "django.request"
    ]
    assert refused["message"] == "Not Found: newsletter-confirm"
    assert "a-secret" not in site.log.read_text()


def test_all_that_the_site_prints_is_json(site: Served, owner: Any) -> None:
    # A job that has never run runs in the first round. The next one comes after a minute.
    owner.execute("DELETE FROM moderation_jobrun")
    [scheduler] = site.descendants("tick")
    os.kill(scheduler, signal.SIGKILL)
    until(lambda: {line["process"] for line in log_lines(site)} >= {"serve", "web", "scheduler"})
    names = {"time", "level", "logger", "process", "message"}
    assert all(line.keys() >= names for line in log_lines(site))


def test_json_lines_have_no_passwords_of_the_sample(site: Served, home: Path) -> None:
    stored = json.loads((home / "sample-accounts.json").read_text())["accounts"]
    assert len(stored) == 4
    until(lambda: "of the sample accounts are in" in site.log.read_text())
    assert not any(account["password"] in site.log.read_text() for account in stored)


def test_a_trusted_proxy_chooses_the_id_and_text_has_no_line_for_each_request(
    prepared_home: Path,
) -> None:
    with ExitStack() as stack:
        home = stack.enter_context(data_folder())
        copy_home(prepared_home, home)
        site = stack.enter_context(serving(environment_of(home) | {"BEHIND_PROXY": "127.0.0.1"}))
        assert fetch(site, "/", X_Request_ID=ID)[1]["x-request-id"] == ID
        assert fetch(site, "/metrics")[0] == 404
        assert ID not in site.log.read_text()
        assert fetch(site, MAILED_LINK)[0] == 404
        assert fetch(site, "/a-secret/%E2%82%AC/")[0] == 404
        lines = site.log.read_text()
        assert "Not Found: newsletter-confirm (request " in lines
        assert "Not Found: other (request " in lines
        assert "a-secret" not in lines
