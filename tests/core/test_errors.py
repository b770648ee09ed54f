"""Errors for the person: shown by a form, printed by a command."""

from typing import Any

import pytest
from django import forms
from django.core.management import CommandError, call_command
from django.utils.translation import gettext_lazy

from core.commands import UserErrorCommand
from core.errors import UserError


class RefusingForm(forms.Form):
    def clean(self) -> None:
        raise UserError("100% of it is refused.")


class RefusingCommand(UserErrorCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        raise UserError(gettext_lazy("Page not found"))


def test_a_form_shows_the_text():
    assert RefusingForm({}).non_field_errors() == ["100% of it is refused."]


def test_a_command_ends_with_the_text():
    with pytest.raises(CommandError, match=r"\APage not found\Z"):
        call_command(RefusingCommand(), skip_checks=True)


def test_the_text_of_the_error_is_the_sentence():
    assert str(UserError("It is refused.")) == "It is refused."
