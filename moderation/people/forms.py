"""Forms about a person: what to hold them to, a note, and a child's data."""

from datetime import datetime, timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from comments import removal_reasons
from comments.models import Reason
from core.forms import Lines, leave_whole
from moderation.models import Note, Sanction
from moderation.models.people import WORDS_MAX

WARNED_FOR = timedelta(days=30)  # that a warning is shown where the person writes
PAUSE = timedelta(days=7)  # as the form proposes it
LONGEST = timedelta(days=3653)  # a time near the year 9999 is none in another time zone
FORMAT = "%Y-%m-%dT%H:%M"  # of datetime-local

Kind = Sanction.Kind

LABELS = {
    Kind.WARN: gettext_lazy("Warn"),
    Kind.REVIEW: gettext_lazy("Review everything of theirs"),
    Kind.PAUSE: gettext_lazy("Pause until…"),
    Kind.BAN: gettext_lazy("Ban"),
}
EXPLAINED = {
    Kind.WARN: gettext_lazy("They read it for 30 days where they write, and may go on."),
    Kind.REVIEW: gettext_lazy("What they write waits for a moderator. They are told so."),
    Kind.PAUSE: gettext_lazy("They can't comment until then. They are told why, and when it ends."),
    Kind.BAN: gettext_lazy("They can't comment. They are told why, and how to ask for another look."),
}


class SanctionForm(forms.Form):
    """One kind of sanction, with its reason and its end. `counts`: how many comments the last days hold."""

    reason = forms.ChoiceField(label=gettext_lazy("Why? They are told:"))
    words = Lines(
        label=gettext_lazy("In your words"),
        required=False,
        max_length=WORDS_MAX,
        help_text=gettext_lazy("They read this as well. Without it, the reason alone."),
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=FORMAT),
    )
    days = forms.TypedChoiceField(label=gettext_lazy("Also remove"), coerce=int, required=False)

    def __init__(self, data: Any = None, *, kind: str, counts: dict[int, int]) -> None:
        self.kind = Kind(kind)
        super().__init__(data, auto_id=f"id_{kind}_%s")  # four of them are on a page
        leave_whole(self)
        spam = (Reason.SPAM.value, str(Reason.SPAM.label))
        self.fields["reason"].choices = [*removal_reasons.choices(), spam]  # type: ignore[attr-defined]
        self.fields["days"].choices = [  # type: ignore[attr-defined]
            (0, _("nothing: what they wrote stays")),
            *((days, _last(days, count)) for days, count in counts.items() if count),
        ]
        if len(self.fields["days"].choices) == 1:  # type: ignore[attr-defined]
            del self.fields["days"]
        if self.kind == Kind.WARN:
            del self.fields["until"]
        elif self.kind == Kind.PAUSE:
            self.fields["until"].required = True
            self.fields["until"].help_text = _("In the time zone of the site.")
            self.fields["until"].initial = timezone.now() + PAUSE
        else:
            self.fields["until"].help_text = _("Empty: until somebody ends it. In the time zone of the site.")

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True  # the template has it
        helper.add_input(Submit("", _("Pause") if self.kind == Kind.PAUSE else self.label))
        return helper

    @property
    def label(self) -> str:
        return str(LABELS[self.kind])

    @property
    def explained(self) -> str:
        return str(EXPLAINED[self.kind])

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise ValidationError(_("That is over already."), code="past")
        if until and until > timezone.now() + LONGEST:
            raise ValidationError(_("Ten years are the most."), code="far")
        return until

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.kind == Kind.WARN:
            data["until"] = timezone.now() + WARNED_FOR
        data["days"] = data.get("days") or 0
        return data


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Note
        fields = ["text"]
        field_classes = {"text": Lines}
        labels = {"text": gettext_lazy("A note for colleagues")}
        widgets = {"text": forms.Textarea(attrs={"rows": 2, "dir": "auto"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.add_input(Submit("", _("Keep this note")))
        return helper


class AskForm(forms.Form):
    """Another look at a sanction, from the person whom it holds."""

    words = Lines(
        label=gettext_lazy("Why do you think that it is wrong?"),
        max_length=WORDS_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.add_input(Submit("", _("Ask for another look")))
        return helper


def _last(days: int, count: int) -> str:
    of = ngettext("%(n)s comment", "%(n)s comments", count) % {"n": count}
    if days == 1:
        return _("the last 24 hours: %(comments)s") % {"comments": of}
    if days >= 365:
        return _("the last year: %(comments)s") % {"comments": of}
    return _("the last %(days)s days: %(comments)s") % {"days": days, "comments": of}
