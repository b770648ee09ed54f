"""What holds for every form in which somebody writes."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

TOO_LONG = _(
    "This has %(show_value)s characters; %(limit_value)s is the most. Nothing was lost: shorten it here."
)


class Lines(forms.CharField):
    """Counts a new line as one character, as browsers do: else they let through what is then refused."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


def leave_whole(form: forms.BaseForm) -> None:
    """No field tells the browser its longest: that would cut what is pasted, and say nothing. Too long is
    refused with the count when it is sent."""
    for field in form.fields.values():
        field.widget.attrs.pop("maxlength", None)
        field.error_messages["max_length"] = TOO_LONG
