"""The growth of a duration with the length of a text, to detect quadratic algorithms."""

import gc
import time
from collections.abc import Callable
from math import inf
from typing import Any

LINEAR = 8  # limit for linear growth; a quadratic algorithm takes sixteen times as long
MIN_SECONDS = 0.002  # seconds of CPU time; shorter times are too imprecise
ROUNDS = 2
MAX_ROUNDS = 6  # on a busy machine, whose caches are shared, two are not always enough


def growth(do: Callable[[str], Any], make: Callable[[int], str], size: int) -> float:
    """Return the CPU time for a text of 4 * `size` divided by that for `size`, each the best of ROUNDS.

    While that is not LINEAR, up to MAX_ROUNDS are measured: noise only adds time.
    """
    short, long, ratio = inf, inf, inf
    for done in range(1, MAX_ROUNDS + 1):
        short, long = min(short, _cost(do, make(size))), min(long, _cost(do, make(4 * size)))
        ratio = long / max(short, MIN_SECONDS)
        if done >= ROUNDS and ratio < LINEAR:
            break
    return ratio


def _cost(do: Callable[[str], Any], text: str) -> float:
    gc.disable()  # a collection would take time for all objects of the tests
    try:
        start = time.thread_time()
        do(text)
        return time.thread_time() - start
    finally:
        gc.enable()
