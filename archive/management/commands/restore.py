"""Restore a backup into an empty site (archive/backup/restore.py)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from archive.backup.container import BackupRefused
from archive.backup.restore import describe, restore


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty site: all of it, or nothing. A file that is damaged, incomplete or "
        "from a later version is refused before anything is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--erasures",
            type=Path,
            metavar="LIST",
            help="the erasures.jsonl of the original site: what was deleted for good or restricted after the "
            "backup is deleted or restricted again. The one in the data folder is always read.",
        )

    def handle(self, *, file: Path, erasures: Path | None, **options: Any) -> None:
        try:
            result = restore(file, erasures=erasures)
        except BackupRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(describe(result)))
