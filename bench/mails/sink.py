"""A mail server that accepts every mail and counts them, and the cost of a job that sends mails to many."""

import asyncio
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import NamedTuple

from bench.runner import Goal, rows
from bench.servers import free_port

HEAD = (
    "{people} | {prepared} in s | mails | to different people | sent in s | mails a second | CPU, ms a mail"
    " | peak, MB"
)


class Sink:
    """The running mail server: its URL for the settings, and what it has received so far."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.mails: Synchronized[int] = multiprocessing.Value("q", 0)
        self.recipients: Synchronized[int] = multiprocessing.Value("q", 0)  # different ones


class Delivery(NamedTuple):
    """The mails of one job to many people, and what they cost."""

    prepared: float  # seconds until the job can begin
    mails: int
    people: int  # different recipients
    seconds: float
    processor: float  # seconds of the job's process, which is this one
    peak: float  # megabytes

    @property
    def rate(self) -> float:
        return self.mails / self.seconds

    def row(self, name: str) -> str:
        processor = 1000 * self.processor / max(self.mails, 1)
        counts = f"{name} | {self.prepared:.2f} | {self.mails:,} | {self.people:,}"
        return f"{counts} | {self.seconds:.1f} | {self.rate:,.0f} | {processor:.2f} | {self.peak:.0f}"


def deliver(
    sink: Sink, prepare: Callable[[], object], is_due: Callable[[], bool], job: Callable[[], object]
) -> Delivery:
    """Measure the preparation, and then the job, which is called until nothing is due."""
    mails, people = sink.mails.value, sink.recipients.value
    start = time.monotonic()
    prepare()
    prepared = time.monotonic() - start
    start, processor = time.monotonic(), time.process_time()
    while is_due():
        job()
    return Delivery(
        prepared,
        sink.mails.value - mails,
        sink.recipients.value - people,
        time.monotonic() - start,
        time.process_time() - processor,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def results(found: Mapping[int, Delivery], people: str, prepared: str) -> Iterator[str | Goal]:
    """Yield the table and the goals of deliveries to few and to many, by the number of these people."""
    head = HEAD.format(people=people, prepared=prepared)
    yield from rows(head, (delivery.row(f"{count:,}") for count, delivery in found.items()))
    few, many, count = found[min(found)], found[max(found)], max(found)
    yield ""
    yield Goal(f"mails a second to {count:,} {people}", many.rate, least=500, unit="", digits=0)
    yield Goal(f"peak memory, many {people} against few", many.peak / few.peak, most=1.2)
    yield Goal(f"{people} without exactly one mail", abs(many.mails - count), most=0, unit="")


@contextmanager
def running() -> Iterator[Sink]:
    """Run a mail server until the block ends."""
    port = free_port()
    sink, ready = Sink(port), multiprocessing.Event()
    process = multiprocessing.Process(target=_serve, args=(port, sink, ready), daemon=True)
    process.start()
    ready.wait()
    try:
        yield sink
    finally:
        process.terminate()
        process.join()


def _serve(port: int, sink: Sink, ready: "multiprocessing.synchronize.Event") -> None:
    seen = set[bytes]()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                sink.mails.value += 1
            elif verb == b"RCPT":
                seen.add(line[8:])
                sink.recipients.value = len(seen)
            writer.write(b"250 ok\r\n" if verb != b"QUIT" else b"221 bye\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(receive, "127.0.0.1", port, limit=2**20)
        ready.set()
        await server.serve_forever()

    asyncio.run(serve())
