"""Helpers for forms with long texts: line ends and length limits."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

TOO_LONG = _(
    "This has %(show_value)s characters; the maximum is %(limit_value)s. Shorten it; your text is kept."
)


class MultilineField(forms.CharField):
    """A text field that counts a line end as one character.

    Browsers count it so too. Otherwise they would accept a text that the server then refuses as too long.
    """

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


def remove_maxlength(form: forms.BaseForm) -> None:
    """Remove maxlength from all fields, because browsers silently cut pasted text to it.

    The server refuses a text that is too long, and states its length.
    """
    for field in form.fields.values():
        field.widget.attrs.pop("maxlength", None)
        field.error_messages["max_length"] = TOO_LONG
