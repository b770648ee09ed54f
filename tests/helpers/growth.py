"""How much longer something takes for a text four times as long, compared within one run."""

import gc
import time
from collections.abc import Callable
from typing import Any

LINEAR = 8  # times as long for four times the text; what grows with its square takes sixteen times as long
LEAST = 0.002  # seconds of CPU time: below that a clock says nothing


def growth(do: Callable[[str], Any], make: Callable[[int], str], size: int) -> float:
    """The CPU time for a text of four times `size` over that for one of `size`: the better of two each."""
    return _cost(do, make(4 * size)) / max(_cost(do, make(size)), LEAST)


def _cost(do: Callable[[str], Any], text: str) -> float:
    costs = []
    for _ in range(2):
        gc.disable()  # a collection counts all that the tests hold
        try:
            start = time.thread_time()
            do(text)
            costs.append(time.thread_time() - start)
        finally:
            gc.enable()
    return min(costs)
