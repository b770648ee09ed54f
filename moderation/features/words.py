"""Words of texts: finding them, their stems, and phrases of them. Pure functions.

The spam filter reads folded text and takes the parts of a hyphenated word for words. The groups of similar
comments keep accents and hyphens.
"""

import re
from array import array
from collections.abc import Container, Iterable

from moderation.features.contacts import EMAIL_ADDRESS
from moderation.features.links import blank_spans, typed_links
from moderation.features.word_lists import GROUP_IGNORED_WORDS, IGNORED_WORDS

PHRASE_LENGTH = 4  # consecutive words that are compared as one phrase
STEM_LENGTH = 6  # letters by which two words are taken for the same

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
HYPHENATED_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def find_words(text: str) -> list[str]:
    """Return the words of a text that is folded already."""
    return WORD.findall(text)


def lowercase_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without links and e-mail addresses.

    A hyphenated word is one word.
    """
    return HYPHENATED_WORD.findall(_lowercase(text))


def lowercase_matches(text: str) -> list[re.Match[str]]:
    """Return the matches of lowercase_words, or none if lower case changes the length of the text."""
    lowered = _lowercase(text)
    return list(HYPHENATED_WORD.finditer(lowered)) if len(lowered) == len(text) else []


def _lowercase(text: str) -> str:
    text = blank_spans(text, (m.span() for m in typed_links(text)))
    if "@" in text:
        text = blank_spans(text, (m.span() for m in EMAIL_ADDRESS.finditer(text)))
    return text.replace("’", "'").lower()


# Stems


def stem(word: str) -> str:
    """Return the first letters of a word, by which words are compared."""
    return word.removesuffix("'s").removesuffix("s")[:STEM_LENGTH]


def is_content_word(word: str, ignored: Container[str] = IGNORED_WORDS, shortest: int = 2) -> bool:
    """Return whether a word belongs to the subject of a text.

    One with letters beyond ASCII needs `shortest` letters, because many Chinese words have two.
    """
    return len(word) > 3 and word not in ignored if word.isascii() else len(word) >= shortest


# Scripts without spaces between words, and Korean, whose particles belong to their words.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def content_stems(word: str) -> list[str]:
    """Return the stem of a content word, all pairs of letters of one in a script without spaces, or none."""
    if not word.isascii() and _UNSPACED.match(word):
        return [word[n : n + 2] for n in range(len(word) - 1)]
    return [stem(word)] if is_content_word(word) else []


def group_stems(words: Iterable[str]) -> set[str]:
    """Return the stems of the content words among these lowercase_words."""
    return {stem(w) for w in set(words) if is_content_word(w, GROUP_IGNORED_WORDS, 4)}


# Phrases, and the positions of words


def phrase_hashes(words: list[str]) -> "array[int]":
    """Return a hash for each PHRASE_LENGTH consecutive words. Hashes differ between processes."""
    if len(words) < PHRASE_LENGTH:
        return array("q")
    return array("q", map(hash, zip(*(words[n:] for n in range(PHRASE_LENGTH)), strict=False)))


def shared_phrase_spans(text: str, shared: Container[int]) -> list[tuple[int, int]]:
    """Return the span of each phrase whose hash is in `shared`."""
    matches = lowercase_matches(text)
    phrases = enumerate(phrase_hashes([m[0] for m in matches]))
    return [
        (matches[n].start(), matches[n + PHRASE_LENGTH - 1].end())
        for n, phrase in phrases
        if phrase in shared
    ]


def first_spans(text: str, wanted: Container[str]) -> dict[str, tuple[int, int]]:
    """Return the span of the first occurrence of each word in `wanted`."""
    found: dict[str, tuple[int, int]] = {}
    for m in lowercase_matches(text):
        if m[0] in wanted:
            found.setdefault(m[0], m.span())
    return found
