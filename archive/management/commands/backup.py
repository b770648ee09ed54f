"""Back up the whole site into one file (archive/backup)."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from archive.backup.write import backup, describe
from core.commands import UserErrorCommand


class Command(UserErrorCommand):
    help = (
        "Write the database and the media into one file, while the site is running. Only the file's owner "
        "can read it, and it appears under its name once it is complete."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, file: Path, **options: Any) -> None:
        result = backup(file)
        if options["json"]:
            fields = asdict(result.last) | {"notes": result.notes}
            self.stdout.write(json.dumps(fields, default=str))
        else:
            self.stdout.write("\n".join(describe(result)))
