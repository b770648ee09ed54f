"""Forms for a request for removal or correction, and for the answer to it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.names import clean_name
from articles.article_links import find_article
from articles.models import Article
from comments.comment_links import parse_comment_number
from comments.models import Comment, State
from core.forms import LongTextForm
from moderation.models import RemovalRequest
from moderation.models.requests import MAX_REQUEST_TEXT_LENGTH


class RemovalRequestForm(LongTextForm, forms.ModelForm[RemovalRequest]):
    """A form to ask for the removal or correction of a story or a comment."""

    submit = _("Send request")

    url = forms.CharField(
        label=_("Which story or comment?"),
        max_length=2_000,
        help_text=_("Paste its URL. The time of a comment links to its page."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )

    field_order = ["url", "requested_action", "passage", "reason", "role", "name", "email"]

    class Meta:
        model = RemovalRequest
        fields = ("requested_action", "passage", "reason", "role", "name", "email")
        widgets = {
            "requested_action": forms.RadioSelect,
            "role": forms.RadioSelect,
            "passage": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
            "reason": forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }
        help_texts = {
            "passage": _("Quote the words. For a correction, also write the correct text."),
            "reason": _("What is wrong, or how it harms you, and how we can verify that."),
            "name": _("Only administrators see it."),
            "email": _("Only administrators see it. We mail you a receipt and the answer."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comment: Comment | None = None
        self.article = Article()
        for name in ("requested_action", "role"):
            field: Any = self.fields[name]
            field.choices = [choice for choice in field.choices if choice[0]]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if number := parse_comment_number(url):
            comments = Comment.objects.select_related("discussion__article")
            found = comments.filter(pk=number).first()
            if found and found.discussion.is_readable and found.state == State.PUBLISHED:
                self.comment, self.article = found, found.discussion.article
                return url
        elif (article := find_article(url)) and article.is_published():
            self.article = article
            return url
        raise ValidationError(
            _("We found nothing there. Open the story or the comment, and copy that page’s URL."),
            code="unknown",
        )

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class AnswerForm(LongTextForm, forms.Form):
    """A form for an administrator's answer to a request."""

    submit = _("Send answer")

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=RemovalRequest.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    answer = forms.CharField(
        label=_("Answer"),
        max_length=MAX_REQUEST_TEXT_LENGTH,
        help_text=_("What you did, or why you did nothing, in a sentence or two. We mail it to the person."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        error_messages={"required": _("Please write an answer.")},
    )
