"""Cache for functions of texts, bounded by the length of the texts.

functools.lru_cache counts its entries, and an entry may be a comment of 100,000 characters.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from threading import Lock
from typing import Generic, TypeVar

R = TypeVar("R")


class TextCache(Generic[R]):
    """A function of texts that keeps its latest results, for texts of at most `characters` together."""

    def __init__(self, function: Callable[..., R], characters: int) -> None:
        self.characters = characters
        self.size = 0  # characters of the texts
        self._function = function
        self._results: OrderedDict[tuple[str, ...], R] = OrderedDict()  # the most recently used is last
        self._lock = Lock()
        update_wrapper(self, function)

    def __call__(self, *texts: str) -> R:
        """Return the result for these texts."""
        with self._lock:
            if texts in self._results:
                self._results.move_to_end(texts)
                return self._results[texts]
        result = self._function(*texts)
        with self._lock:
            if texts not in self._results:
                self._results[texts] = result
                self.size += sum(map(len, texts))
            while self.size > self.characters:
                oldest, _ = self._results.popitem(last=False)
                self.size -= sum(map(len, oldest))
        return result


def text_cache(characters: int) -> Callable[[Callable[..., R]], TextCache[R]]:
    """Decorate a function of texts so that it keeps its latest results."""
    return lambda function: TextCache(function, characters)
