"""Authors, and the bylines that connect them with articles."""

from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles.models.queries import has_any_article
from articles.models.slugs import unused_slug_of_name

MAX_AUTHORS = 4  # of one article
MAX_BIO_LENGTH = 300  # characters


class BylineAuthor(NamedTuple):
    """A name of a byline that has an author page."""

    name: str
    slug: str

    def get_absolute_url(self) -> str:
        return reverse("author", args=[self.slug])


class AuthorQuerySet(models.QuerySet["Author"]):
    def named(self) -> Self:
        """Load the names, and leave out authors whose account was erased."""
        return self.select_related("user").exclude(user__name="")

    def with_articles(self, articles: models.QuerySet[Any]) -> Self:
        """Return the authors of at least one of these articles. Those of a published one have a page."""
        return self.filter(has_any_article(Byline.objects.filter(author=OuterRef("pk")), articles))


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
    position = models.PositiveSmallIntegerField(db_column="place")

    class Meta:
        verbose_name = _("byline")
        verbose_name_plural = _("bylines")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["article", "author"], name="byline_author_once")]

    def __str__(self) -> str:
        return f"{self.author}: {self.article}"


def unique_author_slug(name: str) -> str:
    """Return an unused slug for an author, numbered if another author has it."""
    return unused_slug_of_name(name, Author.objects.all(), max_length=80, fallback="author")
