"""Replay the erasures of a list after a restore (moderation/erasure/erasure_replay.py)."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from core import erasure_log
from core.commands import UserErrorCommand
from moderation.erasure.erasure_replay import replay_erasures


class Command(UserErrorCommand):
    help = (
        "Repeat the deletions and restrictions that a list (erasures.jsonl) names, after a restore of an "
        "older backup or dump. What is deleted or restricted already stays unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        erasures = list(erasure_log.read(file))
        with transaction.atomic():
            replayed = replay_erasures(erasures)
        self.stdout.write(replayed.summary)
