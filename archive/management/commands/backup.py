"""The whole site in one file. All of it is archive/backup."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from archive.backup.container import BackupRefused
from archive.backup.write import backup, describe


class Command(BaseCommand):
    help = (
        "Write the database and the media into one file, while people read and write. The file is its "
        "owner's alone, and appears under its name once it is whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print what was made as JSON")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            made = backup(file)
        except BackupRefused as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            told = asdict(made.last) | {"notes": made.notes}
            self.stdout.write(json.dumps(told, default=str))
        else:
            self.stdout.write("\n".join(describe(made)))
