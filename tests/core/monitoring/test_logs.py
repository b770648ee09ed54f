"""The formats of log lines."""

import json
import logging
import sys

import pytest
from django.core.exceptions import PermissionDenied

from core.monitoring.logs import JSONFormatter, TextFormatter, UrlNameFilter, process_kind
from core.monitoring.request_ids import current_id
from tests.helpers.growth import LINEAR, growth

REFUSED_ROW = """null value in column "name"
DETAIL:  Failing row contains (7, a secret
word, jim@b.org)."""
REFUSED_STATEMENT = """invalid input syntax for type integer: "x"
LINE 1: INSERT INTO t VALUES ('a word', 'x')
                                        ^"""


def record(message: str, *values: object, error: BaseException | None = None) -> logging.LogRecord:
    exception = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("core.x", logging.WARNING, "x.py", 1, message, values, exception)


def line(*values: object, **more: BaseException) -> dict[str, object]:
    text = JSONFormatter().format(record(*values, **more))
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_line_for_programs_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/srv/soundoff/manage.py", "db_worker", "--no-reload"])
    found = line("The job %s\nfailed.", "erase")
    assert str(found.pop("time")).endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "core.x",
        "process": "worker",
        "message": "The job erase\nfailed.",
    }


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["manage.py", "tick", "--forever"], "scheduler"),
        (["manage.py", "serve"], "serve"),
        (["manage.py"], ""),
        (["/usr/lib/python3/granian/__main__.py", "--interface"], "web"),
        ([], "web"),
    ],
)
def test_the_kind_of_a_process(argv: list[str], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    assert process_kind() == kind


def test_a_line_names_the_request_that_caused_it() -> None:
    token = current_id.set("3f9a1c2b")
    try:
        assert line("Slow.")["request_id"] == "3f9a1c2b"
        assert TextFormatter("%(message)s").format(record("Slow.")) == "Slow. (request 3f9a1c2b)"
    finally:
        current_id.reset(token)
    assert "request_id" not in line("Slow.")
    assert TextFormatter("%(message)s").format(record("Slow.")) == "Slow."


def test_fields_of_a_record_are_added() -> None:
    one = record("GET story")
    one.fields = {"status": 200, "seconds": 0.0012}
    assert json.loads(JSONFormatter().format(one)).items() >= {"status": 200, "seconds": 0.0012}.items()


def test_a_line_has_no_addresses_and_no_query_strings() -> None:
    found = line("Mail to %s: GET https://example.org/search/?q=a+boat failed.", "jim@example.org")
    assert found["message"] == "Mail to …@…: GET https://example.org/search/ failed."
    assert line("Really? Yes/no?")["message"] == "Really? Yes/no?"


@pytest.mark.parametrize("part", ["a", "/", "?", "@", "a@", "/?", "a/", ":/", "\nLINE 1", "\nDETAIL:"])
def test_a_long_text_takes_no_longer_for_each_letter(part: str) -> None:
    """In quadratic time it would take at least ten seconds: a path of 60,000 letters could stop the site."""

    def format_line(path: str) -> None:
        line("Not Found: %s", path)

    assert growth(format_line, lambda size: f"/{part * (size // len(part))}", 15_000) < LINEAR


def test_an_exception_has_no_values_of_the_database() -> None:
    error = RuntimeError(REFUSED_STATEMENT)
    error.__cause__ = ValueError(REFUSED_ROW)
    text = str(line("It failed.", error=error)["exception"])
    assert 'ValueError: null value in column "name"\n\nThe above exception' in text
    assert text.endswith('RuntimeError: invalid input syntax for type integer: "x"')
    assert not any(word in text for word in ("secret", "jim", "a word", "VALUES"))


@pytest.mark.parametrize(("status", "has_traceback"), [(403, False), (500, True)])
def test_only_a_server_error_is_logged_with_its_traceback(status: int, has_traceback: bool) -> None:
    made = record("Forbidden: %s", "/moderation/", error=PermissionDenied())
    made.status_code = status
    assert UrlNameFilter().filter(made)
    assert ("PermissionDenied" in TextFormatter().format(made)) == has_traceback
