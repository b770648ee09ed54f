from django.db import models
from django.utils.translation import gettext_lazy as _


class Pin(models.Model):
    """A story that stands at the top of the front page, in its place from above, until somebody takes it off.
    One that readers may not see keeps its place and is not shown."""

    article = models.OneToOneField(
        "articles.Article", verbose_name=_("article"), on_delete=models.CASCADE, related_name="pin"
    )
    place = models.PositiveSmallIntegerField(_("place"))

    class Meta:
        verbose_name = _("pinned story")
        verbose_name_plural = _("front page")
        ordering = ["place", "pk"]

    def __str__(self) -> str:
        return str(self.article)
