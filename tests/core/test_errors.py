"""Errors for the person: shown by a form, printed by a command."""

from io import StringIO
from typing import Any

import pytest
from django import forms
from django.core.checks import Error, Warning
from django.core.checks.registry import registry
from django.core.management import CommandError, call_command
from django.utils.translation import gettext_lazy

from core.commands import UserErrorCommand
from core.data_folder import StartupError
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


def test_checks_run_once_and_their_errors_are_printed_as_sentences(monkeypatch):
    found = [Error("It is wrong.", hint="Mend it."), Error("It is empty."), Warning("It is odd.")]
    calls = []

    def check(**kwargs: Any) -> list[Any]:
        calls.append(kwargs)
        return found

    monkeypatch.setattr(registry, "registered_checks", {check})
    with pytest.raises(StartupError, match=r"\AIt is wrong\. Mend it\.\nIt is empty\.\Z"):
        call_command(RefusingCommand(), skip_checks=False)
    assert len(calls) == 1


def test_warnings_of_checks_do_not_end_a_command(monkeypatch):
    found = [Warning("It is odd.", id="toy.W001"), Error("It is silenced.", id="4_0.E001")]
    monkeypatch.setattr(registry, "registered_checks", {lambda **kwargs: found})
    output = StringIO()
    with pytest.raises(CommandError, match="Page not found"):
        call_command(RefusingCommand(), skip_checks=False, stderr=output)
    assert output.getvalue() == "?: (toy.W001) It is odd.\n"
