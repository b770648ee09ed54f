"""The bases of commands: of those that end with a sentence for a person, and of those that run for long."""

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.errors import UserError


class UserErrorCommand(BaseCommand):
    """A command that ends with the text of a UserError, as with a CommandError's."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error)) from error


class LongRunningCommand(BaseCommand):
    """A command whose output is a log."""

    def print(self, *lines: str) -> None:
        """Print lines at once, as log lines if these are for programs."""
        for line in lines:
            if settings.LOG_FORMAT == "json":
                logging.getLogger(type(self).__module__).info("%s", line.strip())
            else:
                self.stdout.write(line)
        self.stdout.flush()
