"""A mail server that accepts every mail and counts them, as a process of its own."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized

from bench.servers import free_port


class Sink:
    """The running mail server: its URL for the settings, and what it has received so far."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.mails: Synchronized[int] = multiprocessing.Value("q", 0)
        self.recipients: Synchronized[int] = multiprocessing.Value("q", 0)  # different ones


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
