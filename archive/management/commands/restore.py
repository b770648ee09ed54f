"""Restore a backup into an empty site (archive/backup/restore.py)."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from archive.backup.restore import describe, restore
from core.commands import UserErrorCommand


class Command(UserErrorCommand):
    help = (
        "Restore a backup into an empty site: all of it, or nothing. A file that is damaged, incomplete or "
        "from a later version is refused before anything is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="a path, or a name such as backups/nightly/… in the store of FILES_URL"
        )
        parser.add_argument(
            "--erasures",
            type=Path,
            metavar="LIST",
            help="the erasures.jsonl of the original site: what was permanently deleted or restricted "
            "after the backup is deleted or restricted again. The site's own list is always read.",
        )

        parser.add_argument(
            "--keep-images",
            action="store_true",
            help="keep the images that are there already: for a site that has lost only its database",
        )

    def handle(self, *, file: Path, erasures: Path | None, keep_images: bool, **options: Any) -> None:
        result = restore(file, erasures=erasures, keep_images=keep_images)
        self.stdout.write("\n".join(describe(result)))
