"""Measure which parts of the program, and which functions, take the time of a request or a command.

The requests are answered in the process of the bench, by the page cache and Django as in a web process
without its event loop, because a profile of another process would need its help. cProfile counts each call of
a Python function and makes it slower; so read the shares of the Python parts beside each other, and not as
milliseconds. Other threads must not run meanwhile: from Python 3.12 on cProfile takes their calls for ours.
"""

import cProfile
import re
import sys
import sysconfig
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

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
MIN_FUNCTION_SHARE = 0.02  # of the time that a function takes to have a row in a table
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
# Built-in functions that wait for Postgres.
WAITS = re.compile(r"(execute|copy|commit|rollback).* of 'psycopg2|select\.(select|poll)")
# Folders of functions that send statements for other functions.
SENDERS = ("bench", "core/database")


class Profile(NamedTuple):
    """Shares of the profiled time, from 0 to 1.

    The time of a function is its own, without that of the Python functions that it calls. The wait for a
    statement counts for the function of ours that needs its result, under a name that begins with WAITING.
    """

    parts: dict[str, float]  # by part of the program
    functions: dict[str, float]


def tables(by_kind: Mapping[str, Profile]) -> Iterator[str]:
    """Yield two tables of the shares by kind: the parts of the program, and the functions, that take most."""
    yield from _table("part of the program", {k: p.parts for k, p in by_kind.items()}, MIN_SHARE)
    yield ""
    yield from _table("function", {k: p.functions for k, p in by_kind.items()}, MIN_FUNCTION_SHARE)


def _table(what: str, by_kind: Mapping[str, Mapping[str, float]], least: float) -> Iterator[str]:
    names = dict.fromkeys(name for shares in by_kind.values() for name in shares)
    found = {name: [shares.get(name, 0) for shares in by_kind.values()] for name in names}
    ordered = sorted(found.items(), key=lambda item: -sum(item[1]))
    lines = (
        f"{name} | {' | '.join(f'{share:.0%}' for share in shares)}"
        for name, shares in ordered
        if max(shares) >= least
    )
    yield from rows(f"{what} | {' | '.join(by_kind)}", lines)


class Profiler:
    """A profile of what runs between `start` and `stop`, which may be called several times."""

    def __init__(self) -> None:
        self._calls = cProfile.Profile()
        # Seconds, by the functions that were running, the innermost first.
        self._statements: dict[tuple[types.CodeType, ...], float] = defaultdict(float)
        self._is_running = False

    def start(self) -> None:
        """Count from now on."""
        self._is_running = True
        self._calls.enable()

    def stop(self) -> None:
        """Count no longer."""
        self._calls.disable()
        self._is_running = False

    @contextmanager
    def statements_timed(self) -> Iterator[None]:
        """Time the statements of Django's connection until the block ends."""
        from django.db import connection

        with connection.execute_wrapper(self._time_statement):
            yield

    def _time_statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            if self._is_running:
                seconds = time.perf_counter() - began
                running, frame = list[types.CodeType](), sys._getframe(1)
                while frame.f_back:
                    running.append(frame.f_code)
                    frame = frame.f_back
                self._statements[tuple(running)] += seconds

    def result(self) -> Profile:
        """Return the shares. The time of a built-in function counts for the function that calls it."""
        parts: dict[str, float] = defaultdict(float)
        functions, waits = parts.copy(), parts.copy()
        for entry in self._calls.getstats():
            if not isinstance(entry.code, types.CodeType) or _is_ours(entry.code, ("bench",)):
                continue
            part, function = _part(entry.code), _name(entry.code)
            parts[part] += entry.inlinetime
            functions[function] += entry.inlinetime
            for called in entry.calls or ():
                if not isinstance(called.code, str):
                    continue
                if WAITS.search(called.code):
                    parts[WAITING] += called.inlinetime
                    is_sent_for_others = part.startswith("Django") and "execute" in called.code
                    waits["" if is_sent_for_others else function] += called.inlinetime
                else:
                    parts[part] += called.inlinetime
                    functions[function] += called.inlinetime
        # Django's connection sends the statements of others. Their times have some time of Django's, too.
        by_django, timed = waits.pop("", 0), sum(self._statements.values())
        for running, seconds in self._statements.items():
            waits[_needs_result(running)] += by_django * seconds / timed
        if not timed:
            waits["Django"] += by_django
        functions.update({f"{WAITING}: {name}": seconds for name, seconds in waits.items()})
        return Profile(_shares(parts), _shares(functions))


