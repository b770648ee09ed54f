"""The bases of commands: of those that end with a sentence for a person, and of those that run for long."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import BaseCommand, CommandError

from core.data_folder import StartupError
from core.errors import UserError

ENVIRONMENT_TAG = "environment"  # of the checks of variables and packages, which are fast


class _CheckedCommand(BaseCommand):
    """A command that prints the errors of system checks as sentences, like those of settings."""

    def check(self, *args: Any, **options: Any) -> None:
        """Run the checks as Django does, but raise StartupError with the messages and hints of the errors."""
        found = [message for message in run_checks(*args, **options) if not message.is_silenced()]
        if serious := [message for message in found if message.is_serious()]:
            raise StartupError(
                "\n".join(
                    f"{message.msg} {message.hint}" if message.hint else message.msg for message in serious
                )
            )
        for warning in found:
            self.stderr.write(str(warning), self.style.WARNING)


class UserErrorCommand(_CheckedCommand):
    """A command that ends with the text of a UserError, as with a CommandError's."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except UserError as error:
            raise CommandError(str(error)) from error


class LongRunningCommand(_CheckedCommand):
    """A command whose output is a log."""

    def print(self, *lines: str) -> None:
        """Print lines at once, as log lines if these are for programs."""
        for line in lines:
            if settings.LOG_FORMAT == "json":
                logging.getLogger(type(self).__module__).info("%s", line.strip())
            else:
                self.stdout.write(line)
        self.stdout.flush()
