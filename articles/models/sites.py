from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def check_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone such as Europe/Oslo."), params={"value": value}
        )


class Site(models.Model):
    """What the owner of the site sets; one row, key 1. `version` grows with what changes many pages."""

    name = models.CharField(_("name"), max_length=80, default="Soundoff")
    tagline = models.CharField(_("tagline"), max_length=160, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[check_time_zone])
    # What holds for every discussion, whatever its own settings say; moderators press these.
    comment_status = models.CharField(
        _("comments are"),
        max_length=10,
        choices=[("open", _("open")), ("closed", _("closed")), ("hidden", _("hidden"))],
        default="open",
        db_default="open",
    )
    review_everything = models.BooleanField(_("review everything first"), default=False, db_default=False)
    has_public_log = models.BooleanField(
        _("public log of the moderation"),
        default=False,
        db_default=False,
        help_text=_("Without names of authors; reasons given less than three times are merged."),
    )
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("site")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="site_is_one_row")]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
