"""What was erased or sealed on a later state of this site, done again (moderation/erasure/replay.py)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import erasure_log
from moderation.erasure.replay import replay


class Command(BaseCommand):
    help = (
        "Delete for good, seal and blank again what a list (erasures.jsonl) names: after a restore of a "
        "backup or a dump that is older. What is so already stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            known = list(erasure_log.read(file))
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        with transaction.atomic():
            done = replay(known)
        self.stdout.write(done.told)
