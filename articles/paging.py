"""Pages of a list, newest first: each starts behind the last item of the one before, whatever came since."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.utils.http import urlencode


class Place(NamedTuple):
    """The place of an item: its moment, to the microsecond, and its key."""

    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}_{self.pk}"

    def behind(self, moment: str) -> Q:
        """Whether an item stands behind it, `moment` being the field. The first condition is for an index."""
        return Q((f"{moment}__lte", self.at)) & ~Q((moment, self.at), pk__gte=self.pk)


def asked_place(request: HttpRequest) -> Place | None:
    """Where `?before=` says that the page before ended. Raises Http404 where it is no place."""
    if not (text := request.GET.get("before")):
        return None
    at, _, key = text.partition("_")
    try:
        return Place(datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC), int(key))
    except ValueError as error:
        raise Http404 from error


def url_behind(request: HttpRequest, place: Place) -> str:
    """The URL of the page that follows."""
    return f"{request.path}?{urlencode({'before': str(place)})}"
