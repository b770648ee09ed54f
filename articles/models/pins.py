"""Pinned stories of the front page."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Pin(models.Model):
    """A story that is pinned to the top of the front page, at `position`, until it is unpinned.

    A pinned story that is not published keeps its position and is not shown.
    """

    article = models.OneToOneField(
        "articles.Article", verbose_name=_("story"), on_delete=models.CASCADE, related_name="pin"
    )
    position = models.PositiveSmallIntegerField(_("place"), db_column="place")

    class Meta:
        verbose_name = _("pinned story")
        verbose_name_plural = _("front page")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return str(self.article)
