"""Pauses of the garbage collector, and the objects that it searches."""

import gc
from collections.abc import Iterator

import pytest

from core.memory.garbage_collection import freeze_loaded_objects, pause_garbage_collection


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.enable()
    yield
    gc.unfreeze()
    if not was_enabled:
        gc.disable()


def test_the_garbage_collector_is_paused_until_the_block_ends_also_with_an_error() -> None:
    @pause_garbage_collection()
    def read() -> None:
        assert not gc.isenabled()
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        read()
    assert gc.isenabled()


def test_collection_is_resumed_by_the_block_that_paused_it() -> None:
    first, second = pause_garbage_collection(), pause_garbage_collection()
    with first:
        with second:
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_objects_loaded_in_the_block_are_not_searched_by_the_collector() -> None:
    with freeze_loaded_objects():
        loaded = [object()]
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    later = [object()]
    searched = {id(one) for one in gc.get_objects()}
    assert id(loaded) not in searched
    assert id(later) in searched
