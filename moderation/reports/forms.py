"""Forms of readers and authors: a report, a report of illegal content, another look."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout, Submit
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import NAME_MAX
from accounts.names import clean_name
from comments.comment_links import comment_number
from comments.forms import BodyForm
from comments.models import Comment, State
from core.forms import leave_whole
from moderation.models import Notice, Report, has_page
from moderation.models.reports import WORDS_MAX

WORDS = forms.Textarea(attrs={"rows": 3, "dir": "auto"})


class ReportForm(forms.Form):
    """Why a comment should not stand here; from somebody without an account, a name and an e-mail as well."""

    why = forms.ChoiceField(label=_("What is wrong with it?"), widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In your words"),
        required=False,
        max_length=WORDS_MAX,
        help_text=_("Only the moderators read this. Needed for “Something else” alone."),
        widget=WORDS,
    )
    name = forms.CharField(
        label=_("Name"), max_length=NAME_MAX, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("Never shown. We mail one link to confirm it, and later what came of your report."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, is_known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)
        self.fields["why"].choices = [  # type: ignore[attr-defined]
            (Report.Why.SPAM, _("It is spam or advertising")),
            (Report.Why.ABUSE, _("It attacks or insults somebody")),
            (Report.Why.OFF_TOPIC, _("It has nothing to do with the subject")),
            (Report.Why.OTHER, _("Something else, which I say below")),
        ]
        if is_known:
            del self.fields["name"], self.fields["email"]

    @property
    def helper(self) -> FormHelper:
        return _helper(_("Send the report"))

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        why, words = (self.cleaned_data.get(name, "") for name in ("why", "words"))
        if why == Report.Why.OTHER and not words.strip():
            self.add_error("words", _("Say in a few words what is wrong with it."))
        return cleaned


class NoticeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Illegal content. Of the abuse of a child nobody is asked who they are: with the tick the style sheet
    hides the fields, without it they are there again, and what they hold is dropped."""

    where = forms.CharField(
        label=_("Which comment?"),
        max_length=2_000,
        help_text=_("Its link (behind the time of the comment), or its number."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )

    field_order = ["where", "is_child_abuse", "why", "name", "email", "in_good_faith"]

    class Meta:
        model = Notice
        fields = ("is_child_abuse", "why", "name", "email", "in_good_faith")
        widgets = {
            "why": forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }
        help_texts = {
            "why": _("Which words you mean, and which law or whose right they break, as well as you know."),
            "name": _("Only the moderators read it."),
            "email": _("Never shown. We mail you a receipt and the decision."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)
        self.comment: Comment | None = None
        self.fields["why"].required = True
        self.fields["in_good_faith"].required = True
        self.fields["in_good_faith"].error_messages["required"] = _("Tick this if it is so.")

    @property
    def helper(self) -> FormHelper:
        unless = _("About the abuse of a child we ask nobody who they are: leave name and e-mail empty then.")
        helper = _helper(_("Send the report"))
        helper.layout = Layout(
            "where",
            "is_child_abuse",
            "why",
            Div(HTML(f'<p class="form-text">{unless}</p>'), "name", "email", css_class="who"),
            Field("in_good_faith"),
        )
        return helper

    def clean_where(self) -> str:
        where: str = self.cleaned_data["where"]
        comments = Comment.objects.select_related("discussion__article")
        found = comments.filter(pk=comment_number(where) or 0).first()
        if found is None or not has_page(found) or found.state == State.PENDING:
            raise ValidationError(
                _("We find no comment there. Open the comment by its time, and copy that page's URL."),
                code="unknown",
            )
        if found.state != State.PUBLISHED:
            raise ValidationError(
                _("This comment was removed already. Nobody sees it any more."), code="gone"
            )
        self.comment = found
        return where

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in ("name", "email"):
            if self.cleaned_data.get("is_child_abuse"):
                self.errors.pop(name, None)
                self.cleaned_data[name] = ""
            elif not (name in self.errors or self.cleaned_data[name].strip()):
                self.add_error(name, _("We need this, unless it is about the abuse of a child."))
        return cleaned


class AgainForm(BodyForm):
    submit = _("Send again")


class LookForm(forms.Form):
    words = forms.CharField(
        label=_("Why should it be looked at again?"),
        max_length=WORDS_MAX,
        widget=WORDS,
        error_messages={"required": _("Say in a few words why. You can ask once.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)

    @property
    def helper(self) -> FormHelper:
        return _helper(_("Ask for another look"))


def _helper(label: Any) -> FormHelper:
    helper = FormHelper()
    helper.form_action = ""
    helper.add_input(Submit("", label))
    return helper
