"""Full text search: words without case, accents or the forms of a letter, each cut down to its stem.

One SQL function, made by a migration, folds what is stored and what is asked for alike. Which words of a
page to mark is asked of Postgres, too: only it knows what it takes for the same word.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchVector
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Func, TextField
from django.utils.translation import gettext as _
from psycopg2.errors import InternalError_, ProgramLimitExceeded, QueryCanceled

CONFIG = "english"
ASKED_MAX = 200  # characters of a question
SECONDS_MAX = 2  # of each statement
AT_ONCE = 2  # searches in one process: its few threads are for all its readers


def fold(text: Any) -> Func:
    """A column's name or an expression: lower case, no accents; one alef, ya and ha, no vowel signs."""
    return Func(text, function="search_fold", output_field=TextField())


def weighed(field: str, weight: str) -> SearchVector:
    """The words of one column, of weight A (a title) to D (running text)."""
    return SearchVector(fold(field), config=CONFIG, weight=weight)


class Question(NamedTuple):
    """What somebody looks for, as Postgres understands it."""

    tsquery: str  # the text of one, to be cast
    stems: list[str]  # those that a find may hold


class Unclear(ValueError):
    """Why nothing can be looked for, in a sentence for the person."""


class Busy(Unclear):
    """The error that as many searches as may run at once are running."""


def read_question(asked: str) -> Question:
    """Words, "words in this order", -without, or; no NUL. Raises Unclear; one statement."""
    if len(asked) > ASKED_MAX:
        raise Unclear(
            _("This has %(count)s characters; a search takes %(limit)s. Shorten it.")
            % {"count": f"{len(asked):,}", "limit": ASKED_MAX}
        )
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT q::text, querytree(q) FROM websearch_to_tsquery('{CONFIG}', search_fold(%s)) q",
                [asked],
            )
            tsquery, required = cursor.fetchone()
    except DatabaseError as error:
        # Such as 33 minus signs, and a sign that stands for so many letters that they make a word of 2 kB.
        if isinstance(error.__cause__, InternalError_ | ProgramLimitExceeded):
            raise Unclear(_("Too many signs, or too long a word. Ask for less.")) from error
        raise
    if not tsquery:
        raise Unclear(_("Only signs, or words too common to look for. Add one that says more."))
    if required == "T":  # no index can find what has no word
        raise Unclear(_("Say also which words to look for: a minus only leaves some out."))
    return Question(tsquery, [_unquote(stem) for stem in _STEM.findall(required)])


_STEM = re.compile(r"'((?:[^']|'')*)'")


def _unquote(stem: str) -> str:
    return stem.replace("''", "'").replace("\\\\", "\\")


def find_words(question: Question, words: Collection[str]) -> dict[str, frozenset[str]]:
    """Which of these words, as they are written, the question is about, each with its stems; one statement.

    Looks at the first 100,000 characters, about 15,000 words.
    """
    wanted = frozenset(question.stems)
    with connection.cursor() as cursor:
        cursor.execute(_FIND_WORDS, {"words": list(words), "stems": question.stems})
        return {word: wanted.intersection(stems) for word, stems in cursor.fetchall()}


# Folded in one call, a line each: a call for each word takes several times as long.
_FIND_WORDS = f"""
SELECT word, stems
FROM (SELECT unnest(words) AS word,
             unnest(string_to_array(search_fold(array_to_string(words, E'\\n')), E'\\n')) AS folded
      FROM (SELECT %(words)s::text[] AS words) given) w
CROSS JOIN LATERAL tsvector_to_array(to_tsvector('{CONFIG}', folded)) AS stems
WHERE word IS NOT NULL AND stems && %(stems)s::text[]"""


_running = BoundedSemaphore(AT_ONCE)


@contextmanager
def limited() -> Iterator[None]:
    """Begins only so many searches at once, and ends what takes too long: no index helps to find a rare mix
    of common words. Raises Unclear, or Busy."""
    if not _running.acquire(blocking=False):  # who waits would hold a thread as well
        raise Busy(_("Too many searches at this moment. Try again in a few seconds."))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS_MAX}s"])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise Unclear(_("This search takes too long. Add a word that says more.")) from error
        raise
    finally:
        _running.release()
