"""The learned model of what is spam, one row a version."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Filter(models.Model):
    """One version of the filter: weights, what they were learnt from, and how it did on what came later.

    Its weights never change, but are deleted where it learnt what is sealed now. Which version is in force
    stands on the desk, which acts set (Desk.filter).
    """

    class Kind(models.TextChoices):
        STARTER = "starter", _("starter")  # comes with the program, and knows nothing of this site
        LEARNT = "learnt", _("learnt here")

    kind = models.CharField(max_length=10, choices=Kind)
    made_at = models.DateTimeField(default=timezone.now)
    weights = models.BinaryField()  # learner.Model.to_bytes
    # {"decisions": n, "spam": n, "until": last line of the log that it knew}, and how much was gone by then;
    # a starter's provenance. "is_emptied": its weights were deleted, for it had learnt what is sealed now.
    trained_on = models.JSONField(default=dict)
    # What it said of decisions that people took after those (filter.training.Numbers); empty: of none yet.
    numbers = models.JSONField(default=dict)
    numbers_at = models.DateTimeField(null=True)
    is_refused = models.BooleanField(default=False)  # it did worse on them than the one in force

    class Meta:
        verbose_name = _("filter")
        verbose_name_plural = _("filters")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return _("version %(n)s") % {"n": self.pk}
