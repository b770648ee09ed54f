"""Scripts of texts and letters."""

import pytest

from moderation.features.scripts import (
    SCRIPT_SAMPLE_LETTERS,
    main_script,
    mixes_lookalikes,
    script_of,
    scripts_differ,
)


def test_the_first_letters_determine_the_script():
    assert main_script("") == main_script("1 + 1 = 2") == ""
    assert main_script("Да, the bus" + "и" * 10) == "Cyri"
    assert main_script("a" * SCRIPT_SAMPLE_LETTERS + "и" * 9_000) == "Lati"
    assert main_script("a" * SCRIPT_SAMPLE_LETTERS + "1") == "Lati"
    assert main_script("東京のターミナル") == "Kata"


def test_the_script_of_letters_and_other_characters():
    letters = {"a": "Lati", "à": "Lati", "я": "Cyri", "α": "Gree", "か": "Hira", "カ": "Kata", "東": "Cjk"}
    assert {letter: script_of(letter) for letter in letters} == letters
    assert script_of("\ue000") == ""


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("Lati", "Cyri", True), ("Lati", "Lati", False), ("", "Lati", False), ("Hira", "Kata", False)],
)
def test_scripts_differ_if_both_are_known_and_are_not_used_together(one, other, expected):
    assert scripts_differ(one, other) is expected


def test_words_with_lookalike_letters_of_two_scripts_are_found():
    assert mixes_lookalikes("pаypal")
    assert not any(map(mixes_lookalikes, ("paypal", "банк", "東京")))
