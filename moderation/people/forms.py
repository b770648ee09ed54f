"""Forms about a person: a sanction, an appeal against it, and a note."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from comments import removal_reasons
from comments.models import Reason
from core.dates.fields import SiteDateTimeField
from core.forms import LongTextForm, MultilineField
from moderation.models import ModeratorNote, Sanction
from moderation.models.people import MAX_SANCTION_TEXT_LENGTH
from moderation.reports.forms import AppealForm

WARNING_LENGTH = timedelta(days=30)  # how long a warning is shown above the comment form
DEFAULT_PAUSE = timedelta(days=7)
MAX_LENGTH = timedelta(days=3653)  # a time near the year 9999 cannot be converted to every time zone
DATETIME_LOCAL = "%Y-%m-%dT%H:%M"  # the format of <input type="datetime-local">

SanctionKind = Sanction.Kind

LABELS = {
    SanctionKind.WARN: gettext_lazy("Warn"),
    SanctionKind.REVIEW: gettext_lazy("Review all comments first"),
    SanctionKind.PAUSE: gettext_lazy("Pause until…"),
    SanctionKind.BAN: gettext_lazy("Ban"),
}
EXPLANATIONS = {
    SanctionKind.WARN: gettext_lazy(
        "They can still comment. The warning is shown above their comment form for 30 days."
    ),
    SanctionKind.REVIEW: gettext_lazy("Their comments wait for review. They are notified."),
    SanctionKind.PAUSE: gettext_lazy(
        "They can’t comment until then. They are notified of the reason and of when it ends."
    ),
    SanctionKind.BAN: gettext_lazy(
        "They can’t comment. They are notified of the reason and of how to appeal."
    ),
}


def _reason_choices() -> list[tuple[str, str]]:
    return [*removal_reasons.choices(), (Reason.SPAM.value, str(Reason.SPAM.label))]


class SanctionForm(LongTextForm, forms.Form):
    """A form for one kind of sanction: its reason, a message and its end.

    `counts`: the number of comments that would be removed, by number of days.
    """

    has_tag = False

    reason = forms.ChoiceField(label=gettext_lazy("Reason (shown to the person)"), choices=_reason_choices)
    message = MultilineField(
        label=gettext_lazy("Message to the person"),
        required=False,
        max_length=MAX_SANCTION_TEXT_LENGTH,
        help_text=gettext_lazy("Optional. It is shown with the reason."),
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    until = SiteDateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=DATETIME_LOCAL),
    )

    def __init__(self, data: Any = None, *, kind: str, counts: dict[int, int]) -> None:
        self.kind = SanctionKind(kind)
        super().__init__(data, auto_id=f"id_{kind}_%s")  # the page has four of these forms
        self.submit = _("Pause") if self.kind == SanctionKind.PAUSE else self.label
        if choices := [(days, _days_label(days, count)) for days, count in counts.items() if count]:
            self.fields["days"] = forms.TypedChoiceField(
                label=_("Also remove"), choices=[(0, _("no comments")), *choices], coerce=int, required=False
            )
        if self.kind == SanctionKind.WARN:
            del self.fields["until"]
        elif self.kind == SanctionKind.PAUSE:
            self.fields["until"].required = True
            self.fields["until"].help_text = _("In the site’s time zone.")
            self.fields["until"].initial = timezone.now() + DEFAULT_PAUSE
        else:
            self.fields["until"].help_text = _("Leave empty for no end date. In the site’s time zone.")

    @property
    def label(self) -> str:
        return str(LABELS[self.kind])

    @property
    def explanation(self) -> str:
        return str(EXPLANATIONS[self.kind])

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise ValidationError(_("This time is in the past."), code="past")
        if until and until > timezone.now() + MAX_LENGTH:
            raise ValidationError(_("This must be within ten years."), code="far")
        return until

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.kind == SanctionKind.WARN:
            data["until"] = timezone.now() + WARNING_LENGTH
        data["days"] = data.get("days") or 0
        return data


class NoteForm(LongTextForm, forms.ModelForm[ModeratorNote]):
    """A form to add a note for other moderators."""

    has_tag = False
    submit = gettext_lazy("Add note")

    class Meta:
        model = ModeratorNote
        fields = ["text"]
        field_classes = {"text": MultilineField}
        labels = {"text": gettext_lazy("Note for moderators")}
        widgets = {"text": forms.Textarea(attrs={"rows": 2, "dir": "auto"})}


class SanctionAppealForm(AppealForm):
    """A form for the sanctioned person to appeal a sanction."""

    has_tag = False

    def __init__(self, data: Any = None, *, sanction: int | None) -> None:
        super().__init__(data, auto_id=f"id_{sanction}_%s")  # the page has a form for each sanction


def _days_label(days: int, count: int) -> str:
    comments = ngettext("%(n)s comment", "%(n)s comments", count) % {"n": count}
    if days == 1:
        return _("the last 24 hours: %(comments)s") % {"comments": comments}
    if days >= 365:
        return _("the last year: %(comments)s") % {"comments": comments}
    return _("the last %(days)s days: %(comments)s") % {"days": days, "comments": comments}
