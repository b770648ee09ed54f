"""Cursor pagination of lists, newest first: a page starts after the last item of the page before.

New items therefore never shift a page.
"""

from datetime import UTC, datetime
from typing import NamedTuple, Self

from django.db.models import Q
from django.http import HttpRequest
from django.utils.http import urlencode


class PageCursor(NamedTuple):
    """The position of an item in a list: its time, to the microsecond, and its key."""

    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}_{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a cursor as `str` writes it. Raises ValueError."""
        at, _, key = text.partition("_")
        return cls(datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC), int(key))

    def after_cursor(self, field: str) -> Q:
        """Return the condition that an item comes after this position in a list ordered by the time field.

        The first part of the condition lets Postgres use an index.
        """
        return Q((f"{field}__lte", self.at)) & ~Q((field, self.at), pk__gte=self.pk)


def next_page_url(request: HttpRequest, position: PageCursor, **query: str) -> str:
    """Return the URL of the page that starts after this position, with the parameters that are not empty."""
    given = {name: value for name, value in query.items() if value}
    return f"{request.path}?{urlencode(given | {'before': str(position)})}"