def profile_call(call: Callable[[Profiler], object]) -> Profile:
    """Return the profile of one call, which may stop it before it ends."""
    profiler = Profiler()
    with profiler.statements_timed():
        profiler.start()
        call(profiler)
        profiler.stop()
    return profiler.result()


def profile(requests: Iterable[bytes], warm_up: int, before: Callable[[], None] | None = None) -> Profile:
    """Return the profile of these requests.

    The first `warm_up` requests are not counted, nor is `before`, which runs before each request.
    """
    from django.core.handlers.wsgi import WSGIHandler

    from config.page_cache.application import PageCacheApp

    application, profiler = PageCacheApp(WSGIHandler()), Profiler()
    statuses: list[str] = []
    no_threads = patch.object(PageCacheApp, "_start_threads", lambda _application: None)
    with profiler.statements_timed(), no_threads:
        for number, request in enumerate(requests):
            if before:
                before()
            environ = _environ(request)
            if number >= warm_up:
                profiler.start()
            body = application(environ, lambda status, *_headers: statuses.append(status))
            for _chunk in body:
                pass
            profiler.stop()
            if hasattr(body, "close"):
                body.close()
    application.close()
    if failed := [status for status in statuses if status[:3] not in {"200", "302"}]:
        raise RuntimeError(f"{len(failed)} of {len(statuses)} requests failed: {failed[0]}")
    return profiler.result()


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


def _shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of the sum, the largest first."""
    total = sum(seconds.values())
    return {name: seconds[name] / total for name in sorted(seconds, key=seconds.__getitem__, reverse=True)}


def _needs_result(running: Iterable[types.CodeType]) -> str:
    """Return the name of the innermost function of ours that needs the result of a statement."""
    ours = (code for code in running if _is_ours(code) and not _is_ours(code, SENDERS))
    return next(map(_name, ours), "Django")


def _is_ours(code: types.CodeType, folders: tuple[str, ...] = ("",)) -> bool:
    """Return whether a function is in one of these folders of the project, or anywhere in it."""
    path = Path(code.co_filename)
    if "site-packages" in path.parts:
        return False
    return any(path.is_relative_to(PROJECT / folder) for folder in folders)


def _name(code: types.CodeType) -> str:
    """Return the name of a function with that of its module, or of its template."""
    if code.co_filename.startswith("<"):  # such as <frozen importlib._bootstrap>
        return f"{code.co_filename} {code.co_qualname}"
    path = Path(code.co_filename)
    _, is_installed, installed = code.co_filename.partition("site-packages/")
    if is_installed:
        path = Path(installed)
    else:
        for folder in (PROJECT, STANDARD_LIBRARY):
            if path.is_relative_to(folder):
                path = path.relative_to(folder)
    if path.suffix == ".jinja":
        return f"{path}: {code.co_name}"
    module = [part for part in path.with_suffix("").parts if part != "__init__"]
    return ".".join([*module, code.co_qualname.replace("<locals>.", "")])


def _part(code: types.CodeType) -> str:
    path = code.co_filename
    if _is_ours(code):
        found = OUR_PARTS.match(str(Path(path).relative_to(PROJECT)))
        if found:
            return ".".join(filter(None, found.groups()))
    for folder, name in LIBRARIES.items():
        if f"site-packages/{folder}/" in path:
            return name
    if "site-packages/" in path:
        return "other libraries"
    return "Python's own library"
