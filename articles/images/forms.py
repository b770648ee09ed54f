import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.editing.conflicts import WrittenForm
from articles.images.services import TOLD, add_image, change_image, existing_images
from articles.images.uploads import MAX_MB, Opened, Refused, read_upload
from articles.markup.markdown import named_images
from articles.markup.paste_html import places_of_pictures
from articles.models import Image

ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/gif"
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|webp|avif|gif|heic)", re.IGNORECASE)


def check_images(body: str) -> str:
    """The same text. Raises ValidationError where it names an image that is not there, or has the place of
    one that never came."""
    named = named_images(body)
    if missing := named - existing_images(named):
        numbers = ", ".join(map(str, sorted(missing)))
        raise forms.ValidationError(_("There is no image %(numbers)s.") % {"numbers": numbers})
    if places := places_of_pictures(body):
        raise forms.ValidationError(
            _(
                "Pasted pictures are missing where the text says %(places)s: readers would read that. Add "
                "each of them there, or delete the words."
            )
            % {"places": ", ".join(places)}
        )
    return body


class ImageForm(WrittenForm):
    """What is told of a picture."""

    class Meta:
        model = Image
        fields = TOLD
        widgets = {name: forms.Textarea(attrs={"rows": 2}) for name in ("alt", "caption")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("focal_x", "focal_y"):
            if field := self.fields.get(name):
                field.required = False  # the middle, for who does not say
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
            raise forms.ValidationError(_("That is the name of a file. Say what is to be seen."))
        return alt

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "alt" in self.cleaned_data:
            alt, is_decorative = self.cleaned_data["alt"], self.cleaned_data.get("is_decorative")
            if not alt and not is_decorative:
                self.add_error(
                    "alt",
                    _(
                        "Say what is to be seen, for those who do not see it. If it says nothing that the "
                        "text does not, tick “decorative”."
                    ),
                )
            if alt and is_decorative:
                self.add_error("is_decorative", _("It has an alternative text: empty that, or untick this."))
        return cleaned

    def save_as(self, actor: User) -> Image:
        image: Image = self.instance
        return change_image(image=image)


class UploadForm(ImageForm):
    """A new picture. `note`, once it is saved: what is not as it was sent, or ""."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        help_text=gettext_lazy(
            "JPEG, PNG, WebP, AVIF or GIF, up to %(most)s MB. Where it was taken is removed."
        )
        % {"most": MAX_MB},
        error_messages={
            "required": gettext_lazy("Choose a picture."),
            "empty": gettext_lazy("This file is empty."),
        },
    )
    field_order = ["file"]
    opened: Opened

    def clean_file(self) -> Any:
        try:
            self.opened = read_upload(self.cleaned_data["file"])
        except Refused as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data["file"]

    def save_as(self, actor: User) -> Image:
        told = {name: self.cleaned_data[name] for name in TOLD}
        self.instance = made = add_image(opened=self.opened, actor=actor, **told)
        return made
