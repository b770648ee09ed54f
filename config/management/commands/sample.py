"""Create or remove the sample (config/server/sample/), which the first start of `serve` creates."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from config.management.commands.serve import prepare_folders
from config.server import postgres, sample
from config.server.sample.removal import remove_sample
from config.system_checks import is_private
from core.commands import UserErrorCommand
from core.data_folder import unprivileged_user


class Command(UserErrorCommand):
    help = (
        "Create the sample in an empty database: a small newspaper, and one account of each role. With "
        "--remove, take it away: stories, pictures, topics, authors, comments with their log, and the "
        "accounts unless they were used for something else. Log entries about anything else stay, such as "
        "those about the roles of the accounts, whose rows stay without name and e-mail: a log says what was "
        "done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help="remove the sample")
        parser.add_argument(
            "--yes", action="store_true", help="remove also what people have written in its stories"
        )

    def handle(self, *, remove: bool, yes: bool, **options: Any) -> None:
        if remove:
            self.stdout.write(str(remove_sample(settings.HOME, is_confirmed=yes)))
            return
        if not (is_private() and postgres.is_embedded()):
            raise CommandError(
                "The sample is only for a site that nobody else can reach, on the embedded Postgres: its "
                "passwords are printed."
            )
        if not sample.create_sample_data(settings.HOME):
            raise CommandError(
                "The sample was not created, because this site already has stories or accounts."
            )
        prepare_folders(unprivileged_user(), settings.HOME)
        self.stdout.write(f"The sample was created. Its accounts are in {sample.path(settings.HOME)}.")
        for line in sample.things_to_try():
            self.stdout.write(line)
