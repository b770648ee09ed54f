"""Forms of readers and authors: a report, a report of illegal content, and an appeal."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_NAME_LENGTH
from accounts.names import clean_name
from comments.comment_links import parse_comment_number
from comments.forms import EditForm
from comments.models import Comment, State
from core.forms import LongTextForm, MultilineField
from moderation.models import IllegalContentReport, Report
from moderation.models.people import MAX_APPEAL_LENGTH
from moderation.models.reports import MAX_REPORT_TEXT_LENGTH

TEXTAREA = forms.Textarea(attrs={"rows": 3, "dir": "auto"})


class ReportForm(LongTextForm, forms.Form):
    """A form to report a comment.

    People without an account or a guest cookie also give a name and an e-mail address.
    """

    submit = _("Send report")

    why = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=Report.CHOICES,
        widget=forms.RadioSelect,
    )
    details = forms.CharField(
        label=_("Details"),
        required=False,
        max_length=MAX_REPORT_TEXT_LENGTH,
        help_text=_("Only the moderators read this. Required for “Something else”."),
        widget=TEXTAREA,
    )
    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_(
            "Not published; moderators can see it. We mail you a link to confirm it, and later the decision "
            "on your report."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, has_identity: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_identity:
            del self.fields["name"], self.fields["email"]

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        why, details = (self.cleaned_data.get(name, "") for name in ("why", "details"))
        if why == Report.Why.OTHER and not details.strip():
            self.add_error("details", _("Please describe what is wrong with it."))
        return cleaned


class IllegalContentForm(LongTextForm, forms.ModelForm[IllegalContentReport]):
    """A form to report illegal content.

    Reports of child abuse are anonymous: with that box checked, the style sheet hides the fields for name and
    e-mail, and their input is dropped.
    """

    submit = _("Send report")

    url = forms.CharField(
        label=_("Which comment?"),
        max_length=2_000,
        help_text=_("Its URL or its number. The time of a comment links to its page."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )

    field_order = ["url", "is_child_abuse", "why", "name", "email", "in_good_faith"]

    class Meta:
        model = IllegalContentReport
        fields = ("is_child_abuse", "why", "name", "email", "in_good_faith")
        widgets = {
            "why": forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }
        help_texts = {
            "why": _("Quote the words, and name the law or the right that they violate, if you know it."),
            "name": _("Only the moderators see it."),
            "email": _("Only administrators see it. We mail you a receipt and the decision."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comment: Comment | None = None
        self.fields["why"].required = True
        self.fields["in_good_faith"].required = True
        self.fields["in_good_faith"].error_messages["required"] = _("Please confirm this.")

    @property
    def helper(self) -> FormHelper:
        note = _("You can report child abuse anonymously: leave name and e-mail empty.")
        helper = super().helper
        helper.layout = Layout(
            "url",
            "is_child_abuse",
            "why",
            Div(HTML(f'<p class="form-text">{note}</p>'), "name", "email", css_class="reporter"),
            Field("in_good_faith"),
        )
        return helper

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        comments = Comment.objects.select_related("discussion__article")
        found = comments.filter(pk=parse_comment_number(url) or 0).first()
        if found is None or not found.discussion.is_readable or found.state == State.PENDING:
            raise ValidationError(
                _("We found no comment there. Open the comment’s own page by its time, and copy its URL."),
                code="unknown",
            )
        if found.state != State.PUBLISHED:
            raise ValidationError(_("This comment was already removed."), code="gone")
        self.comment = found
        return url

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in ("name", "email"):
            if self.cleaned_data.get("is_child_abuse"):
                self.errors.pop(name, None)
                self.cleaned_data[name] = ""
            elif not (name in self.errors or self.cleaned_data[name].strip()):
                self.add_error(name, _("This field is required, except to report child abuse."))
        return cleaned


class ResubmitForm(EditForm):
    """A form to edit a comment that is pending or was removed, and to resubmit it."""

    submit = _("Resubmit")


class AppealForm(LongTextForm, forms.Form):
    """A form to appeal a decision, such as the removal of one's comment."""

    submit = _("Appeal this decision")
    is_refused = False  # whether the typed text can only be copied; `refuse` sets it

    text = MultilineField(
        label=_("Why is this decision wrong?"),
        max_length=MAX_APPEAL_LENGTH,
        widget=TEXTAREA,
        error_messages={"required": _("Please explain why. You can appeal once.")},
    )

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        if self.is_refused:
            helper.inputs = []
        return helper

    def refuse(self) -> None:
        """Show the typed text without a button: the person appealed before, or there is nothing to appeal."""
        self.is_refused = True
        self["text"].label = _("Your text, which was not sent")
        self.fields["text"].required = False
        self.fields["text"].widget.attrs["readonly"] = True
