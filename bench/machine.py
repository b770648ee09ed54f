"""This machine: processor time of process trees, free ports, folders that other users can enter."""

import os
import socket
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.data_folder import unprivileged_user

TICKS = os.sysconf("SC_CLK_TCK")


def family(roots: Iterable[int]) -> list[int]:
    """Return these processes and all their descendants."""
    children: dict[int, list[int]] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        if fields := _stat(int(process)):
            children.setdefault(int(fields[1]), []).append(int(process))
    found, left = [], list(roots)
    while left:
        process = left.pop()
        found.append(process)
        left += children.get(process, [])
    return found


def processor_seconds(roots: Iterable[int], but: Collection[int] = ()) -> float:
    """Return the user and system time so far, including that of children that ended."""
    ticks = 0
    for process in set(family(roots)).difference(but):
        if fields := _stat(process):
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def command_line(process: int) -> str:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def wait_for_port(port: int, seconds: float = 60) -> None:
    """Wait until a server listens on the port."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def folder() -> Iterator[Path]:
    """Create a temporary folder that is usable by the users that servers switch to if we are root."""
    with tempfile.TemporaryDirectory(prefix="soundoff-bench-") as name:
        path = Path(name)
        if unprivileged_user():
            path.chmod(0o711)
        yield path


def load() -> str:
    """Return the load average: other work on the machine slows everything that is measured."""
    return f"{os.getloadavg()[0]:.1f}"


def _stat(process: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat from the third one (the state) on."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
