"""What holds for every form in which somebody writes."""

from django import forms


def leave_whole(form: forms.BaseForm) -> None:
    """No field tells the browser its longest: that would cut what is pasted, and say nothing. Too long is
    refused with the count when it is sent."""
    for field in form.fields.values():
        field.widget.attrs.pop("maxlength", None)
