"""A cache of one process with an upper limit of its size, which drops what was not used for longest."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class HasSize(Protocol):
    """A value that knows its size, in bytes or characters, which never changes."""

    @property
    def size(self) -> int: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=HasSize)


class BoundedCache(Generic[K, V]):
    """Values by key, for several threads. If they exceed `max_size` together, the oldest are dropped."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.size = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[K, V] = OrderedDict()  # the most recently used is last

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None. It counts as used."""
        with self._lock:
            if (value := self._values.get(key)) is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Store a value in place of the earlier one, and drop others if there is no room.

        A value that is larger than the cache is not stored.
        """
        with self._lock:
            self._remove(key)
            if value.size > self.max_size:
                return
            self._values[key] = value
            self.size += value.size
            while self.size > self.max_size:
                self.size -= self._values.popitem(last=False)[1].size

    def drop(self, key: K, value: V) -> None:
        """Remove a value, unless the key has another one by now."""
        with self._lock:
            if self._values.get(key) is value:
                self._remove(key)

    def items(self) -> list[tuple[K, V]]:
        """Return all keys and values, the most recently used last."""
        with self._lock:
            return list(self._values.items())

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._values.clear()
            self.size = 0

    def _remove(self, key: K) -> None:
        if (value := self._values.pop(key, None)) is not None:
            self.size -= value.size
