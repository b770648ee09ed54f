"""An article's lead image on the page on which it is written: sent there, or one that is there already."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.images import html
from articles.images.forms import ACCEPT, UploadForm
from articles.models import Article

TOLD = {  # of the fields of UploadForm
    "file": "lead_file",
    "alt": "lead_alt",
    "is_decorative": "lead_is_decorative",
    "caption": "lead_caption",
    "credit": "lead_credit",
}


class LeadImageFields(forms.Form):
    """A part of ArticleForm, whose `clean` calls `check_lead_image`."""

    lead_file = forms.FileField(
        label=gettext_lazy("New picture"), required=False, widget=forms.FileInput(attrs={"accept": ACCEPT})
    )
    lead_alt = forms.CharField(
        label=gettext_lazy("Alternative text"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("What is to be seen, for those who do not see it."),
    )
    lead_is_decorative = forms.BooleanField(
        label=gettext_lazy("Decorative"),
        required=False,
        help_text=gettext_lazy(
            "It says nothing that the text does not: those who listen are not told of it."
        ),
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
        if there := self.fields.get("lead_image"):
            there.label = _("Or one that is there")
            there.help_text = _("Its number, which the lens finds. Empty: the story has none.")

    def check_lead_image(self) -> None:
        if not self.cleaned_data.get("lead_file"):
            if any(self.cleaned_data.get(name) for name in TOLD.values()):
                self.add_error("lead_file", _("Choose the picture that this text describes."))
            return
        data = {name: self.cleaned_data[ours] for name, ours in TOLD.items() if ours in self.cleaned_data}
        self.sent = UploadForm(data, {"file": self.cleaned_data["lead_file"]})
        for name, sentences in self.sent.errors.items():
            self.add_error(TOLD.get(name), sentences)
        if self.errors and "lead_file" not in self.errors:
            self.add_error("lead_file", _("Choose it again once the rest is mended: it was not kept."))

    def add_lead_image(self, article: Article, actor: User) -> str:
        """Store what was sent, as the article's. Returns what is to be said of it, or ""."""
        if not self.cleaned_data.get("lead_file"):
            return ""
        article.lead_image = self.sent.save_as(actor)
        return self.sent.opened.note


def lead_fieldset() -> tuple[Any, dict[str, Any]]:
    return (
        gettext_lazy("Lead image"),
        {
            "fields": ["lead_picture", *TOLD.values(), "lead_image"],
            "description": gettext_lazy("Above the story, in lists, and where others show a link to it."),
        },
    )


def lead_picture(article: Article) -> Any:
    """The present one, and the way to where it is told and cropped."""
    if not (image := article.lead_image):
        return _("None yet.")
    return format_html(
        '<img class="lead-image" src="{}" alt="{}"> <a href="{}">{}</a>',
        html.small_url(image),
        image.alt,
        reverse("admin:articles_image_change", args=[image.pk]),
        _("Alternative text, credit and crop"),
    )
