"""Slow, broken and greedy clients of `manage.py serve`, while others read and write."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from config.server.request_bodies import GRACE_SECONDS, MAX_BODY_BYTES
from tests.config.serving import Guest, Served, serving

SLOW = 64  # clients of each kind


@pytest.fixture(scope="module")
def site(environment: dict[str, str]) -> Iterator[Served]:
    with serving(environment) as served:
        yield served


def head(site: Served, method: str, path: str, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(connection: socket.socket) -> bytes:
    """Return everything until the server closes the connection."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_slow_clients_do_not_block_others(site: Served) -> None:
    """64 clients send the body of a POST slowly and 64 the headers, while readers and writers work."""
    done = threading.Event()
    with ExitStack() as stack:
        bodies = [stack.enter_context(site.connect()) for _ in range(SLOW)]
        heads = [stack.enter_context(site.connect()) for _ in range(SLOW)]
        for connection in bodies:
            form = {"Content_Type": "multipart/form-data; boundary=x", "Content_Length": "5000"}
            connection.sendall(head(site, "POST", f"{site.story}reply/", **form) + b"--x")
        for connection in heads:
            connection.sendall(head(site, "GET", site.story)[:-2])

        def trickle() -> None:
            while not done.wait(0.5):
                for connection in bodies:
                    with suppress(OSError):
                        connection.sendall(b"x")
                for connection in heads:
                    with suppress(OSError):
                        connection.sendall(b"X-More: 1\r\n")

        slow = threading.Thread(target=trickle)
        slow.start()
        try:
            for number in range(5):
                assert site.read(site.story)[0] == 200
                assert site.read("/search/?q=boat")[0] == 200  # which a thread answers
                status, page = Guest(site, f"Jim{number}").post(
                    f"Words number {number}, beside slow clients."
                )
                assert status == 200, page
            time.sleep(GRACE_SECONDS)
            late = [answer(connection) for connection in bodies]
            assert not any(b" 200 " in answer(connection) for connection in heads)  # they are closed as well
        finally:
            done.set()
            slow.join()
    assert {text.partition(b"\r\n")[0] for text in late} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(b"took too long to arrive" in text and b"connection: close" in text for text in late)


def test_a_large_body_on_a_slow_line_arrives(site: Served) -> None:
    """The speed is that of 8 MB at 1 Mbit/s, for 8 seconds."""
    body = urlencode({"body": "x" * 1_000_000}).encode()
    with site.connect() as connection:
        fields = {"Content_Length": str(len(body)), "Content_Type": "application/x-www-form-urlencoded"}
        connection.sendall(head(site, "POST", f"{site.story}reply/", Connection="close", **fields))
        for at in range(0, len(body), 15_625):
            connection.sendall(body[at : at + 15_625])
            time.sleep(0.125)
        text = answer(connection)
    assert text.startswith(b"HTTP/1.1 403"), text[:200]  # Django has read it and misses the token


def test_a_body_that_is_too_large_is_refused_in_a_sentence(site: Served) -> None:
    size = MAX_BODY_BYTES + 1
    with site.connect() as connection:  # a client that asks first is refused before it sends
        connection.sendall(head(site, "POST", "/", Content_Length=str(size), Expect="100-continue"))
        text = answer(connection)
        assert text.startswith(b"HTTP/1.1 413"), text
    for length in ({"Content_Length": str(size)}, {"Transfer_Encoding": "chunked"}):
        with site.connect() as connection:
            connection.sendall(head(site, "POST", "/", **length))
            part = b"x" * (1 << 20)
            for at in range(0, size, len(part)):
                now = part[: size - at]
                framed = b"%x\r\n%b\r\n" % (len(now), now) if "Transfer_Encoding" in length else now
                connection.sendall(framed)
            if "Transfer_Encoding" in length:
                connection.sendall(b"0\r\n\r\n")
            text = answer(connection)
        assert text.startswith(b"HTTP/1.1 413"), text
        assert b"larger than 64 MB" in text
        assert b"<h1>This request was refused</h1>" in text
        assert b"connection: close" in text


