"""The form for the share of good comments that may become pending because of the filter."""

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.forms import SubmitForm
from moderation.spam_filter.thresholds import STRICT_PERCENT
from moderation.spam_filter.versions import MAX_FALSE_POSITIVE_LIMIT, MIN_FALSE_POSITIVE_LIMIT


class FalsePositiveLimitForm(SubmitForm, forms.Form):
    """Sets how many good comments in a hundred may become pending."""

    submit = _("Save")
    submit_name = "set"

    percent = forms.FloatField(
        label=_("Of 100 good comments, this many may wait because of the filter"),
        help_text=format_lazy(
            _(
                "From 0.1 to 20. With a lower number, more spam is published. {strict} is strict: at most 1 "
                "of 100 good comments waited on each of the larger blogs that it was tested on."
            ),
            strict=STRICT_PERCENT,
        ),
        min_value=MIN_FALSE_POSITIVE_LIMIT,
        max_value=MAX_FALSE_POSITIVE_LIMIT,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
    )

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        helper.form_id = "wait"
        return helper
