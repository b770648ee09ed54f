"""Reading request bodies without a server. test_slow_clients.py tests the rest."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from config.server import request_bodies
from config.server.request_bodies import (
    MAX_IN_MEMORY,
    Body,
    ClientDisconnectedError,
    RequestBodyError,
    has_body,
    read_body,
)

MB = 1024 * 1024

Messages = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def check_nothing_is_kept() -> Iterator[None]:
    yield
    assert (Body.memory_used, Body.files_used) == (0, 0)


def read(messages: Messages, **environ: str) -> tuple[Body, dict[str, Any]]:
    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    variables: dict[str, Any] = dict(environ)
    return asyncio.run(read_body(variables, receive)), variables


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def read_bytes(size: int) -> Body:
    """Return the body of a request that sends this many bytes in parts of a megabyte."""
    parts = [part(b"x" * min(MB, size - at), more=True) for at in range(0, size, MB)]
    body, _environ = read([*parts, part(b"")], CONTENT_LENGTH=str(size))
    return body


def test_parts_become_one_body_of_known_length() -> None:
    body, environ = read([part(b"a=", more=True), part(b"b", more=True), part(b"")])
    with body:
        assert environ["CONTENT_LENGTH"] == "3"
        assert environ["wsgi.input"].read() == b"a=b"


def test_requests_that_have_a_body() -> None:
    assert has_body({"CONTENT_LENGTH": "3"})
    assert has_body({"HTTP_TRANSFER_ENCODING": "chunked"})
    assert not has_body({"CONTENT_LENGTH": "0"})
    assert not has_body({})


def test_an_incomplete_body_is_an_error() -> None:
    for messages in ([part(b"a=", more=True), {"type": "http.disconnect"}], [part(b"a=")]):
        with pytest.raises(ClientDisconnectedError):
            read(messages, CONTENT_LENGTH="3")


def test_a_body_comes_whole_at_each_size() -> None:
    for size in (0, 1, MAX_IN_MEMORY, MAX_IN_MEMORY + 1, 3 * MB):
        with read_bytes(size) as body:
            assert len(body.file.read()) == size


def test_large_bodies_leave_room_for_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "MAX_FILES_TOTAL", 4 * MB)
    with read_bytes(3 * MB), read_bytes(3 * MB):
        with pytest.raises(RequestBodyError, match="too busy at the moment") as refused:
            read_bytes(3 * MB)
        assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
        with read_bytes(10_000) as comment:
            assert comment.size == 10_000
    with read_bytes(3 * MB):
        pass


def test_small_bodies_are_limited_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "MAX_MEMORY_TOTAL", 2 * MB)
    with read_bytes(MB), read_bytes(MB), pytest.raises(RequestBodyError):
        read_bytes(1)
