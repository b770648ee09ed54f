"""The site's settings."""

from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from articles.models.lengths import max_length_constraint

MAX_RULES_IN_SHORT_LENGTH, MAX_RULES_LENGTH = 300, 20_000  # characters
DEFAULT_SHORT_RULES = gettext_noop(
    "Keep to the subject.\nArgue with what was said, not with who said it.\nNo advertising."
)


def validate_time_zone(value: str) -> None:
    """Validate the name of a time zone."""
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone. Enter one such as Europe/Oslo."), params={"value": value}
        )


def validate_language(value: str) -> None:
    """Validate a language of the interface."""
    if value not in dict(settings.LANGUAGES):
        raise ValidationError(_("Soundoff is not translated into “%(value)s”."), params={"value": value})


# The languages that articles can have: all that Django knows, by their own names.
STORY_LANGUAGES = {code: info["name_local"] for code, info in LANG_INFO.items() if "name_local" in info}


def validate_story_language(value: str) -> None:
    """Validate a language of the stories."""
    if value not in STORY_LANGUAGES:
        raise ValidationError(_("“%(value)s” is not a language that is known here."), params={"value": value})


def validate_one_line(value: str) -> None:
    """Validate text for the headers of an e-mail."""
    if not value.isprintable():
        raise ValidationError(_("Use one line."))


class Site(models.Model):
    """The settings of the site; one row, with key 1.

    `version` grows with each change that affects many pages.
    """

    class Moderation(models.TextChoices):
        """Which comments wait for review. The site has the default, each discussion its own value."""

        CONDITIONAL = "conditional", _("First comment reviewed")
        PRE = "pre", _("Pre-moderation: review everything first")
        POST = "post", _("Post-moderation: review after publication")

    name = models.CharField(_("name"), max_length=80, default="Soundoff", validators=[validate_one_line])
    tagline = models.CharField(_("tagline"), max_length=160, blank=True)
    # The logo in the header and the icon in browser tabs, in place of the defaults (site/branding.py).
    logo = models.ForeignKey(
        "articles.Image", models.PROTECT, verbose_name=_("logo"), null=True, blank=True, related_name="+"
    )
    logo_has_name = models.BooleanField(_("the logo contains the name"), default=False, db_default=False)
    icon = models.ForeignKey(
        "articles.Image", models.PROTECT, verbose_name=_("icon"), null=True, blank=True, related_name="+"
    )
    # A colour such as #0e5a66, or "" for the default. core.appearance.accent derives those of both themes.
    accent = models.CharField(_("accent colour"), max_length=7, blank=True, db_default="")
    # A validator instead of `choices`: adding a translation must not need a migration.
    language = models.CharField(
        _("language"), max_length=12, default="en", db_default="en", validators=[validate_language]
    )
    # The language of articles and comments, for screen readers and translation programs. Empty: `language`.
    written_in = models.CharField(
        _("language of the stories"),
        max_length=12,
        blank=True,
        db_default="",
        validators=[validate_story_language],
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    contact_email = models.EmailField(_("contact address"), blank=True, db_default="")
    mail_name = models.CharField(
        _("sender’s name in e-mails"),
        max_length=80,
        blank=True,
        db_default="",
        validators=[validate_one_line],
    )
    # Defaults of new discussions; each discussion may change them.
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
        _("rules in short"), max_length=MAX_RULES_IN_SHORT_LENGTH, blank=True, db_default=""
    )
    rules = models.TextField(_("rules in full"), max_length=MAX_RULES_LENGTH, blank=True, db_default="")
    privacy = models.TextField(_("text on privacy"), max_length=MAX_RULES_LENGTH, blank=True, db_default="")
    # The nightly backup, which archive/nightly.py makes.
    backs_up_nightly = models.BooleanField(_("back up every night"), default=False, db_default=False)
    backups_kept = models.PositiveSmallIntegerField(
        _("nightly backups to keep"),
        default=7,
        db_default=7,
        validators=[MinValueValidator(1), MaxValueValidator(400)],
    )
    # The next two override the settings of every discussion; moderators set them.
    comment_status = models.CharField(
        _("comments are"),
        max_length=10,
        choices=[("open", _("open")), ("closed", _("closed")), ("hidden", _("hidden"))],
        default="open",
        db_default="open",
    )
    review_everything = models.BooleanField(
        _("pre-moderation of every discussion"), default=False, db_default=False
    )
    has_public_log = models.BooleanField(
        _("public moderation log"),
        default=False,
        db_default=False,
        help_text=_("Without authors’ names. Reasons that were given fewer than three times are merged."),
    )
    staff_need_second_factor = models.BooleanField(
        _("second factor required from staff"), default=False, db_default=False
    )
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("site")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="site_is_one_row"),
            models.CheckConstraint(
                condition=Q(accent__regex=r"^(#[0-9a-f]{6})?$"), name="site_accent_is_hex"
            ),
            max_length_constraint(
                "rules_in_short", MAX_RULES_IN_SHORT_LENGTH, name="site_rules_in_short_length"
            ),
            max_length_constraint("rules", MAX_RULES_LENGTH, name="site_rules_length"),
            max_length_constraint("privacy", MAX_RULES_LENGTH, name="site_privacy_length"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def story_language(self) -> str:
        """Return the language that the newsroom and its readers write in."""
        return self.written_in or self.language

    @property
    def lang_attr(self) -> SafeString:
        """Return the lang attribute for elements that contain text of the newsroom or its readers.

        It is empty where the page has the same language: that of the site, or the one that a member chose.
        """
        language = self.story_language
        return SafeString("") if language == get_language() else format_html(' lang="{}"', language)

    @property
    def texts_with_images(self) -> str:
        """Return the texts that may show images: the rules in full, and the text on privacy."""
        return f"{self.rules}\n\n{self.privacy}"

    @property
    def short_rule_lines(self) -> list[str]:
        """Return the lines of the short rules above each comment form."""
        return (self.rules_in_short or gettext(DEFAULT_SHORT_RULES)).splitlines()
