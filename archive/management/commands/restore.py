"""A backup into an empty site. All of it is archive/backup/restore.py."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from archive.backup.container import BackupRefused
from archive.backup.restore import describe, restore


class Command(BaseCommand):
    help = (
        "Bring a backup into a site in which nothing is yet: all of it, or nothing. A file that is damaged, "
        "cut or of a later version is refused before anything is touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--erasures",
            type=Path,
            metavar="LIST",
            help="the erasures.jsonl of the site that was: what was deleted for good or sealed after the "
            "backup is so again. One in the data folder is read anyway.",
        )

    def handle(self, *, file: Path, erasures: Path | None, **options: Any) -> None:
        try:
            done = restore(file, erased=erasures)
        except BackupRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(describe(done)))
