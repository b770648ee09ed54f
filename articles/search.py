"""Full text search by word stems, without case, accents or variants of a letter.

One SQL function, made by a migration, folds stored texts and queries alike. Postgres also decides which words
of a page are highlighted, because only it knows which words it treats as the same.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchVector
from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Func, TextField
from django.utils.translation import gettext as _
from psycopg2.errors import InternalError_, ProgramLimitExceeded, QueryCanceled

from core.database.sql import execute, fetch_rows
from core.errors import UserError
from core.rate_limits import RateLimitError

CONFIG = "english"
MAX_QUERY_LENGTH = 200  # characters of a query
MAX_SECONDS = 2  # of each statement
BUSY_SECONDS = 5  # Retry-After if too many searches are running
MAX_CONCURRENT = 2  # searches in one process, since its few threads serve all readers


def search_fold(text: Any) -> Func:
    """Return the text of a column or an expression as the SQL function search_fold() compares it.

    It is lower case without accents, and in Arabic with one form of alef, ya and ha, without vowel signs and
    without the article.
    """
    return Func(text, function="search_fold", output_field=TextField())


def weighted_vector(field: str, weight: str) -> SearchVector:
    """Return the search vector of one column, with a weight from A (a title) to D (running text)."""
    return SearchVector(search_fold(field), config=CONFIG, weight=weight)


class SearchQuery(NamedTuple):
    """A search query as Postgres parses it."""

    tsquery: str  # as text, to be cast to tsquery
    stems: list[str]  # that a result may contain


class SearchError(UserError):
    """The error that a query can't be searched for. Its message is for the reader."""


class SearchBusyError(SearchError, RateLimitError):
    """The error that the limit of concurrent searches is reached."""


def parse_query(text: str) -> SearchQuery:
    """Parse a query: words, "phrases", -excluded words, or; without NUL. One statement.

    Raises SearchError.
    """
    if len(text) > MAX_QUERY_LENGTH:
        raise SearchError(
            _("This search has %(count)s characters. The limit is %(limit)s.")
            % {"count": f"{len(text):,}", "limit": MAX_QUERY_LENGTH}
        )
    try:
        tsquery, required = fetch_rows(
            f"SELECT q::text, querytree(q) FROM websearch_to_tsquery('{CONFIG}', search_fold(%s)) q",
            [_quote_urls(text)],
        )[0]
    except DatabaseError as error:
        # Such as 33 minus signs, or a ligature that expands to a word of 2 kB.
        if isinstance(error.__cause__, InternalError_ | ProgramLimitExceeded):
            raise SearchError(_("This search has too many signs or too long a word. Shorten it.")) from error
        raise
    if not tsquery and not _has_words(text):
        raise SearchError(_("Add a word to search for."))
    if not tsquery:
        raise SearchError(_("These words are too common to search for. Add a more specific word."))
    if required == "T":  # an index can't find texts by the absence of a word
        raise SearchError(_("Add a word to search for. A minus only excludes words."))
    stems = [stem.replace("''", "'").replace("\\\\", "\\") for stem in _STEM.findall(required)]
    return SearchQuery(tsquery, stems)


def _has_words(text: str) -> bool:
    """Return whether a query has words, apart from the operator OR."""
    return not {word.lower() for word in _WORD.findall(text)} <= {"or"}


_WORD = re.compile(r"[^\W_]+")
_STEM = re.compile(r"'((?:[^']|'')*)'")
_SCHEME = re.compile(r"\bhttps?://", re.IGNORECASE)
# Punctuation after a URL belongs to the sentence from which it was copied, unless it closes a parenthesis.
_LAST = r"[^\s.,;:!?)\]>»”]"
_URL = re.compile(
    rf"(?<!\S)(-?)((?:[^\W_][\w-]*\.)+\w+[:/](?:\S*\([^\s()]*\)(?!{_LAST})|\S*{_LAST})?)"  # "-" excludes it
)


def _quote_urls(text: str) -> str:
    """Return the query with its URLs as phrases and without their schemes, as Postgres stores them.

    Elsewhere than in a phrase, a word of a query ends at ":", "&" and some other signs.
    """
    parts = _SCHEME.sub("", text).split('"')  # every other one is in quotation marks
    parts[::2] = [_URL.sub(r'\1"\2"', part) for part in parts[::2]]
    return '"'.join(parts)


def match_words(query: SearchQuery, words: Collection[str]) -> dict[str, frozenset[str]]:
    """Return those of these words that match the query, each with its stems. One statement."""
    wanted = frozenset(query.stems)
    # An English word has the first letter of its stem. To find the stems of all words takes much longer.
    initials = {stem[0] for stem in query.stems if stem}
    values = {
        "ascii": [
            word for word in words if word.isascii() and (not word.isalpha() or word[0].lower() in initials)
        ],
        "others": [word for word in words if not word.isascii()],
        "stems": query.stems,
    }
    return {word: wanted.intersection(stems) for word, stems in fetch_rows(_FIND_WORDS, values)}


# Of ASCII, search_fold only changes the case. All other words are folded in one call, one word a line. A call
# for each word takes several times as long.
_FIND_WORDS = f"""
SELECT word, stems
FROM (SELECT word, lower(word) AS folded FROM unnest(%(ascii)s::text[]) AS word
      UNION ALL
      SELECT unnest(words), unnest(string_to_array(search_fold(array_to_string(words, E'\\n')), E'\\n'))
      FROM (SELECT %(others)s::text[] AS words) given) w
CROSS JOIN LATERAL tsvector_to_array(to_tsvector('{CONFIG}', folded)) AS stems
WHERE word IS NOT NULL AND stems && %(stems)s::text[]"""


# The first results for a common word are found before other processes have started to help.
_SET_LIMITS = """
SELECT set_config('statement_timeout', %s, true), set_config('parallel_setup_cost', '10000', true)"""
_running = BoundedSemaphore(MAX_CONCURRENT)


@contextmanager
def search_slot() -> Iterator[None]:
    """Limit the number of concurrent searches and the time of each.

    No index helps with a rare combination of common words. Raises SearchBusyError, or SearchError after a
    timeout.
    """
    if not _running.acquire(blocking=False):  # waiting would occupy a thread as well
        raise SearchBusyError(
            _("Too many searches are running. Try again in a few seconds."), seconds=BUSY_SECONDS
        )
    try:
        with transaction.atomic():
            execute(_SET_LIMITS, [f"{MAX_SECONDS}s"])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchError(_("This search takes too long. Add a more specific word.")) from error
        raise
    finally:
        _running.release()
