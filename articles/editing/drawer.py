"""The drawer of the editor page: a row for each group of settings, which shows its values while closed."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.utils import flatten


class DrawerRow(NamedTuple):
    """A group of settings. `fields` are Django's lines of admin fields."""

    key: str  # the fieldset's class: the name of its icon and, for styles, of the row
    label: Any
    description: Any
    lines: list[Any]
    value: str
    empty: str  # shown instead of an empty value
    is_open: bool
    template: str = ""  # of the part above the fields


def drawer_row(
    fieldset: Any,
    *,
    value: str | None = None,
    empty: Any = "",
    is_open: bool = False,
    template: str = "",
) -> DrawerRow:
    """Return the row of one of Django's admin fieldsets. It is open if one of its fields has an error.

    `empty` is shown if there is no value.
    """
    form, names = fieldset.form, list(flatten(fieldset.fields))
    return DrawerRow(
        fieldset.classes,
        fieldset.name,
        fieldset.description,
        list(fieldset),
        describe_fields(form, names) if value is None else value,
        str(empty),
        is_open or any(name in form.errors for name in names),
        template,
    )


def drawer_inlines(formsets: Iterable[Any]) -> list[tuple[Any, str]]:
    """Return each of Django's inline formsets with the chosen values of its forms as one text."""
    return [
        (inline, ", ".join(_describe_choices(form) for form in inline.formset.forms)) for inline in formsets
    ]


def _describe_choices(form: forms.BaseForm) -> str:
    names = [name for name, field in form.fields.items() if isinstance(field, forms.ChoiceField)]
    return describe_fields(form, [name for name in names if not form[name].is_hidden])


def describe_fields(form: forms.BaseForm, names: Iterable[str]) -> str:
    """Return the values of these fields as one text; fields that are empty or not in the form add nothing."""
    texts = (_describe(form, name) for name in names if name in form.fields)
    return ", ".join(text for text in texts if text)


def _describe(form: forms.BaseForm, name: str) -> str:
    field: Any = form.fields[name]
    value: Any = form[name].value()
    if isinstance(field, forms.BooleanField):
        return str(field.label) if value else ""
    if isinstance(field, forms.MultiValueField):
        field = field.fields[0]  # all have the same choices
    if not isinstance(field, forms.ChoiceField) or isinstance(field.widget, forms.TextInput):
        return "" if value is None else str(value)
    chosen = value if isinstance(value, list | tuple) else [value]
    choices: Any = field.choices
    labels = {str(key): str(label) for key, label in choices if key not in ("", None)}
    keys = dict.fromkeys(str(getattr(choice, "pk", choice)) for choice in chosen)
    return ", ".join(labels[key] for key in keys if key in labels)
