from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from articles.models.lengths import longest

RULES_IN_SHORT_MAX, RULES_MAX = 300, 20_000  # characters
RULES_IN_SHORT = gettext_noop(
    "Keep to the subject. Argue with what was said, not with who said it. No advertising."
)


def check_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone. Enter one such as Europe/Oslo."), params={"value": value}
        )


def check_language(value: str) -> None:
    if value not in dict(settings.LANGUAGES):
        raise ValidationError(_("There is no translation into “%(value)s”."), params={"value": value})


# Those that Django knows by their own names.
WRITTEN = {code: told["name_local"] for code, told in LANG_INFO.items() if "name_local" in told}


def check_written(value: str) -> None:
    if value not in WRITTEN:
        raise ValidationError(_("“%(value)s” is no language that is known here."), params={"value": value})


def check_one_line(value: str) -> None:
    """For what stands in the head of a mail."""
    if not value.isprintable():
        raise ValidationError(_("This must be one line."))


class Site(models.Model):
    """What the owner of the site sets; one row, key 1. `version` grows with what changes many pages."""

    class Moderation(models.TextChoices):  # as comments.Discussion.Moderation, which takes it over
        CONDITIONAL = "conditional", _("New people and what the checks find are reviewed first")
        PRE = "pre", _("Review everything first")
        POST = "post", _("Publish at once, review afterwards")

    name = models.CharField(_("name"), max_length=80, default="Soundoff", validators=[check_one_line])
    tagline = models.CharField(_("tagline"), max_length=160, blank=True)
    # Not `choices`: a translation more is no migration.
    language = models.CharField(
        _("language"), max_length=12, default="en", db_default="en", validators=[check_language]
    )
    # Of stories and comments, for those who have them read aloud or translated. Empty: that of pages.
    written_in = models.CharField(
        _("language of the stories"),
        max_length=12,
        blank=True,
        db_default="",
        validators=[check_written],
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[check_time_zone])
    contact_email = models.EmailField(_("contact address"), blank=True, db_default="")
    mail_name = models.CharField(
        _("sender’s name in mails"), max_length=80, blank=True, db_default="", validators=[check_one_line]
    )
    # What a discussion begins with; each may be set otherwise.
    moderation = models.CharField(
        _("new discussions"),
        max_length=12,
        choices=Moderation,
        default=Moderation.CONDITIONAL,
        db_default=Moderation.CONDITIONAL,
    )
    review_after_days = models.PositiveSmallIntegerField(
        _("days until late comments are reviewed first"), default=30, db_default=30
    )
    close_after_days = models.PositiveSmallIntegerField(
        _("days until discussions close"), default=365, db_default=365, validators=[MinValueValidator(1)]
    )
    rules_in_short = models.TextField(
        _("rules in short"), max_length=RULES_IN_SHORT_MAX, blank=True, db_default=""
    )
    rules = models.TextField(_("rules in full"), max_length=RULES_MAX, blank=True, db_default="")
    # archive.nightly makes them.
    backs_up_nightly = models.BooleanField(_("back up every night"), default=False, db_default=False)
    backups_kept = models.PositiveSmallIntegerField(
        _("nightly backups that are kept"),
        default=7,
        db_default=7,
        validators=[MinValueValidator(1), MaxValueValidator(400)],
    )
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
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="site_is_one_row"),
            longest("rules_in_short", RULES_IN_SHORT_MAX, name="site_rules_in_short_length"),
            longest("rules", RULES_MAX, name="site_rules_length"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def lang(self) -> SafeString:
        """What an element has that holds words of the newsroom or its readers."""
        return format_html(' lang="{}"', self.written_in) if self.written_in else SafeString("")

    @property
    def shown_rules(self) -> list[str]:
        """The few lines that stand over each reply form."""
        return self.rules_in_short.splitlines() or [gettext(RULES_IN_SHORT)]
