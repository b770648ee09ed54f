"""Sections of the file of personal data, and functions that read their records in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from comments.models import Comment

BATCH_SIZE = 500  # rows that are in memory at once

Record = dict[str, Any]  # values are text, numbers, times, True, False, None, or lists of records


@dataclass(frozen=True)
class Section:
    """A part of the file of personal data, such as the comments of the person.

    `key` is its name in data.json, and `labels` are the names of the fields for the HTML page. `texts` are
    functions, by field, that turn a code into the text for that page.
    """

    key: str
    title: str
    labels: Mapping[str, str]
    records: Iterable[Record]
    texts: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)

    def describe(self, record: Record) -> Record:
        """Return a record with texts in place of codes, for the HTML page."""
        return record | {name: text(record[name]) for name, text in self.texts.items() if record[name]}


def make_section(
    key: str,
    title: str,
    rows: Iterable[Any],
    fields: Mapping[str, tuple[str, str | Callable[[Any], Any]]],
    texts: Mapping[str, Callable[[Any], str]] | None = None,
) -> Section:
    """Return a section with a record of each row.

    `fields` holds the label and the source of each field by its key. The source is the path of an attribute
    of the row, or a function of the row. `texts` are those of Section.
    """
    getters = {
        name: attrgetter(source) if isinstance(source, str) else source
        for name, (_label, source) in fields.items()
    }
    if isinstance(rows, QuerySet):
        rows = chain.from_iterable(batches(rows))
    records = ({name: get(row) for name, get in getters.items()} for row in rows)
    return Section(
        key, title, {name: label for name, (label, _source) in fields.items()}, records, texts or {}
    )


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield the rows in lists of BATCH_SIZE, ordered by primary key.

    Each list is read by its own statement, so that no transaction stays open.
    """
    rows = rows.order_by("pk")
    batch: list[Any] = list(rows[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(rows.filter(Q(pk__gt=batch[-1].pk))[:BATCH_SIZE])


def comment_url(comment: Comment) -> str:
    """Return the whole URL of a comment; "" if readers may not see its story, whose slug it contains."""
    is_published = comment.discussion.article.is_published()
    return settings.SITE_URL + comment.get_absolute_url() if is_published else ""
