"""Pages of lists: by cursors, and by numbers where a list has another order than that of time.

A page with a cursor starts after the last item of the page before, so new items never shift it. Nothing is
counted.
"""

from datetime import UTC, datetime
from typing import NamedTuple, Self, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.http import urlencode

Row = TypeVar("Row", bound=Model)


class PageCursor(NamedTuple):
    """The position of an item in a list: its time, to the microsecond, and its key."""

    at: datetime
    pk: int | UUID

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}_{self.pk}"

    @classmethod
    def parse(cls, text: str, *, key: type[int | UUID] = int) -> Self:
        """Parse a cursor as `str` writes it. `key` is the type of the items' keys. Raises ValueError."""
        at, _, pk = text.partition("_")
        return cls(datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC), key(pk))


def read_page(
    rows: QuerySet[Row], time_field: str, *, before: PageCursor | None, size: int
) -> tuple[list[Row], PageCursor | None]:
    """Return the rows of one page, newest first, and the cursor of the next page, None if there is none."""
    found = list(older_than(rows, time_field, before).order_by(f"-{time_field}", "-pk")[: size + 1])
    if len(found) <= size:
        return found, None
    last = found[size - 1]
    return found[:size], PageCursor(getattr(last, time_field), last.pk)


def read_numbered_page(rows: QuerySet[Row], number: int, *, size: int) -> tuple[list[Row], bool]:
    """Return the rows of the page with this number, from 1 on, and whether another one follows."""
    start = size * (number - 1)
    found = list(rows[start : start + size + 1])
    return found[:size], len(found) > size


def older_than(rows: QuerySet[Row], time_field: str, before: PageCursor | None) -> QuerySet[Row]:
    """Return the rows that follow a cursor in a list with the newest first; all rows without one."""
    if before is None:
        return rows
    # The first part of the condition lets Postgres use an index.
    return rows.filter(Q((f"{time_field}__lte", before.at)) & ~Q((time_field, before.at), pk__gte=before.pk))


def next_page_url(path: str, position: PageCursor | None, /, **query: str) -> str:
    """Return the URL of the page after this position of the list at `path`.

    It has the parameters that are not empty. The URL is "" without a position.
    """
    if position is None:
        return ""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given | {'before': str(position)})}"
