"""Moderation settings."""

from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.spam_filters import FilterVersion


class ModerationSettings(models.Model):
    """The moderation settings: one row with key 1.

    Without it the defaults apply. Administrators change it.
    """

    alert_hours = models.PositiveIntegerField(_("hours after which moderators are e-mailed"), default=4)
    alert_from = models.TimeField(_("not before"), default=time(8))  # in the site's zone
    alert_until = models.TimeField(_("not after"), default=time(22))
    alerted_at = models.DateTimeField(null=True, editable=False)  # when the last alert was sent
    # The active version of the spam filter. Null: there is none. Only actions change this field and the next.
    filter = models.ForeignKey(
        FilterVersion, models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    false_positive_limit = models.FloatField(
        _("good comments in 100 that may wait because of the filter"),
        default=1.0,
        db_default=1.0,
        editable=False,
        validators=[MinValueValidator(0.1), MaxValueValidator(20)],
    )

    class Meta:
        verbose_name = verbose_name_plural = _("moderation settings")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="moderationsettings_is_one_row")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
