"""Django's command that collects the texts to translate, with the options of this project."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import makemessages

NO_PRODUCT = ["tests", "bench", "stubs", "var"]  # folders whose texts nobody reads on the site


class Command(makemessages.Command):
    """Collect the texts of all templates and modules into locale/*/LC_MESSAGES/django.po.

    `-d djangojs` collects those of the scripts. New texts get no translation by resemblance, which would have
    to be read as carefully as a new one. References have no line numbers, so that only changed texts make a
    diff.
    """

    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(all=True, add_location="file", ignore_patterns=NO_PRODUCT)

    def handle(self, *args: Any, domain: str, extensions: list[str] | None, **options: Any) -> None:
        if domain == "django":
            extensions = extensions or ["html", "txt", "py", "jinja"]
        super().handle(*args, domain=domain, extensions=extensions, **options)
