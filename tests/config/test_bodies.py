"""What is read of a body where nobody is served; test_slow_clients.py has the rest."""

import asyncio
from typing import Any

import pytest

from config import bodies
from config.bodies import Body, ClientGoneError, RefusedError, has_body, read_body

Messages = list[dict[str, Any]]


def read(messages: Messages, **environ: str) -> tuple[Body, dict[str, Any]]:
    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    variables: dict[str, Any] = dict(environ)
    return asyncio.run(read_body(variables, receive)), variables


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_parts_become_one_body_of_known_length() -> None:
    body, environ = read([part(b"a=", more=True), part(b"b", more=True), part(b"")])
    with body:
        assert environ["CONTENT_LENGTH"] == "3"
        assert environ["wsgi.input"].read() == b"a=b"


def test_who_has_a_body() -> None:
    assert has_body({"CONTENT_LENGTH": "3"})
    assert has_body({"HTTP_TRANSFER_ENCODING": "chunked"})
    assert not has_body({"CONTENT_LENGTH": "0"})
    assert not has_body({})


def test_half_a_body_is_none() -> None:
    for messages in ([part(b"a=", more=True), {"type": "http.disconnect"}], [part(b"a=")]):
        with pytest.raises(ClientGoneError):
            read(messages, CONTENT_LENGTH="3")
    assert Body.taken == 0


def test_all_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "ROOM", 5)
    first, _environ = read([part(b"a=b")])
    with first, pytest.raises(RefusedError, match="no room for what you sent") as refused:
        read([part(b"a=b")])
    assert refused.value.answer().status == "503 Service Unavailable"
    second, _environ = read([part(b"a=b")])
    second.close()
    assert Body.taken == 0
