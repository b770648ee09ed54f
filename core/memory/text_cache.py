"""Cache for functions of texts, bounded by the length of the texts.

functools.lru_cache counts its entries, and an entry may be a comment of 100,000 characters.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, NamedTuple, TypeVar

from core.memory.bounded_cache import BoundedCache

R = TypeVar("R")

ENTRY_SIZE = 500  # characters that an entry counts besides its texts: short texts are not free


class TextResult(NamedTuple, Generic[R]):
    """A cached result, with its size in characters."""

    value: R
    size: int


class TextCache(Generic[R]):
    """A function of texts that keeps its latest results, for texts of at most `characters` together."""

    def __init__(self, function: Callable[..., R], characters: int) -> None:
        self.results: BoundedCache[tuple[str, ...], TextResult[R]] = BoundedCache(characters)
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *texts: str) -> R:
        """Return the result for these texts."""
        if (found := self.results.get(texts)) is None:
            found = TextResult(self._function(*texts), sum(map(len, texts), ENTRY_SIZE))
            self.results.put(texts, found)
        return found.value


def text_cache(characters: int) -> Callable[[Callable[..., R]], TextCache[R]]:
    """Decorate a function of texts so that it keeps its latest results."""
    return lambda function: TextCache(function, characters)
