"""Pause Python's garbage collector or run it rarely, and exclude loaded modules from it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector while the block makes very many objects, hardly any of which form cycles.

    Otherwise Python searches all objects again each time their number has grown by a quarter. Objects without
    cycles are freed as ever. The pause is that of the process: where two threads have one, it ends with the
    first block.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:  # if not, an outer block resumes it
            gc.enable()


@contextmanager
def collect_garbage_rarely() -> Iterator[None]:
    """Collect garbage more rarely while migrations run, which create thousands of classes.

    That took a quarter of the processor time of a new database, and now takes 40 MB for a moment.
    """
    usual = gc.get_threshold()
    gc.set_threshold(20_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def freeze_loaded_objects() -> Iterator[None]:
    """Exclude all objects that exist after the block, which loads modules, from garbage collection.

    They stay until the process ends. To search them again and again, also at the end, took a third of the
    processor time of a short command.
    """
    with pause_garbage_collection():
        yield
        gc.freeze()


def freeze_existing_objects() -> None:
    """Collect garbage, and exclude all remaining objects from later collections."""
    gc.collect()
    gc.freeze()
