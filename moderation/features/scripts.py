"""Scripts of texts, by the first four letters of their names in Unicode. Pure functions."""

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import islice

SCRIPT_SAMPLE_LETTERS = 500  # of a text that tell its script
CONFUSABLE_SCRIPTS = {"Lati", "Gree", "Cyri"}  # scripts with letters that look alike
KANA_SCRIPTS = {"Hira", "Kata"}  # Japanese mixes both in one text


def main_script(text: str) -> str:
    """Return the script of most letters, as script_of names it, or "" if there are no letters.

    Only the first SCRIPT_SAMPLE_LETTERS count.
    """
    if text.isascii():
        return "Lati" if any(map(str.isalpha, text)) else ""
    counted = Counter(map(script_of, islice(filter(str.isalpha, text), SCRIPT_SAMPLE_LETTERS)))
    del counted[""]
    return counted.most_common(1)[0][0] if counted else ""


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """Return the script of a letter, or "" if the letter has no name.

    It is the first word of the letter's Unicode name in four letters: "Lati", "Cyri", "Cjk" or "Hira".
    """
    return unicodedata.name(letter, "").split(" ", 1)[0][:4].title()


def scripts_differ(one: str, other: str) -> bool:
    """Return whether two main scripts are known and different."""
    return bool(one and other) and one != other and {one, other} != KANA_SCRIPTS


def mixes_lookalikes(word: str) -> bool:
    """Return whether a word has letters of two scripts that look alike."""
    return not word.isascii() and len({*map(script_of, word)} & CONFUSABLE_SCRIPTS) > 1
