"""Check the stored data for inconsistencies, or repair it (comments/integrity.py)."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comments import integrity


class Command(BaseCommand):
    help = "Check the stored data for inconsistencies: recompute derived data and compare it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help='{"found": {kind: [ids]}, "left": {kind: [ids]}}'
        )
        parser.add_argument(
            "--repair", action="store_true", help="write derived data again where it is wrong"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = left = integrity.check()
            if options["repair"] and found:
                integrity.repair(found)
                left = integrity.check()
        except OSError as error:
            raise CommandError(f"A file cannot be read: {error.strerror} ({error.filename}).") from error
        if options["json"]:
            self.stdout.write(json.dumps({"found": found, "left": left}))
        else:
            self._print(found, left, options["repair"])
        if left:
            sys.exit(1)

    def _print(self, found: integrity.Damage, left: integrity.Damage, repaired: bool) -> None:
        for kind, ids in found.items():
            self.stdout.write(f"{kind}: {', '.join(map(str, ids))}")
        if not found:
            self.stdout.write("No inconsistencies found.")
        elif repaired:
            self.stdout.write(f"Left after the repair: {', '.join(left) or 'nothing'}.")
            if "parent" in left:
                self.stdout.write("Trees are not renumbered in a discussion with a damaged parent.")
