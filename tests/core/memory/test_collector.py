"""Pauses of the collector of cycles."""

import gc
from collections.abc import Iterator

import pytest

from core.memory.collector import pause_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.enable()
    yield
    if not was_enabled:
        gc.disable()


def test_the_collector_is_paused_until_the_block_ends_also_with_an_error() -> None:
    @pause_collector()
    def read() -> None:
        assert not gc.isenabled()
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        read()
    assert gc.isenabled()


def test_the_block_that_paused_it_resumes_it() -> None:
    first, second = pause_collector(), pause_collector()
    with first:
        with second:
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
