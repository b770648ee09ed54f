"""The last run of each scheduled job, and the screenings of large imports by a job."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from comments.models import Discussion
from moderation.models.actions import Action


class JobRun(models.Model):
    """The last run of a scheduled job (config.scheduler.jobs.JOBS).

    It is in this app because `config` had no models when its table was created. `error` is the class of the
    failure, without its message.
    """

    name = models.CharField(_("job"), max_length=60, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)  # null: running, or cut short
    error = models.CharField(_("error"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportScreening(models.Model):
    """The screening of an import's comments by a job, with its progress."""

    action = models.OneToOneField(
        Action, models.PROTECT, primary_key=True, related_name="screening", db_column="batch_id"
    )
    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="+", db_index=False)
    comment_count = models.PositiveIntegerField()
    screened_count = models.PositiveIntegerField(default=0)  # in the order of time
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("screening of an import")
        verbose_name_plural = _("screenings of imports")

    def __str__(self) -> str:
        return f"{self.action_id}: {self.screened_count}/{self.comment_count}"
