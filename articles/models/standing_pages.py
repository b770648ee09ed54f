from typing import Self

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from articles.models.lengths import longest

BODY_MAX = 200_000  # characters, as of a story


class StandingPageQuerySet(models.QuerySet["StandingPage"]):
    def shown(self) -> Self:
        return self.filter(shown=True)


class StandingPage(models.Model):
    """About, Rules, Contact: a page that is no story. services.save_page renders its text."""

    class Menu(models.TextChoices):
        TOP = "top", _("at the top and at the foot of each page")
        FOOT = "foot", _("at the foot of each page")
        NONE = "none", _("nowhere")

    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(_("part of the URL"), max_length=100, unique=True, allow_unicode=True)
    body = models.TextField(_("body"), max_length=BODY_MAX, blank=True, help_text=_("Markdown."))
    body_html = models.TextField(editable=False, blank=True)
    menu = models.CharField(_("link to it"), max_length=10, choices=Menu, default=Menu.FOOT)
    place = models.PositiveSmallIntegerField(
        _("place in the menu"), default=1, help_text=_("The lowest number comes first.")
    )
    shown = models.BooleanField(
        _("shown to readers"), default=True, help_text=_("Switched off, there is nothing at its URL.")
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    objects = StandingPageQuerySet.as_manager()

    class Meta:
        verbose_name = _("standing page")
        verbose_name_plural = _("standing pages")
        ordering = ["place", "title"]
        constraints = [longest("body", BODY_MAX, name="page_body_length")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("page", args=[self.slug])
