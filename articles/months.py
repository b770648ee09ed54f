"""The archive by month: the months with their number of articles, in the site's time zone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.urls import reverse
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from articles.models import Article, ArticleQuerySet


@dataclass(frozen=True)
class Month:
    """A month with its number of articles."""

    year: int
    month: int
    article_count: int = 0

    @property
    def name(self) -> str:
        return str(MONTHS[self.month])

    @property
    def title(self) -> str:
        return _("{month} {year}").format(month=self.name, year=self.year)

    def get_absolute_url(self) -> str:
        return reverse("archive-month", args=[self.year, f"{self.month:02}"])


@dataclass(frozen=True)
class Year:
    """A year with its months."""

    year: int
    months: Sequence[Month] = ()

    @property
    def title(self) -> str:
        return str(self.year)

    def get_absolute_url(self) -> str:
        return reverse("archive-year", args=[f"{self.year:04}"])


def time_range(zone: tzinfo, year: int, month: int | None = None) -> tuple[datetime, datetime]:
    """Return the first moment of a year or a month, and of the next one."""
    if month is None:
        return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)
    return (
        datetime(year, month, 1, tzinfo=zone),
        datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone),
    )


def count_months(articles: ArticleQuerySet, zone: ZoneInfo) -> list[Month]:
    """Return the months with articles, in order. One statement, which reads the index alone."""
    months = articles.order_by().annotate(start=TruncMonth("published_at", tzinfo=zone)).values("start")
    counted = months.annotate(count=Count("pk")).order_by("start").values_list("start", "count")
    return [Month(start.year, start.month, count) for start, count in counted]


def group_by_year(months: Iterable[Month]) -> list[Year]:
    """Return the years, newest first, with their months in the given order."""
    years = groupby(months, lambda month: month.year)
    return [Year(year, list(months_of_year)) for year, months_of_year in years][::-1]


def adjacent_times(now: datetime, start: datetime, end: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the times of the last article before a time range and of the first one after it, or None."""
    times = Article.objects.published(now).values_list("published_at", flat=True)
    before = times.filter(published_at__lt=start).order_by("-published_at")[:1]
    after = times.filter(published_at__gte=end).order_by("published_at")[:1]
    found = [at for at in before.union(after, all=True) if at]
    return (
        next((at for at in found if at < start), None),
        next((at for at in found if at >= end), None),
    )
