"""The cache for functions of texts, and the functions that use it."""

from core.memory.text_cache import ENTRY_SIZE, TextCache, text_cache
from moderation.features.signals.text import _article_script
from moderation.features.text_reading import stems_of_article
from moderation.reply_structure.inference import _quotations, _searchable


def test_a_result_is_computed_once_while_its_texts_fit() -> None:
    computed = []

    @text_cache(characters=2 * ENTRY_SIZE + 10)
    def join(*texts: str) -> str:
        computed.append(texts)
        return "".join(texts)

    assert [join("abc", "de"), join("abc", "de"), join("fghij")] == ["abcde", "abcde", "fghij"]
    assert computed == [("abc", "de"), ("fghij",)]
    join("abc", "de")  # used last, so the other result is removed
    join("k")
    join("abc", "de")
    join("fghij")
    assert computed == [("abc", "de"), ("fghij",), ("k",), ("fghij",)]


def test_a_text_that_does_not_fit_is_not_kept() -> None:
    cached = TextCache(str.upper, ENTRY_SIZE + 5)
    assert cached("a") == "A"
    assert cached("abcdef") == "ABCDEF"
    assert [texts for texts, _result in cached.results.items()] == [("a",)]


def test_texts_of_the_greatest_length_do_not_fill_the_memory() -> None:
    functions: list[TextCache[object]] = [stems_of_article, _article_script, _quotations, _searchable]  # type: ignore[list-item]
    for function in functions:
        for n in range(30):
            function(*["title"] * (function is stems_of_article), f"{n} " + "word " * 20_000)
        assert 0 < function.results.size <= function.results.max_size <= 2_000_000
