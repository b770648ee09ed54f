"""The lead image in the article form: uploaded there, or chosen from the library."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.images.forms import ACCEPT, UploadForm
from articles.images.library import LibraryInput
from articles.models import Article

LEAD_IMAGE_FIELDS = {  # the field of UploadForm: the field of the article form
    "file": "lead_file",
    "alt": "lead_alt",
    "is_decorative": "lead_is_decorative",
    "caption": "lead_caption",
    "credit": "lead_credit",
}


class LeadImageFields(forms.Form):
    """The lead image fields of ArticleForm, whose `clean` calls `check_lead_image`."""

    lead_file = forms.FileField(
        label=gettext_lazy("Upload an image"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )
    lead_alt = forms.CharField(
        label=gettext_lazy("Alternative text"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Describe the image for people who can’t see it."),
    )
    lead_is_decorative = forms.BooleanField(
        label=gettext_lazy("Purely decorative"),
        required=False,
        help_text=gettext_lazy("The image adds nothing to the text. Screen readers skip it."),
    )
    lead_caption = forms.CharField(
        label=gettext_lazy("Caption"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    lead_credit = forms.CharField(
        label=gettext_lazy("Credit"), required=False, widget=forms.TextInput(attrs={"class": "vTextField"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if library_field := self.fields.get("lead_image"):
            library_field.label = _("Choose from library")
            library_field.widget = LibraryInput()
            library_field.help_text = _(
                "The number after “image:” on the page of the image. Empty means no lead image."
            )

    def check_lead_image(self) -> None:
        """Validate the uploaded image and its description, and add the errors to this form."""
        if not self.cleaned_data.get("lead_file"):
            if any(self.cleaned_data.get(name) for name in LEAD_IMAGE_FIELDS.values()):
                self.add_error("lead_file", _("Choose the image that this text describes."))
            return
        data = {
            name: self.cleaned_data[field]
            for name, field in LEAD_IMAGE_FIELDS.items()
            if field in self.cleaned_data
        }
        self.upload_form = UploadForm(data, {"file": self.cleaned_data["lead_file"]})
        for name, sentences in self.upload_form.errors.items():
            self.add_error(LEAD_IMAGE_FIELDS.get(name), sentences)
        if self.errors and "lead_file" not in self.errors:
            self.add_error("lead_file", _("Correct the other errors, then choose the file again."))

    def add_lead_image(self, article: Article, actor: User) -> str:
        """Store the uploaded image as the article's lead image. Returns a note for the editor, or ""."""
        if not self.cleaned_data.get("lead_file"):
            return ""
        article.lead_image = self.upload_form.save_as(actor)
        return self.upload_form.decoded.note


def lead_image_fieldset() -> tuple[Any, dict[str, Any]]:
    return (
        gettext_lazy("Lead image"),
        {
            "fields": ["lead_image", *LEAD_IMAGE_FIELDS.values()],
            "classes": ["lead-image"],
            "description": gettext_lazy(
                "Shown above the story, in lists and in link previews on other sites."
            ),
        },
    )
