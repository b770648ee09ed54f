import re
from pathlib import Path

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models.articles import Article
from articles.models.editing import Revision
from articles.models.site import Site
from articles.models.standing_pages import StandingPage

MIDDLE = 50  # per cent
ALT_MAX, CAPTION_MAX, CREDIT_MAX = 500, 500, 200  # characters

_SIGNS = re.compile(r"[\\`*_\[\]<>&!~]")  # what Markdown would read


class Image(models.Model):
    """A picture of the newsroom. Its files lie in a folder named after what is in the largest of them
    (`digest`), so two rows may share one; the row says how the picture is told, credited and cropped.

    Nothing that was uploaded is kept as it came: `full` is what images/decode.py wrote anew.
    """

    digest = models.CharField(max_length=64, editable=False)  # SHA-256 of `full`, in hex
    suffix = models.CharField(max_length=4, editable=False)  # of `full`: jpg, or png
    width = models.PositiveIntegerField(_("width"), editable=False)  # pixels, of `full`
    height = models.PositiveIntegerField(_("height"), editable=False)
    is_animated = models.BooleanField(_("moves"), default=False, editable=False)  # there is `moving.webp`
    has_alpha = models.BooleanField(default=False, editable=False)  # no JPEG can show it
    filename = models.CharField(_("file"), max_length=255, editable=False)  # as it was called
    alt = models.CharField(
        _("alternative text"),
        max_length=ALT_MAX,
        blank=True,
        help_text=_("What is to be seen, for those who do not see it. One or two sentences."),
    )
    is_decorative = models.BooleanField(
        _("decorative"),
        default=False,
        help_text=_("It says nothing that the text does not: those who listen are not told of it."),
    )
    caption = models.CharField(
        _("caption"),
        max_length=CAPTION_MAX,
        blank=True,
        help_text=_("Under the picture, where a story has no other."),
    )
    credit = models.CharField(
        _("credit"),
        max_length=CREDIT_MAX,
        blank=True,
        help_text=_("Whose picture it is: “Ida Lund / Harbour News”."),
    )
    focal_x = models.PositiveSmallIntegerField(
        _("focal point, from the left"),
        default=MIDDLE,
        validators=[MaxValueValidator(100)],
        help_text=_("Per cent. Where a picture is cropped, this point stays in it."),
    )
    focal_y = models.PositiveSmallIntegerField(
        _("focal point, from the top"), default=MIDDLE, validators=[MaxValueValidator(100)]
    )
    sizes = models.JSONField(default=dict, editable=False)  # what images/sizes.py has made; {} until then
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("uploaded by"),
        null=True,
        editable=False,
        related_name="images",
    )
    uploaded_at = models.DateTimeField(_("uploaded at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["digest"], name="image_digest")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(alt="") | Q(is_decorative=True), name="image_alt_or_decorative"
            ),
            models.CheckConstraint(
                condition=Q(focal_x__lte=100, focal_y__lte=100), name="image_focal_inside"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.alt or self.caption or self.filename}"

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.digest[:2] / self.digest

    @property
    def markdown(self) -> str:
        """What an editor writes into a story to show it there."""
        alt = _SIGNS.sub(r"\\\g<0>", self.alt)
        return f"![{alt}](image:{self.pk})"

    def is_in_history(self) -> bool:
        """Whether some version of a story has it in its text."""
        return Revision.objects.filter(body__regex=rf"\(image:{self.pk}[^0-9]").exists()

    def is_readable_by(self, user: User) -> bool:
        """Whether somebody may see it before a published story shows it."""
        return user.is_authenticated and user.is_editor


class ImageUse(models.Model):
    """That an article, in its text or above it, a standing page, or the site in its rules shows an image.
    services.use_images writes these."""

    image = models.ForeignKey(Image, models.PROTECT, related_name="uses")
    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="image_uses")
    page = models.ForeignKey(StandingPage, models.CASCADE, null=True, related_name="image_uses")
    site = models.ForeignKey(Site, models.CASCADE, null=True, related_name="image_uses")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "article"], name="image_use_once"),
            models.UniqueConstraint(fields=["image", "page"], name="image_use_once_a_page"),
            models.UniqueConstraint(fields=["image", "site"], name="image_use_once_in_the_rules"),
            models.CheckConstraint(
                condition=Q(article__isnull=False, page=None, site=None)
                | Q(article=None, page__isnull=False, site=None)
                | Q(article=None, page=None, site__isnull=False),
                name="image_use_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} in {self.article or self.page or self.site}"
