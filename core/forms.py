"""Forms with one button, and forms with long texts: line ends and length limits."""

from functools import partial
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.text import normalize_newlines
from django.utils.translation import gettext


def check_length(text: str, limit: int) -> None:
    """Raise ValidationError if a text has more characters than the limit."""
    if explanation := explain_length(text, limit):
        raise ValidationError(explanation, code="max_length")


def explain_length(text: str, limit: int) -> str:
    """Return a sentence that says that a text has more characters than the limit, or ""."""
    if len(text) <= limit:
        return ""
    return gettext(
        "This has %(count)s characters; the maximum is %(limit)s. Shorten it; your text is kept."
    ) % {"count": f"{len(text):,}", "limit": f"{limit:,}"}


class MultilineField(forms.CharField):
    """A text field that counts a line end as one character.

    Browsers count it so too. Otherwise they would accept a text that the server then refuses as too long.
    """

    def to_python(self, value: Any) -> str:
        return normalize_newlines(str(super().to_python(value)))


def form_errors_text(form: forms.BaseForm) -> str:
    """Return all errors of a form, one after the other, for a message."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def remove_maxlength(form: forms.BaseForm) -> None:
    """Remove maxlength from all fields, because browsers silently cut pasted text to it.

    The server refuses a text that is too long, and states its length.
    """
    for field in form.fields.values():
        field.widget.attrs.pop("maxlength", None)
        field.validators = [
            partial(check_length, limit=check.limit_value) if isinstance(check, MaxLengthValidator) else check
            for check in field.validators
        ]


class SubmitForm(forms.BaseForm):
    """A form with one button."""

    action = ""  # the URL that the form is sent to; empty: that of its page
    has_tag: ClassVar[bool] = True  # False: the template has the form tag and the CSRF token
    submit: Any  # the label of the button
    submit_name: ClassVar[str] = ""
    is_secondary = False  # True: the page has another primary button

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_action = self.action
        helper.form_tag, helper.disable_csrf = self.has_tag, not self.has_tag
        # As unique on the page as the ids of the fields. The id that crispy makes of the name is not.
        css_id = str(self.auto_id) % (self.submit_name or "submit")
        button = Submit(self.submit_name, self.submit, css_id=css_id)
        if self.is_secondary:
            button.field_classes = "btn"
        helper.add_input(button)
        return helper


class LongTextForm(SubmitForm):
    """A form with one button, whose fields have no maxlength."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove_maxlength(self)
