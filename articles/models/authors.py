"""Authors, and the bylines that connect them with articles."""

from datetime import datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.lookups import IsNull
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from articles.models.slugs import first_unused_slug

MAX_AUTHORS = 4  # of one article
MAX_BIO_LENGTH = 300  # characters


class BylineAuthor(NamedTuple):
    """A name of a byline that has an author page."""

    name: str
    slug: str

    def get_absolute_url(self) -> str:
        return reverse("author", args=[self.slug])


def leads_to_any(links: models.QuerySet[Any], articles: models.QuerySet[Any]) -> IsNull:
    """Return the condition that one of these links leads to one of these articles.

    It has two subqueries, each of which stops at its first row. PostgreSQL would make a join of EXISTS, which
    reads every article: 20 ms for 10,000, on each page.
    """
    article = articles.filter(pk=OuterRef("article")).order_by().values("pk")[:1]
    first = links.filter(IsNull(Subquery(article), False)).order_by().values("pk")[:1]
    return IsNull(Subquery(first), False)


class AuthorQuerySet(models.QuerySet["Author"]):
    def named(self) -> Self:
        """Load the names, and leave out authors whose account was erased."""
        return self.select_related("user").exclude(user__name="")

    def shown(self, now: datetime | None = None) -> Self:
        """Return the authors that have a page: those with a published article at `now`."""
        by_them = Byline.objects.filter(
            author=OuterRef("pk"), article__published_at__lte=now or timezone.now()
        )
        return self.named().filter(models.Exists(by_them))

    def with_stories(self, articles: models.QuerySet[Any]) -> Self:
        """Return the authors of at least one of these articles."""
        return self.filter(leads_to_any(Byline.objects.filter(author=OuterRef("pk")), articles))


class Author(models.Model):
    """A staff member who writes stories, and their author page. The name is that of the account.

    Members and guests have none: only editors create a row, and only for staff.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.PROTECT, related_name="author"
    )
    slug = models.SlugField(_("URL slug"), max_length=100, unique=True, allow_unicode=True)
    bio = models.CharField(
        _("bio"),
        db_column="line",
        max_length=MAX_BIO_LENGTH,
        blank=True,
        help_text=_("Shown on the author page: what they write about and how to reach them."),
    )

    objects = AuthorQuerySet.as_manager()

    class Meta:
        verbose_name = _("author")
        verbose_name_plural = _("authors")
        ordering = ["user__name", "pk"]

    def __str__(self) -> str:
        return str(self.user)

    def get_absolute_url(self) -> str:
        return reverse("author", args=[self.slug])


class Byline(models.Model):
    """An author of an article, with the position among the authors."""

    article = models.ForeignKey("articles.Article", on_delete=models.CASCADE, related_name="bylines")
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="bylines")
    place = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("byline")
        verbose_name_plural = _("bylines")
        ordering = ["place", "pk"]
        constraints = [models.UniqueConstraint(fields=["article", "author"], name="byline_author_once")]

    def __str__(self) -> str:
        return f"{self.author}: {self.article}"


def unique_author_slug(name: str) -> str:
    """Return an unused slug for an author, numbered if another author has it."""
    base = slugify(name, allow_unicode=True)[:80].strip("-") or "author"
    taken = set(Author.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return first_unused_slug(base, taken)
