"""The forms that describe and upload an image, and the check of the images in a text."""

import logging
import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.editing.conflicts import ConflictAwareForm
from articles.images.services import (
    DESCRIPTION_FIELDS,
    add_image,
    change_image,
    existing_images,
)
from articles.images.stored_files import save_files
from articles.images.uploads import MAX_MB, DecodedImage, read_upload
from articles.markup.markdown import referenced_images
from articles.markup.paste_html import find_image_placeholders
from articles.models import Image

ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/gif"
log = logging.getLogger(__name__)
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|webp|avif|gif|heic)", re.IGNORECASE)


def check_images(body: str) -> str:
    """Return the text unchanged, if all its images exist.

    Raises ValidationError for a missing image, and for the placeholder of a pasted image that was not
    uploaded.
    """
    referenced = referenced_images(body)
    if missing := referenced - existing_images(referenced):
        numbers = ", ".join(map(str, sorted(missing)))
        raise forms.ValidationError(_("There is no image %(numbers)s.") % {"numbers": numbers})
    if places := find_image_placeholders(body):
        raise forms.ValidationError(
            _("Pasted images are missing at %(places)s. Add each image there, or delete the placeholder.")
            % {"places": ", ".join(places)}
        )
    return body


class ImageForm(ConflictAwareForm):
    """The form of an image's alternative text, caption, credit and focal point."""

    class Meta:
        model = Image
        fields = DESCRIPTION_FIELDS
        widgets = {name: forms.Textarea(attrs={"rows": 2}) for name in ("alt", "caption")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("focal_x", "focal_y"):
            if field := self.fields.get(name):
                field.required = False  # empty means the middle
                field.widget.attrs |= {"min": 0, "max": 100}

    def clean_focal_x(self) -> int:
        return self._per_cent("focal_x")

    def clean_focal_y(self) -> int:
        return self._per_cent("focal_y")

    def _per_cent(self, name: str) -> int:
        value: int | None = self.cleaned_data[name]
        return getattr(self.instance, name) if value is None else value

    def clean_alt(self) -> str:
        alt: str = self.cleaned_data["alt"].strip()
        if _FILE_NAME.fullmatch(alt):
            raise forms.ValidationError(_("This is a file name. Describe the image instead."))
        return alt

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "alt" in self.cleaned_data:
            alt, is_decorative = self.cleaned_data["alt"], self.cleaned_data.get("is_decorative")
            if not alt and not is_decorative:
                self.add_error(
                    "alt",
                    _("Describe the image for people who can’t see it, or tick “Purely decorative”."),
                )
            if alt and is_decorative:
                self.add_error(
                    "is_decorative",
                    _("A decorative image has no alternative text. Clear the text, or untick this."),
                )
        return cleaned

    def save_as(self, actor: User) -> Image:
        image: Image = self.instance
        return change_image(image=image)


class UploadForm(ImageForm):
    """The form of a new image. Once it is valid, `decoded` is the image as decode.py wrote it."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        help_text=gettext_lazy("JPEG, PNG, WebP, AVIF or GIF, up to %(limit)s MB. Location data is removed.")
        % {"limit": MAX_MB},
        error_messages={
            "required": gettext_lazy("Choose an image."),
            "empty": gettext_lazy("This file is empty."),
        },
    )
    field_order = ["file"]
    decoded: DecodedImage

    def clean_file(self) -> Any:
        self.decoded = read_upload(self.cleaned_data["file"])
        return self.cleaned_data["file"]

    def clean(self) -> dict[str, Any]:
        """Store the files of a valid image, so that a full disk is an error of the form, not of the page."""
        cleaned = super().clean()
        if not self.errors:
            try:
                save_files(self.decoded)
            except OSError:
                log.exception("An image can't be stored.")
                self.add_error("file", _("The image can’t be stored at the moment. Try again in a minute."))
        return cleaned

    def save_as(self, actor: User) -> Image:
        description = {name: self.cleaned_data[name] for name in DESCRIPTION_FIELDS}
        self.instance = image = add_image(decoded=self.decoded, actor=actor, **description)
        return image
