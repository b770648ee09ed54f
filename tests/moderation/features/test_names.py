"""Names that are unlike a person's."""

import pytest

from moderation.features.names import is_search_phrase, unusual_name_shape


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("JamesTib", "AA"),
        ("robex77", "a0"),
        ("best_price", "a_a"),
        ("buy the best tables", "a a a a"),
    ],
)
def test_unusual_names_have_a_shape(name, shape):
    assert unusual_name_shape(name) == shape


@pytest.mark.parametrize(
    "name",
    ["Jim", "jim", "JIM", "Ada Lovelace", "J. R. Olsen", "Åse-Marie", "O'Neil", "李娜", "Жанна", "", "  "],
)
def test_usual_names_have_no_shape(name):
    assert unusual_name_shape(name) is None


@pytest.mark.parametrize("name", ["luxury kayak", "Cheap Flights", "vape-outlet.com", "best of all", "keto"])
def test_search_phrases_are_recognised(name):
    assert is_search_phrase(name)


@pytest.mark.parametrize("name", ["Ada Lovelace", "ada", "J. R. Olsen", "李娜 王", "St. Peter", ""])
def test_other_names_are_no_search_phrases(name):
    assert not is_search_phrase(name)
