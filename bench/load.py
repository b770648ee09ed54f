"""Load generators: many readers with wrk, and clients of our own that send prepared requests."""

import gzip
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

TIMEOUT = 120  # seconds
# Seconds in which the machine must have had nothing to do before a load. 0, as `--smallest` sets it: begin at
# once.
idle_seconds = 0.25
MAX_IDLE_LOAD = 0.1  # processors that an idle machine uses
MAX_WAIT = 20  # seconds, for a machine that is never idle


@dataclass(frozen=True)
class Target:
    """A server and a page to request. `spent` returns the processor seconds of all its processes so far."""

    name: str
    url: str
    spent: Callable[[], float]
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0  # minimum seconds of a load, for slow servers

    def request(self, path: str = "", fields: Mapping[str, object] | None = None, **headers: str) -> bytes:
        """Return the bytes of a request to the page, or of one that posts a form to another path."""
        parts = urlsplit(self.url)
        path = path or parts.path + (f"?{parts.query}" if parts.query else "")
        body = urlencode(fields or {}).encode()
        lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in (headers if body else self.headers).items()]
        if body:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def fetch(self, *, unpack: bool = False) -> bytes:
        """Return the body of the page as sent, or unpacked."""
        request = urllib.request.Request(self.url, headers=dict(self.headers))
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            body: bytes = answer.read()
            return gzip.decompress(body) if unpack and answer.headers["Content-Encoding"] == "gzip" else body


@dataclass(frozen=True)
class Measured:
    """The figures of one measurement."""

    rate: float  # responses a second
    p50: float  # milliseconds
    p99: float
    processor: float  # processor milliseconds a response
    count: int
    size: float  # bytes of a response's body as sent; of the headers, too, if wrk counted them
    errors: Counter[str]

    @property
    def failed(self) -> str:
        """Describe the responses other than the expected one."""
        return ", ".join(f"{n} × {what}" for what, n in self.errors.items()) or "0"


def medians(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each figure; errors are added up."""
    names = ("rate", "p50", "p99", "processor", "count", "size")
    figures = {name: median(getattr(one, name) for one in rounds) for name in names}
    return Measured(**figures, errors=sum((one.errors for one in rounds), Counter()))


def read(target: Target, readers: int, seconds: float) -> Measured:
    """Request the page by this many readers at once, each sending its next request after the response.

    With 0 seconds each sends one request.
    """
    if not seconds or not shutil.which("wrk"):
        # Enough to see that a bench runs. This client is slower than what it should measure.
        return send(target, [target.request()] * readers, clients=readers)
    wait_until_idle()
    seconds = max(seconds, target.patience)
    options = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    argv = ["wrk", "-t", "1", "-c", str(readers), "-d", f"{seconds:g}s", "--timeout", f"{TIMEOUT}s"]
    before = target.spent()
    argv += ["--latency", *options, target.url]
    report = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    spent = target.spent() - before
    found = re.search(r"(\d+) requests in [\d.]+\w+, (\S+) read", report)
    if not found or not int(found[1]):
        raise RuntimeError(f"{target.name} answered nothing:\n{report}")
    answers = int(found[1])
    p50, p99 = (_milliseconds(re.search(rf"\n\s+{n}%\s+(\S+)", report)) for n in (50, 99))  # type: ignore[arg-type]
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    errors = Counter(re.findall(r"Non-2xx or 3xx responses: \d+|Socket errors: .+", report))
    return Measured(
        float(rate[1]) if rate else 0,
        p50,
        p99,
        1000 * spent / answers,
        answers,
        _bytes(found[2]) / answers,
        errors,
    )


def _milliseconds(found: re.Match[str]) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", found[1]).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def _bytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(B|KB|MB|GB)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]


def wait_until_idle() -> None:
    """Wait until all servers have finished the work of an earlier load.

    The load generator stops without waiting for its last responses. PHP then works for seconds on the
    requests that it had accepted, and the next server would share the processors with it.
    """
    deadline = time.monotonic() + MAX_WAIT
    while idle_seconds and time.monotonic() < deadline:
        before = _busy_seconds()
        time.sleep(idle_seconds)
        if _busy_seconds() - before <= MAX_IDLE_LOAD * idle_seconds:
            return
    if idle_seconds:
        print(f"Not idle after {MAX_WAIT} s: the next figure is too slow.", file=sys.stderr)


def _busy_seconds() -> float:
    """Return the processor seconds that this machine has used since its start."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def request_page(
    target: Target, times: int, before: Callable[[], object] | None = None, status: int = 200
) -> Measured:
    """Request the page one time after the other. `before` runs before each request and is not timed."""
    return send(target, [target.request()] * times, before=before, status=status)


def send(
    target: Target,
    requests: Sequence[bytes],
    *,
    clients: int = 1,
    status: int = 200,
    before: Callable[[], object] | None = None,
) -> Measured:
    """Send all requests by this many clients at once. Another status than the given one is an error."""
    wait_until_idle()
    number, took, sizes, errors = count(), list[float](), list[int](), Counter[str]()

    def work() -> None:
        connection = Connection(target.url)
        while (mine := next(number)) < len(requests):
            if before:
                before()
            start = time.perf_counter()
            try:
                found, size = connection.exchange(requests[mine])
            except OSError as error:
                errors[type(error).__name__] += 1
                connection = Connection(target.url)
                continue
            if found == status:
                took.append(1000 * (time.perf_counter() - start))
                sizes.append(size)
            else:
                errors[str(found)] += 1

    threads = [threading.Thread(target=work) for _ in range(clients)]
    spent, began = target.spent(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, spent = time.perf_counter() - began, target.spent() - spent
    good = len(took)
    if not good:
        raise RuntimeError(f"{target.name or target.url} answered only {dict(errors)}")
    took.sort()
    p99 = took[min(good - 1, good * 99 // 100)]
    return Measured(good / seconds, took[good // 2], p99, 1000 * spent / good, good, median(sizes), errors)


class Connection:
    """A keep-alive connection with little overhead: the client shares the processor with the server."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port or 80
        self.rest = b""
        self.socket: socket.socket | None = None

    def exchange(self, request: bytes) -> tuple[int, int]:
        """Send a request and read the whole response. Return its status and the length of its body."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        low = head.lower()
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
        return int(head[9:12]), size

    def _receive(self) -> None:
        assert self.socket
        if not (part := self.socket.recv(1 << 18)):
            raise ConnectionError("The server hung up.")
        self.rest += part
