"""The front page by hand: which stories stand at its top, and in which order. Below them it goes by time."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from articles.models import Article, Pin, Site
from articles.services import touch_site

PINS_MAX = 12


class TooMany(ValueError):
    """Why no more can be pinned, in a sentence for the person."""


@transaction.atomic
def pin(*, article: Article) -> None:
    """Put it above all others; one that is pinned moves there. Raises TooMany."""
    order = _locked()
    if article.pk not in order and len(order) >= PINS_MAX:
        raise TooMany(
            _("%(count)s stories are pinned, and more don't fit. Take one off first.") % {"count": PINS_MAX}
        )
    _arrange([article.pk, *(pk for pk in order if pk != article.pk)])


@transaction.atomic
def unpin(*, article: Article) -> None:
    """Back to its place by time."""
    _arrange([pk for pk in _locked() if pk != article.pk])


@transaction.atomic
def move_pin(*, article: Article, up: bool) -> None:
    """One place up or down; at the end, or no more pinned, it stays."""
    order = _locked()
    if article.pk not in order:
        return
    place = order.index(article.pk)
    other = place - 1 if up else place + 1
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
        _arrange(order)


def _locked() -> list[int]:
    """The pinned ones from above, while nobody else moves them."""
    Site.objects.select_for_update().get(pk=1)
    return list(Pin.objects.order_by("place", "pk").values_list("article", flat=True))


def _arrange(order: Sequence[int]) -> None:
    Pin.objects.exclude(article__in=order).delete()
    for place, pk in enumerate(order, 1):
        Pin.objects.update_or_create(article_id=pk, defaults={"place": place})
    touch_site()
