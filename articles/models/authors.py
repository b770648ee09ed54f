from datetime import datetime
from typing import NamedTuple, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

AUTHORS_MAX = 4  # of a story
LINE_MAX = 300  # characters of what is said of somebody


class Signed(NamedTuple):
    """One name of a byline that has a page."""

    name: str
    slug: str

    def get_absolute_url(self) -> str:
        return reverse("author", args=[self.slug])


class AuthorQuerySet(models.QuerySet["Author"]):
    def named(self) -> Self:
        """With the account's name; without those whose account was blanked."""
        return self.select_related("user").exclude(user__name="")

    def shown(self, now: datetime | None = None) -> Self:
        """Who has a page: by whom there is something to read."""
        by_them = Byline.objects.filter(
            author=models.OuterRef("pk"), article__published_at__lte=now or timezone.now()
        )
        return self.named().filter(models.Exists(by_them))


class Author(models.Model):
    """Somebody of the staff who signs stories, and their page. Members and guests have none: a row is made
    only by who edits, for somebody of the staff. The name is the account's own."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.PROTECT, related_name="author"
    )
    slug = models.SlugField(_("part of the URL"), max_length=100, unique=True, allow_unicode=True)
    line = models.CharField(
        _("a line about them"),
        max_length=LINE_MAX,
        blank=True,
        help_text=_("Shown on the page of their stories: what they write about, where they can be reached."),
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
    """That an author signs a story, and in which place among others."""

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


def free_author_slug(name: str) -> str:
    base = slugify(name, allow_unicode=True)[:80].strip("-") or "author"
    taken = set(Author.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(s for n in range(1, len(taken) + 2) if (s := base if n == 1 else f"{base}-{n}") not in taken)
