"""The learned spam filter: one row for each version."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class FilterVersion(models.Model):
    """One version of the spam filter: its weights, its training data and its results on later decisions.

    The weights never change. They are deleted if the training data included a comment that is restricted now.
    The active version is ModerationSettings.filter, which only actions set.
    """

    class Kind(models.TextChoices):
        STARTER = "starter", _("starter")  # is part of Soundoff, and was not trained on this site
        TRAINED = "learnt", _("trained on this site")

    kind = models.CharField(max_length=10, choices=Kind)
    made_at = models.DateTimeField(default=timezone.now)
    weights = models.BinaryField()  # spam_filter.classifier.model.Model.to_bytes
    # For a starter, its source. Else {"decisions": n, "spam": n, "until": id of the last transition that it
    # was trained on, "kept": n, "sealed": n, "erased": n}. The last three count comments that were decided up
    # to "until": those whose decision still applied at the time of the training, those that had been
    # restricted, and those that had been erased. Either kind may have "is_emptied": its weights were deleted
    # because of a restricted comment; or "is_of_another_release": this release can't load its weights.
    trained_on = models.JSONField(default=dict)
    # Its results on decisions that were taken after its training (spam_filter.training.Evaluation), and in
    # "trial" those of its comparison with the version that was active. Empty: none yet.
    evaluation = models.JSONField(default=dict, db_column="numbers")
    evaluated_at = models.DateTimeField(null=True, db_column="numbers_at")
    # Whether it failed its trial: its results were worse than those of the version that was active.
    is_refused = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("filter")
        verbose_name_plural = _("filters")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return _("version %(n)s") % {"n": self.pk}
