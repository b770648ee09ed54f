"""Sections of the file of personal data, and the reading of their records in chunks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from comments.models import Comment

CHUNK = 500  # rows that are in memory at once

Record = dict[str, Any]  # values are text, numbers, times, True, False, None, or lists of records


@dataclass(frozen=True)
class Section:
    """A part of the file: `key` is its name in data.json, `labels` name the fields of its records.

    `texts` are functions by field that return what the page shows in place of a code.
    """

    key: str
    title: str
    labels: Mapping[str, str]
    records: Iterable[Record]
    texts: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)

    def describe(self, record: Record) -> Record:
        """Return a record as the page shows it."""
        return record | {name: text(record[name]) for name, text in self.texts.items() if record[name]}


def section(
    key: str,
    title: str,
    rows: Iterable[Any],
    fields: Mapping[str, tuple[str, str | Callable[[Any], Any]]],
    texts: Mapping[str, Callable[[Any], str]] | None = None,
) -> Section:
    """Return a section with a record of each row.

    `fields` are by key the label of a field and its value: an attribute's path, or a function of the row.
    `texts` are those of Section.
    """
    values = {name: attrgetter(of) if isinstance(of, str) else of for name, (_label, of) in fields.items()}
    if isinstance(rows, QuerySet):
        rows = chain.from_iterable(chunks(rows))
    records = ({name: value(row) for name, value in values.items()} for row in rows)
    return Section(key, title, {name: label for name, (label, _of) in fields.items()}, records, texts or {})


def chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield the rows by key, CHUNK at once, each in its own statement: no transaction stays open."""
    rows = rows.order_by("pk")
    found: list[Any] = list(rows[:CHUNK])
    while found:
        yield found
        found = list(rows.filter(Q(pk__gt=found[-1].pk))[:CHUNK])


def comment_url(comment: Comment) -> str:
    """Return the whole URL of a comment; "" if readers may not see its story, whose slug it contains."""
    is_published = comment.discussion.article.is_published()
    return settings.SITE_URL + comment.get_absolute_url() if is_published else ""