def test_a_chunked_form_is_understood(site: Served) -> None:
    guest = Guest(site, "Chun")
    hidden = guest.open_form()
    fields = {"name": "Chun", "email": "chun@example.org", "body": "Sent in two pieces."} | hidden
    body = urlencode(fields).encode()
    web = HTTPConnection("127.0.0.1", site.port, timeout=60)
    headers = {
        "Cookie": guest.cookies(),
        "Origin": site.url,
        "Content-Type": "application/x-www-form-urlencoded",
        "Expect": "100-continue",
    }
    web.request("POST", f"{site.story}reply/", iter([body[:30], body[30:]]), headers, encode_chunked=True)
    found = web.getresponse()
    assert found.status == 302, found.read()
    web.close()


def test_expect_100_continue(site: Served) -> None:
    with site.connect() as connection:
        fields = {"Content_Length": "3", "Expect": "100-continue", "Connection": "close"}
        connection.sendall(head(site, "POST", f"{site.story}reply/", **fields))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"a=b")
        assert answer(connection).startswith(b"HTTP/1.1 403")


def test_a_disconnected_client_costs_nothing(site: Served) -> None:
    for kind in ({"Content_Length": "5000"}, {"Transfer_Encoding": "chunked"}):
        for _ in range(40):
            with site.connect() as connection:
                connection.sendall(head(site, "POST", "/nothing/", **kind) + b"3\r\na=b\r\n")
    with site.connect() as connection:  # the other half is open: it waits for an answer
        connection.sendall(head(site, "POST", "/nothing/", Content_Length="5000") + b"body=")
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in answer(connection)
    assert site.read(site.story)[0] == 200


def test_idle_connections_leave_room_for_readers(site: Served) -> None:
    with ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(site.connect())
        assert site.read(site.story)[0] == 200


def test_a_slow_reader_of_a_large_answer_holds_no_thread(site: Served) -> None:
    with ExitStack() as stack:
        for _ in range(32):
            connection = stack.enter_context(site.connect())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head(site, "GET", "/static/admin/js/vendor/xregexp/xregexp.js") * 4)
        assert site.read("/search/?q=boat")[0] == 200


def test_head_and_not_modified(site: Served) -> None:
    web = HTTPConnection("127.0.0.1", site.port, timeout=60)
    for path in (site.story, "/accounts/login/"):
        web.request("GET", path)
        whole = web.getresponse()
        size = len(whole.read())
        web.request("HEAD", path)
        only = web.getresponse()
        assert only.read() == b""
        assert int(only.headers["Content-Length"]) == int(whole.headers["Content-Length"]) == size
    web.request("GET", site.story)
    etag = web.getresponse()
    etag.read()
    web.request("GET", site.story, headers={"If-None-Match": etag.headers["ETag"]})
    unchanged = web.getresponse()
    assert (unchanged.status, unchanged.read()) == (304, b"")
    web.close()


def test_long_heads_are_refused(site: Served) -> None:
    for path, fields in ((f"/{'x' * 300_000}", {}), ("/", {"X_Long": "x" * 300_000})):
        with site.connect() as connection:
            with suppress(ConnectionError):
                connection.sendall(head(site, "GET", path, **fields))
            text = answer(connection)
            assert re.match(rb"HTTP/1.1 4(14|31) ", text) or not text
    assert site.read(site.story)[0] == 200


def test_a_header_with_an_underscore_is_ignored(site: Served) -> None:
    with site.connect() as connection:
        text = head(site, "GET", "/readyz", Connection="close").replace(b"Host", b"If_None_Match: *\r\nHost")
        connection.sendall(text)
        assert json.loads(answer(connection).partition(b"\r\n\r\n")[2])["status"] == "ready"
