"""The base of commands that end with a sentence for the person who ran them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import UserError


class UserErrorCommand(BaseCommand):
    """A command that ends with the text of a UserError, as with a CommandError's."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error)) from error
