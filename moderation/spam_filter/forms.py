"""The form for the share of honest comments that may wait because of the filter."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.spam_filter.versions import MAX_WAITING_PERCENT, MIN_WAITING_PERCENT


class WaitingPercentForm(forms.Form):
    """Sets how many honest comments in a hundred may wait."""

    percent = forms.FloatField(
        label=gettext_lazy("Of 100 good comments, this many may wait because of the filter"),
        help_text=gettext_lazy("From 0.1 to 20. With a lower number, more spam is published."),
        min_value=MIN_WAITING_PERCENT,
        max_value=MAX_WAITING_PERCENT,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
    )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_id = "wait"
        helper.add_input(Submit("set", _("Save")))
        return helper
