"""The growth of a duration with the length of a text, to detect quadratic algorithms."""

import gc
import time
from collections.abc import Callable
from typing import Any

LINEAR = 8  # limit for linear growth; a quadratic algorithm takes sixteen times as long
MIN_SECONDS = 0.002  # seconds of CPU time; shorter times are too imprecise


def growth(do: Callable[[str], Any], make: Callable[[int], str], size: int) -> float:
    """Return the CPU time for a text of 4 * `size` divided by that for `size`, each the best of two."""
    return _cost(do, make(4 * size)) / max(_cost(do, make(size)), MIN_SECONDS)


def _cost(do: Callable[[str], Any], text: str) -> float:
    costs = []
    for _ in range(2):
        gc.disable()  # a collection would take time for all objects of the tests
        try:
            start = time.thread_time()
            do(text)
            costs.append(time.thread_time() - start)
        finally:
            gc.enable()
    return min(costs)
