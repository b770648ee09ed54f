"""Images, and where they are used."""

import re

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

CENTER = 50  # per cent
MAX_ALT_LENGTH, MAX_CAPTION_LENGTH, MAX_CREDIT_LENGTH = 500, 500, 200  # characters

MEDIA = "media"  # the folder of all images in the storage
DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")  # of Image.digest, the name of an image's folder

_MARKDOWN_CHARACTERS = re.compile(r"[\\`*_\[\]<>&!~]")  # that Markdown would interpret


def folder_of(digest: str) -> str:
    """Return the name of the folder with the files of the images that have this digest."""
    return f"{MEDIA}/{digest[:2]}/{digest}"


class Image(models.Model):
    """An uploaded image, with its alternative text, credit and focal point.

    Its files are in a folder named after the digest of the largest of them, so two rows may share a folder.
    No uploaded file is stored unchanged: images/decode.py re-encodes it as `full`.
    """

    digest = models.CharField(max_length=64, editable=False)  # SHA-256 of `full`, in hex
    suffix = models.CharField(max_length=4, editable=False)  # of `full`: jpg, or png
    width = models.PositiveIntegerField(_("width"), editable=False)  # pixels, of `full`
    height = models.PositiveIntegerField(_("height"), editable=False)
    is_animated = models.BooleanField(_("animated"), default=False, editable=False)  # has `moving.webp`
    has_alpha = models.BooleanField(default=False, editable=False)  # transparency, which JPEG lacks
    filename = models.CharField(_("file"), max_length=255, editable=False)  # name of the uploaded file
    alt = models.CharField(
        _("alternative text"),
        max_length=MAX_ALT_LENGTH,
        blank=True,
        help_text=_("Describe the image for people who can’t see it, in one or two sentences."),
    )
    is_decorative = models.BooleanField(
        _("purely decorative"),
        default=False,
        help_text=_("The image adds nothing to the text. Screen readers skip it."),
    )
    caption = models.CharField(
        _("caption"),
        max_length=MAX_CAPTION_LENGTH,
        blank=True,
        help_text=_("Shown under the image, unless a story has its own caption for it."),
    )
    credit = models.CharField(
        _("credit"),
        max_length=MAX_CREDIT_LENGTH,
        blank=True,
        help_text=_("Who made the image, such as “Ida Lund / Harbour News”."),
    )
    focal_x = models.PositiveSmallIntegerField(
        _("focal point, from the left"),
        default=CENTER,
        validators=[MaxValueValidator(100)],
        help_text=_("Per cent. This point stays visible where the image is cropped."),
    )
    focal_y = models.PositiveSmallIntegerField(
        _("focal point, from the top"), default=CENTER, validators=[MaxValueValidator(100)]
    )
    sizes = models.JSONField(default=dict, editable=False)  # written by images/sizes.py; {} until then
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
    def folder(self) -> str:
        """Return the name of the folder of its files in the storage (core/files)."""
        return folder_of(self.digest)

    @property
    def full_file(self) -> str:
        return f"{self.folder}/full.{self.suffix}"

    @property
    def markdown(self) -> str:
        """Return the Markdown that shows the image in a story."""
        alt = _MARKDOWN_CHARACTERS.sub(r"\\\g<0>", self.alt)
        return f"![{alt}](image:{self.pk})"

    def is_in_history(self) -> bool:
        """Return whether a revision contains the image."""
        return Revision.objects.filter(body__regex=rf"\(image:{self.pk}[^0-9]").exists()

    def is_readable_by(self, user: User) -> bool:
        """Return whether `user` may see it before a published story shows it."""
        return user.is_editor


class ImageUse(models.Model):
    """A use of an image: by an article (in its text or as lead image), a page, or a text of the site.

    images.services.set_image_uses writes these.
    """

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
