"""Back up and migrate the database (archive/upgrade.py). `serve` runs this command at its start."""

from typing import Any

from django.core.management.base import CommandParser

from archive.upgrade import upgrade
from core.commands import UserErrorCommand


class Command(UserErrorCommand):
    help = (
        "Upgrade the database to this version of Soundoff. A backup is written to the data folder's backups/ "
        "first."
    )
    requires_system_checks: list[str] = []  # as for `migrate`: some checks read tables that do not exist yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-backup", action="store_true", help="skip the backup")

    def handle(self, *, without_backup: bool, **options: Any) -> None:
        upgrade(report=self.report, without_backup=without_backup)

    def report(self, line: str) -> None:
        """Print a line at once, so that a person sees the progress."""
        self.stdout.write(line)
        self.stdout.flush()
