"""The cache with an upper limit of its size."""

from typing import NamedTuple

from core.memory.bounded_cache import BoundedCache


class Value(NamedTuple):
    size: int


def test_the_least_recently_used_value_is_removed_first() -> None:
    cache: BoundedCache[str, Value] = BoundedCache(10)
    for key in ("a", "b"):
        cache.put(key, Value(5))
    cache.get("a")
    cache.put("c", Value(5))
    assert [key for key, _value in cache.items()] == ["a", "c"]
    assert cache.size == 10


def test_a_value_that_is_too_large_removes_no_other() -> None:
    cache: BoundedCache[str, Value] = BoundedCache(10)
    cache.put("a", Value(5))
    cache.put("b", Value(5))
    cache.put("b", Value(11))
    assert [key for key, _value in cache.items()] == ["a"]
    assert cache.size == 5


def test_only_the_value_that_was_seen_is_dropped() -> None:
    cache: BoundedCache[str, Value] = BoundedCache(10)
    old, new = Value(4), Value(6)
    cache.put("a", old)
    cache.put("a", new)
    cache.drop("a", old)
    assert cache.get("a") is new
    cache.drop("a", new)
    assert (len(cache), cache.size) == (0, 0)
