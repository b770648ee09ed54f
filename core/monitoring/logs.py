"""The formats of log lines, and a filter of their contents. The settings choose a format by LOG_FORMAT."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from django.http import HttpRequest

from core.mail.failures import mask_email_addresses
from core.monitoring.request_ids import current_id

# The key in the environ of a request, set by config.middleware.UrlNameMiddleware and for a cached page.
URL_NAME_KEY = "soundoff.url_name"
NO_NAME = "other"  # of a path that is not in the URLs

# Names of processes by the command of manage.py that they run; others have the command's own name.
_PROCESSES = {"db_worker": "worker", "tick": "scheduler"}
# A match starts only where a word does: from each slash of a long path it would take quadratic time.
_QUERY_STRING = re.compile(r"(?<![^\s?\"'<>])([^\s?\"'<>/]*/[^\s?\"'<>]*)\?[^\s\"'<>]+")
# Postgres repeats values of the refused row or statement in these parts of its messages.
_VALUES = re.compile(r"\n(?:DETAIL|CONTEXT|LINE \d+):.*?(?=\n\n(?:The above|During handling)|\Z)", re.DOTALL)


class UrlNameFilter(logging.Filter):
    """Replaces paths of requests in Django's lines by names of URLs, because paths contain tokens.

    A line about a page that somebody may not see (403) gets no traceback: nothing is wrong.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request: HttpRequest | None = getattr(record, "request", None)
        if request and isinstance(record.args, tuple):
            path = request.path.encode("unicode_escape").decode("ascii")  # as log_response() writes it
            name = request.META.get(URL_NAME_KEY) or NO_NAME
            record.args = tuple(name if value == path else value for value in record.args)
        if getattr(record, "status_code", None) == HTTPStatus.FORBIDDEN:
            record.exc_info = None
        return True


class TextFormatter(logging.Formatter):
    """Lines for people: the message, and the id of the request."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        text = super().formatMessage(record)
        request = _request_id(record)
        return f"{text} (request {request})" if request else text


class JSONFormatter(logging.Formatter):
    """Lines for programs: one JSON object each, without e-mail addresses, query strings and stored values.

    `fields` of the record, a dictionary, are added to the object.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": process_kind(),
            "message": _without_personal_data(record.getMessage()),
        }
        if request := _request_id(record):
            line["request_id"] = request
        if record.exc_info:
            line["exception"] = _without_personal_data(self.formatException(record.exc_info))
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False)


def process_kind() -> str:
    """Return the kind of process: web, worker, scheduler, or the name of another command of manage.py."""
    program, command = [*sys.argv, "", ""][:2]
    return _PROCESSES.get(command, command) if Path(program).name == "manage.py" else "web"


def _request_id(record: logging.LogRecord) -> str:
    return getattr(record, "request_id", "") or current_id.get()


def _without_personal_data(text: str) -> str:
    return mask_email_addresses(_QUERY_STRING.sub(r"\1", _VALUES.sub("", text)))
