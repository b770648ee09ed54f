"""Screenings of large imports."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from comments.models import Discussion
from moderation.models.actions import Batch


class ImportScreening(models.Model):
    """The screening of an import's comments by a job, with its progress."""

    batch = models.OneToOneField(Batch, models.PROTECT, primary_key=True, related_name="screening")
    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="+", db_index=False)
    comment_count = models.PositiveIntegerField()
    screened_count = models.PositiveIntegerField(default=0)  # in the order of time
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("screening of an import")
        verbose_name_plural = _("screenings of imports")

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.screened_count}/{self.comment_count}"
