"""Recognise which of several people a text addresses by name in its first words. Pure functions.

A name that is only spoken about does not count: "Jim is right" may be said to anybody.
"""

import re
from collections.abc import Collection
from enum import Enum
from functools import lru_cache

from moderation.features.folding import fold_case_and_accents
from moderation.features.word_lists import STOP_WORDS, word_set

MAX_READ_LENGTH = 300  # characters at the beginning of a text
MAX_BEFORE = 8  # words before a name at the end of the first clause
MAX_CACHED_NAMES = 4_096  # names

# Names that many people share.
SHARED_NAMES = word_set("anonymous anonym anonyme anonimo guest gast visitor unknown") | {""}
# First words of a name that are also words of any sentence: "Safe haven", "The gardener".
_ORDINARY_WORDS = (
    STOP_WORDS
    | SHARED_NAMES
    | word_set("great thanks thank hello hi safe double single free true false user admin")
)

# Before a name that is addressed, which then needs no sign after it: "Hi Jim", "Thanks Jim".
_GREETINGS = word_set("""
hi hello hey dear thanks thank welcome bonjour salut merci cher chere bonsoir hallo danke liebe lieber hola
gracias ciao grazie ola oi obrigado hei hej takk tak merhaba
""")
# Other words that may come before it: "Yes, Jim, …", "In reply to Jim: …".
_OPENINGS = _GREETINGS | word_set(
    "you ok okay yes no well sorry agreed in reply response to re so but oui non"
)
_ADDRESSING_WORDS = word_set("to re")  # "Reply to Jim: …" addresses him, "Thanks to Jim …" does not
# After a name without a sign: what is said about a person, and not to the person.
_WORDS_ABOUT_A_PERSON = word_set(
    "is was has had says said does did will would and or s thinks writes wrote made makes"
)
_SECOND_PERSON_WORDS = word_set(
    "you your youre u ur yours yourself vous tu votre ton tes vos du sie dein ihr usted te"
)
# Before a name that is spoken about: "I agree with Jim."
_NOT_ADDRESSED = word_set("""
with by from to like of about for and or as than on at is was say said says that see mr mrs ms dr the a an
avec par de du comme pour et ou que mit von wie und oder con por como y o le la les un une
""")

_TOKEN = re.compile(r"@|\w+|\n|[^\w\s@]+")
_PUNCTUATION = re.compile(r"[,.:;!?…)\-–—\n]")
_CLAUSE_END = re.compile(r"\s*[.!?:;)\n]+|,\s")


class Manner(Enum):
    """A manner of addressing a person in a text."""

    AT_SIGN = "@Jim …"
    FIRST = "Jim, …"
    FIRST_AND_YOU = "Jim have you …"
    LAST = "Good idea Jim!"


@lru_cache(maxsize=MAX_CACHED_NAMES)
def normalize_name(name: str) -> str:
    """Return a name as it is compared."""
    return " ".join(fold_case_and_accents(name).split())


class NamedPeople:
    """People who may be addressed by name, with an index of the first words of their names."""

    def __init__(self) -> None:
        self._by_first_word: dict[str, set[str]] = {}
        self._known: set[str] = set()

    def add(self, name: str) -> None:
        """Add a person by the folded name. Names that many people share are left out."""
        if name in self._known or name in SHARED_NAMES:
            return
        self._known.add(name)
        for alias in _aliases(name):
            self._by_first_word.setdefault(alias[0], set()).add(name)

    def find_addressed(self, text: str, *, without: str) -> tuple[str, Manner] | None:
        """Return the person that a text addresses at its start, and the manner; never the writer (`without`).

        Returns None if it addresses nobody, or a name that two people have in common.
        """
        tokens = _tokens(text[:MAX_READ_LENGTH])
        names = {name for token in tokens for name in self._by_first_word.get(token, ())} - {without}
        if not names:
            return None
        return _at_the_beginning(text, names) or _at_the_end_of_the_clause(text, names)


def _at_the_beginning(text: str, names: Collection[str]) -> tuple[str, Manner] | None:
    tokens = _tokens(text[:MAX_READ_LENGTH])
    start = 0
    while start < len(tokens) and (tokens[start] in _OPENINGS or not tokens[start][0].isalnum()):
        if tokens[start] == "@":
            break
        start += 1
    has_at = tokens[start : start + 1] == ["@"]
    before, words = tokens[:start], tokens[start + has_at :]
    lengths = {name: _matching_length(name, words) for name in names}
    longest = max(lengths.values(), default=0)
    found = [name for name, length in lengths.items() if length == longest]
    if len(found) > 1:  # namesakes: the one whose whole name it is
        found = [name for name in found if tuple(words[:longest]) == _words(name)]
    if not longest or len(found) != 1:
        return None
    if has_at:
        return found[0], Manner.AT_SIGN
    last = before[-1] if before else ""
    if last in _ADDRESSING_WORDS and not _GREETINGS.isdisjoint(before):
        return None
    after = words[longest:]
    if last in _GREETINGS or not after or _PUNCTUATION.match(after[0]):
        return found[0], Manner.FIRST
    sentence = re.split(r"[.!?\n]", " ".join(after))[0].split()
    if after[0] in _WORDS_ABOUT_A_PERSON or _SECOND_PERSON_WORDS.isdisjoint(sentence):
        return None
    return found[0], Manner.FIRST_AND_YOU


def _at_the_end_of_the_clause(text: str, names: Collection[str]) -> tuple[str, Manner] | None:
    """Return the person named at the end of the first clause: "Good idea Jim!", "So true, Jim."."""
    clauses = [_tokens(clause) for clause in _CLAUSE_END.split(text[:MAX_READ_LENGTH].strip())[:2]]
    if len(clauses[0]) <= 2:
        clauses.append([token for clause in clauses for token in clause])
    for words in (clauses[0], clauses[-1]):
        found = [name for name in names if _ends_with(name, words)]
        if len(found) == 1:
            return found[0], Manner.LAST
    return None


def _matching_length(name: str, words: list[str]) -> int:
    """Return the number of first words that are a name of this person."""
    return max((len(alias) for alias in _aliases(name) if tuple(words[: len(alias)]) == alias), default=0)


def _ends_with(name: str, words: list[str]) -> bool:
    for alias in _aliases(name):
        before = words[: -len(alias)]
        if tuple(words[-len(alias) :]) == alias and 0 < len(before) <= MAX_BEFORE:
            return before[-1] not in _NOT_ADDRESSED
    return False


@lru_cache(maxsize=MAX_CACHED_NAMES)
def _aliases(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the names of a person: the whole name with and without signs, as one word, and the first name.

    They are compared with the tokens of a text, in which signs are tokens: "@Dr. P. Okonjo".
    """
    words = _words(name)
    if not words:
        return ()
    is_first_name = len(words) > 1 and len(words[0]) > 2 and words[0] not in _ORDINARY_WORDS
    aliases = [words, tuple(_tokens(name)), ("".join(words),), *([words[:1]] if is_first_name else [])]
    return tuple(dict.fromkeys(aliases))


@lru_cache(maxsize=MAX_CACHED_NAMES)
def _words(name: str) -> tuple[str, ...]:
    """Return the words of a folded name, without a handle in parentheses after it."""
    return tuple(re.findall(r"\w+", re.sub(r"(?<=\w)\s*\(.*?\)", "", name)))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(fold_case_and_accents(text))
