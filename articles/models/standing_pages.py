"""Pages such as About, Rules and Contact."""

from typing import Self

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from articles.models.articles import MAX_BODY_LENGTH
from articles.models.lengths import max_length_constraint


class StandingPageQuerySet(models.QuerySet["StandingPage"]):
    def shown(self) -> Self:
        """Return the pages that readers see."""
        return self.filter(shown=True)


class StandingPage(models.Model):
    """A page that is not a story: About, Rules, Contact. services.save_page renders its text."""

    class Menu(models.TextChoices):
        TOP = "top", _("in the header and footer")
        FOOT = "foot", _("in the footer")
        NONE = "none", _("not linked")

    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(_("URL slug"), max_length=100, unique=True, allow_unicode=True)
    body = models.TextField(_("body"), max_length=MAX_BODY_LENGTH, blank=True, help_text=_("Markdown."))
    body_html = models.TextField(editable=False, blank=True)
    menu = models.CharField(_("menu"), max_length=10, choices=Menu, default=Menu.FOOT)
    place = models.PositiveSmallIntegerField(
        _("position in the menu"), default=1, help_text=_("Lower numbers come first.")
    )
    shown = models.BooleanField(
        _("shown to readers"), default=True, help_text=_("If this is off, its URL answers “Page not found”.")
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    objects = StandingPageQuerySet.as_manager()

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        ordering = ["place", "title"]
        constraints = [max_length_constraint("body", MAX_BODY_LENGTH, name="page_body_length")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("page", args=[self.slug])
