"""Errors for the person who asked for something that cannot be done."""

from django.core.exceptions import ValidationError


class UserError(ValidationError):
    """The error that something is refused or impossible. Its text says why, in words for the person.

    A form shows it like any other ValidationError, and a UserErrorCommand prints it.
    """

    def __str__(self) -> str:
        return " ".join(self.messages)
