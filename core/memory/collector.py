"""Pauses of Python's search for unused objects that refer to each other."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collector() -> Iterator[None]:
    """Pause the collector while the block makes very many objects, all of which stay in use.

    With each quarter more of them it would go through all again. Objects without cycles are freed as ever.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:  # if not, another thread has paused it, and resumes it
            gc.enable()
