"""Measure which parts of the program take the time of a request or command, as shares of the profiled time.

The requests are answered in the process of the bench, by the page cache and Django as in a web process
without its event loop, because a profile of another process would need its help. cProfile counts each call of
a Python function and makes it slower; so read the shares of the Python parts beside each other, and not as
milliseconds.
"""

import cProfile
import re
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.runner import rows
from core.data_folder import PROJECT

WAITING = "waiting for Postgres"
LIBRARIES = {  # folders in site-packages, the first that matches
    "django/db": "Django: models and SQL",
    "django/template": "Django: templates",
    "django/forms": "Django: forms",
    "django/utils/translation": "Django: translation",
    "django": "Django: requests and the rest",
    "jinja2": "Jinja2",
    "psycopg2": "psycopg2",
}
OUR_PARTS = re.compile(r"(moderation|comments)/(\w+)|(\w+)/")  # packages of the large apps, or whole apps
MIN_SHARE = 0.01  # of the time that a part of the program takes to have a row in a table


def table(by_kind: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Yield a table of the shares by kind: the parts that take MIN_SHARE of a kind, the largest first."""
    names = dict.fromkeys(part for shares in by_kind.values() for part in shares)
    parts = {part: [shares.get(part, 0) for shares in by_kind.values()] for part in names}
    ordered = sorted(parts.items(), key=lambda item: -sum(item[1]))
    lines = (
        f"{part} | {' | '.join(f'{share:.0%}' for share in shares)}"
        for part, shares in ordered
        if max(shares) >= MIN_SHARE
    )
    yield from rows(f"part of the program | {' | '.join(by_kind)}", lines)


def profile_call(call: Callable[[], object]) -> dict[str, float]:
    """Return the share of the time of each part of the program in one call, the largest first."""
    profiler = cProfile.Profile()
    profiler.runcall(call)
    return _shares(profiler.getstats())


def profile(
    requests: Iterable[bytes], warm_up: int, before: Callable[[], None] | None = None
) -> dict[str, float]:
    """Return the share of the time of each part of the program, the largest first.

    The first `warm_up` requests are not counted, nor is `before`, which runs before each request.
    """
    from django.core.handlers.wsgi import WSGIHandler

    from config.page_cache.application import PageCacheApp

    application, profiler = PageCacheApp(WSGIHandler()), cProfile.Profile()
    statuses: list[str] = []
    for number, request in enumerate(requests):
        if before:
            before()
        environ = _environ(request)
        if number >= warm_up:
            profiler.enable()
        body = application(environ, lambda status, *_headers: statuses.append(status))
        for _chunk in body:
            pass
        profiler.disable()
        if hasattr(body, "close"):
            body.close()
    application.close()
    if failed := [status for status in statuses if status[:3] not in {"200", "302"}]:
        raise RuntimeError(f"{len(failed)} of {len(statuses)} requests failed: {failed[0]}")
    return _shares(profiler.getstats())


def _environ(request: bytes) -> dict[str, Any]:
    """Return a request as it is sent, as the environment of WSGI."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _version = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    host, _, port = headers["Host"].partition(":")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": headers.get("Content-Length", ""),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }


def _shares(entries: Iterable[Any]) -> dict[str, float]:
    """Return the shares of a profile. The time of a built-in function counts for the part that calls it."""
    seconds: Counter[str] = Counter()
    for entry in entries:
        if not isinstance(entry.code, types.CodeType):
            continue
        part = _part(entry.code.co_filename)
        seconds[part] += entry.inlinetime
        for called in entry.calls or ():
            if isinstance(called.code, str):
                waits = "psycopg2" in called.code and re.search("execute|copy", called.code)
                seconds[WAITING if waits else part] += called.inlinetime
    total = seconds.total()
    return {part: time / total for part, time in seconds.most_common()}


def _part(path: str) -> str:
    if Path(path).is_relative_to(PROJECT) and "site-packages" not in path:
        found = OUR_PARTS.match(str(Path(path).relative_to(PROJECT)))
        if found:
            return ".".join(filter(None, found.groups()))
    for folder, name in LIBRARIES.items():
        if f"site-packages/{folder}/" in path:
            return name
    if "site-packages/" in path:
        return "other libraries"
    return "Python's own library"
