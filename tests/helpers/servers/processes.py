"""Processes of servers that tests disturb."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def with_children(process: int) -> list[int]:
    """Return the ids of a process and of its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]


@contextmanager
def frozen(processes: Sequence[int]) -> Iterator[None]:
    """Freeze a server, so that it accepts connections but neither answers nor disconnects."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)
