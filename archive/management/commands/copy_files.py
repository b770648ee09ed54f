"""Copy the site's files into the store of FILES_URL, or back (archive/file_copies.py)."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from archive.file_copies import copy_files
from core.commands import UserErrorCommand


class Command(UserErrorCommand):
    help = (
        "Copy the images, uploads, files of personal data, backups and the list of erasures from the data "
        "folder into the store of FILES_URL, or back. Nothing is deleted, and it may run twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--back", action="store_true", help="copy from the store into the data folder")

    def handle(self, *, back: bool, **options: Any) -> None:
        try:
            for copied in copy_files(back=back):
                self.stdout.write(str(copied))
        except OSError as error:
            raise CommandError(
                f"Not everything was copied: {error.strerror} ({error.filename}). Run the command again to "
                "continue."
            ) from error
