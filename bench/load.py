"""Load generators: many readers with wrk, one sequential client, and concurrent writers."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from urllib.parse import urlsplit

TIMEOUT = 120  # seconds


@dataclass(frozen=True)
class Target:
    """A server and a page to request. `spent` returns the processor seconds of all its processes so far."""

    name: str
    url: str
    spent: Callable[[], float]
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0  # minimum seconds of a load, for slow servers

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    def question(self) -> bytes:
        parts = urlsplit(self.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return request("GET", path, parts.netloc, self.headers)


@dataclass(frozen=True)
class Measured:
    """The figures of one measurement."""

    rate: float  # responses a second
    p50: float  # milliseconds
    p99: float
    processor: float  # processor milliseconds a response
    count: int
    errors: Counter[str] = field(default_factory=Counter)
    size: float = 0  # bytes of a response as sent


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each figure; errors are added up."""
    return Measured(
        rate=median(m.rate for m in rounds),
        p50=median(m.p50 for m in rounds),
        p99=median(m.p99 for m in rounds),
        processor=median(m.processor for m in rounds),
        count=sum(m.count for m in rounds),
        errors=sum((m.errors for m in rounds), Counter[str]()),
        size=median(m.size for m in rounds),
    )


def read(target: Target, readers: int, seconds: float) -> Measured:
    """Request the page by this many readers at once, each sending its next request after the response."""
    if not shutil.which("wrk"):
        # Enough to see that a bench runs. This client is slower than what it should measure.
        return send(target, [target.question()] * readers, readers, lambda status, head: status == 200)
    settle(target)
    seconds = max(seconds, target.patience)
    before = target.spent()
    options = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    report = subprocess.run(
        [
            *("wrk", "-t", "1", "-c", str(readers), "-d", f"{seconds:g}s", "--timeout", f"{TIMEOUT}s"),
            *("--latency", *options, target.url),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    spent = target.spent() - before
    answers = int(_find(r"(\d+) requests in", report) or 0)
    if not answers:
        raise RuntimeError(f"{target.name} answered nothing:\n{report}")
    errors = Counter[str]()
    if wrong := _find(r"Non-2xx or 3xx responses: (\d+)", report):
        errors["not 2xx or 3xx"] = int(wrong)
    if broken := _find(r"Socket errors: (.+)", report):
        errors[broken] = 1
    return Measured(
        rate=float(_find(r"Requests/sec:\s+([\d.]+)", report) or 0),
        p50=_milliseconds(_find(r"\n\s+50%\s+(\S+)", report)),
        p99=_milliseconds(_find(r"\n\s+99%\s+(\S+)", report)),
        processor=1000 * spent / answers,
        count=answers,
        errors=errors,
        size=_bytes(_find(r"requests in [\d.]+\w+, ([\d.]+\w+) read", report)) / answers,
    )


def settle(target: Target) -> None:
    """Wait until the server has finished the work of an earlier load."""
    for _ in range(240):
        before = target.spent()
        time.sleep(0.25)
        if target.spent() - before <= 0.02:
            return


def ask(target: Target, times: int, before: Callable[[], object] | None = None) -> Measured:
    """Send requests one after the other. `before` runs before each one and is not timed."""
    settle(target)
    question, wire = target.question(), Wire(target.port)
    errors, took, sizes = Counter[str](), list[float](), list[int]()
    spent, began = target.spent(), time.perf_counter()
    for _ in range(times):
        if before:
            before()
        start = time.perf_counter()
        status, size = wire.exchange(question)
        took.append(time.perf_counter() - start)
        sizes.append(size)
        if status != 200:
            errors[str(status)] += 1
    return _summarize(took, time.perf_counter() - began, target.spent() - spent, errors, sizes)


def send(
    target: Target, questions: Sequence[bytes], writers: int, good: Callable[[int, bytes], bool]
) -> Measured:
    """Send all requests by this many writers at once. `good` checks the status and head of a response."""
    settle(target)
    number, took, errors = count(), list[float](), Counter[str]()

    def write() -> None:
        wire = Wire(target.port)
        while (mine := next(number)) < len(questions):
            start = time.perf_counter()
            try:
                status, _ = wire.exchange(questions[mine])
            except OSError as error:
                errors[type(error).__name__] += 1
                wire = Wire(target.port)
                continue
            if good(status, wire.head):
                took.append(time.perf_counter() - start)
            else:
                errors[str(status)] += 1

    threads = [threading.Thread(target=write) for _ in range(writers)]
    spent, began = target.spent(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _summarize(took, time.perf_counter() - began, target.spent() - spent, errors, [0])


def request(
    method: str, path: str, host: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of an HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Wire:
    """A keep-alive connection with little overhead: the client shares the processor with the server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.head = b""
        self.rest = b""
        self.socket: socket.socket | None = None

    def exchange(self, question: bytes) -> tuple[int, int]:
        """Send a request and read the whole response. Return its status and the length of its body."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(question)
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        self.head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        low = self.head.lower()
        size = 0
        if length := re.search(rb"\r\ncontent-length: (\d+)", low):
            size = int(length[1])
            while len(self.rest) < size:
                self._receive()
            self.rest = self.rest[size:]
        elif b"\r\ntransfer-encoding: chunked" in low:
            while not self.rest.endswith(b"0\r\n\r\n"):
                self._receive()
            size, self.rest = len(self.rest), b""
        if b"\r\nconnection: close" in low:
            self.socket.close()
            self.socket = None
        return int(self.head[9:12]), size

    def _receive(self) -> None:
        assert self.socket
        if not (part := self.socket.recv(1 << 18)):
            raise ConnectionError("The server hung up.")
        self.rest += part


def _summarize(
    took: list[float], seconds: float, spent: float, errors: Counter[str], sizes: list[int]
) -> Measured:
    took.sort()
    good = len(took)
    return Measured(
        rate=good / seconds,
        p50=1000 * took[good // 2] if good else float("nan"),
        p99=1000 * took[min(good - 1, good * 99 // 100)] if good else float("nan"),
        processor=1000 * spent / max(1, good),
        count=good,
        errors=errors,
        size=median(sizes),
    )


def _find(pattern: str, text: str) -> str | None:
    return found[1] if (found := re.search(pattern, text)) else None


def _milliseconds(text: str | None) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text or "nan").groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def _bytes(text: str | None) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(B|KB|MB|GB)", text or "0B").groups()  # type: ignore[union-attr]
    return float(number) * {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]
