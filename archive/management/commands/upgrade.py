"""A backup and the migrations. All of it is archive/upgrade.py; `serve` calls it at its start."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from archive.backup.container import BackupRefused
from archive.upgrade import upgrade


class Command(BaseCommand):
    help = (
        "Bring the database up to date with this version of Soundoff. What is in it is written into the data "
        "folder's backups/ first."
    )
    requires_system_checks: list[str] = []  # as `migrate`: some of them ask tables that are still to come

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-backup", action="store_true", help="as you have one elsewhere")

    def handle(self, *, without_backup: bool, **options: Any) -> None:
        try:
            upgrade(say=self.say, without_backup=without_backup)
        except BackupRefused as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
