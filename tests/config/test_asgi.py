"""The ASGI application, in its own process, since it sets how database connections wait."""

import json
import os
import select
import subprocess
import sys

import pytest

from core.data_folder import PROJECT
from tests.helpers.waiting import PATIENCE

# Two requests fail outside Django: one in its thread, and one in the event loop, by a page that is damaged.
PROGRAM = """
import asyncio, json
from types import SimpleNamespace

from config.asgi import Application, make_environ
from config.page_cache.application import PageCacheApp
from config.page_cache.keys import make_key
from core.monitoring.metrics import REGISTRY

def broken(environ, start_response):
    raise RuntimeError("broken")

async def ask(path):
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5),
        "headers": [(b"host", b"127.0.0.1:8000")],
    }
    if path == "/":
        damaged = SimpleNamespace(size=1, dependencies=SimpleNamespace(language="en"))
        site.pages.entries.put(make_key(make_environ(scope)), damaged)
    sent = []
    async def send(message):
        sent.append(message)
    await site(scope, None, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    print(json.dumps([sent[0]["status"], headers["x-request-id"], sent[1]["body"].decode()]))

site = Application(PageCacheApp(broken))
for path in ("/static/site.css", "/"):
    asyncio.run(ask(path))
print(REGISTRY.get_sample_value("soundoff_requests_total", {"answer": "error", "status": "5xx"}))
"""

# All threads wait, as for a database that answers nothing, and further requests wait for a thread.
ALL_THREADS_WAIT = """
import asyncio, threading

from config.asgi import Application, django, make_environ
from config.page_cache.application import THREADS, PageCacheApp

waiting, released = threading.Semaphore(0), threading.Event()

def wait(environ, start_response):
    if environ["PATH_INFO"] == "/healthz":
        return django(environ, start_response)
    waiting.release()
    released.wait()
    start_response("204 No Content", [])
    return []

async def ask(path):
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5),
        "headers": [],
    }
    sent = []
    async def send(message):
        sent.append(message)
    await site(scope, None, send)
    return sent[0]["status"]

async def main():
    others = [asyncio.ensure_future(ask("/metrics")) for _ in range(2 * THREADS)]
    for _ in range(THREADS):
        await asyncio.to_thread(waiting.acquire)
    print(await ask("/healthz"), flush=True)
    released.set()
    print(sorted(set(await asyncio.gather(*others))))

site = Application(PageCacheApp(wait))
asyncio.run(main())
"""

# Prints for each address of a client which headers of its request are trusted.
PROXY_HEADERS = """
import json, sys
from config.asgi import make_environ

for client in sys.argv[1:]:
    environ = make_environ({
        "method": "GET", "raw_path": b"/", "query_string": b"", "http_version": "1.1", "scheme": "http",
        "server": ("10.0.0.11", 8000), "client": (client, 5),
        "headers": [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https"),
                    (b"x-request-id", b"chosen-by-it"), (b"accept-language", b"en")],
    })
    print(json.dumps(sorted(name for name in environ if name.startswith("HTTP_"))))
"""

# More lines than the pipe and the queue hold, and nobody reads them.
FULL_PIPE = """
import config.asgi
from config.monitoring import requests
from core.monitoring.request_ids import KEY

requests.write_lines_in_thread()
for number in range(2 * requests.MAX_LINES):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", KEY: f"{number:08}"}
    requests.start_timer(environ)
    requests.record_response(environ, "200 OK")
print("answered", flush=True)
"""


def test_an_output_that_accepts_nothing_stops_no_request() -> None:
    env = {**os.environ, "LOG_FORMAT": "json", "PYTHONWARNINGS": "ignore"}
    argv = [sys.executable, "-c", FULL_PIPE]
    with subprocess.Popen(argv, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as site:
        assert site.stdout
        assert site.stderr
        try:
            readable, *_ = select.select([site.stdout], [], [], PATIENCE)
            assert readable, "the requests wait for the log"
            assert site.stdout.readline() == b"answered\n"
            first = json.loads(site.stderr.readline())
            assert (first["request_id"], first["status"]) == ("00000000", 200)
        finally:
            site.kill()


@pytest.mark.parametrize(
    ("behind", "trusted", "warnings"),
    [
        ("10.0.0.5, fd00::/64", [True, True, True, False, False, False], 3),
        ("1", [True] * 6, 0),
        ("0", [False] * 6, 0),
    ],
)
def test_only_a_named_proxy_says_who_the_client_is(behind: str, trusted: list[bool], warnings: int) -> None:
    clients = ["10.0.0.5", "::ffff:10.0.0.5", "fd00::7", "10.0.0.6", "192.0.2.1", "unix:"]
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "BEHIND_PROXY": behind, "LOG_FORMAT": "json"}
    argv = [sys.executable, "-c", PROXY_HEADERS, *clients]
    done = subprocess.run(argv, cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    from_proxy = ["HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REQUEST_ID"]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["HTTP_ACCEPT_LANGUAGE", *(from_proxy if is_proxy else [])] for is_proxy in trusted
    ]
    assert done.stderr.count("is not in BEHIND_PROXY. They are ignored.") == warnings


def test_an_exception_outside_django_is_counted_logged_and_answered() -> None:
    # Warnings, such as that there are no static files, are not printed.
    env = {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
        "LOG_FORMAT": "json",
        "SITE_URL": "http://127.0.0.1:8000",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *answers, counted = map(json.loads, done.stdout.splitlines())
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(answers) == counted == 2
    for (status, request, page), error in zip(answers, ("RuntimeError", "AttributeError"), strict=True):
        assert status == 500
        assert f"<code>{request}</code>" in page
        [failed] = [line for line in lines if line.get("request_id") == request and "exception" in line]
        assert error in failed["exception"]
        [access] = [line for line in lines if line.get("request_id") == request and "answer" in line]
        assert (access["status"], access["answer"]) == (500, "error")


def test_a_health_check_is_answered_while_all_threads_wait() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALL_THREADS_WAIT],
        cwd=PROJECT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "SITE_URL": "http://127.0.0.1:8000"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout.splitlines() == ["200", "[204]"], done.stderr
