"""Functions that pin, unpin and move the first stories of the front page. The others follow, newest first."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from articles.models import Article, Pin, Site
from articles.site.cached_pages import increment_site_version
from core.errors import UserError

MAX_PINS = 12


class TooManyPinsError(UserError):
    """The error that the maximum of pinned stories is reached. Its text is shown to the person."""


@transaction.atomic
def pin(*, article: Article) -> None:
    """Pin an article above all others; one that is pinned moves there. Raises TooManyPinsError."""
    order = _lock_pins()
    if article.pk not in order and len(order) >= MAX_PINS:
        raise TooManyPinsError(
            _("At most %(count)s stories can be pinned. Unpin one first.") % {"count": MAX_PINS}
        )
    _store_order([article.pk, *(pk for pk in order if pk != article.pk)])


@transaction.atomic
def unpin(*, article: Article) -> None:
    """Unpin an article."""
    _store_order([pk for pk in _lock_pins() if pk != article.pk])


@transaction.atomic
def move_pin(*, article: Article, up: bool) -> None:
    """Move a pinned article one position up or down. At the end, or if it is not pinned, nothing changes."""
    order = _lock_pins()
    if article.pk not in order:
        return
    position = order.index(article.pk)
    other = position - 1 if up else position + 1
    if 0 <= other < len(order):
        order[position], order[other] = order[other], order[position]
        _store_order(order)


def _lock_pins() -> list[int]:
    """Lock the pins and return the ids of the pinned articles, from the top."""
    Site.objects.select_for_update().get(pk=1)
    return list(Pin.objects.order_by("position", "pk").values_list("article", flat=True))


def _store_order(order: Sequence[int]) -> None:
    Pin.objects.exclude(article__in=order).delete()
    for position, pk in enumerate(order, 1):
        Pin.objects.update_or_create(article_id=pk, defaults={"position": position})
    increment_site_version()
