"""Bring a saved page in. All of it is archive.services.import_page; here are its words for a terminal."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from archive.formats import FORMATS
from archive.services import Refused, Report, import_page


class Command(BaseCommand):
    help = (
        "Bring in a story with its discussion from a file. What is here already stays as it is, "
        "so that a file may come twice and a newer save adds only what is new."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", choices=["auto", *FORMATS], default="auto")
        parser.add_argument("--source", default="", help="who published it (default: what the page says)")
        parser.add_argument("--url", default="", help="where it was published")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(
        self, *, path: Path, format: str, source: str, url: str, dry_run: bool, **options: Any
    ) -> None:
        try:
            data = path.read_bytes()
            report = import_page(
                data=data, filename=path.name, format=format, source=source, url=url, dry_run=dry_run
            )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except Refused as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(in_words(report, dry_run=dry_run)))


def in_words(report: Report, *, dry_run: bool) -> Iterator[str]:
    levels = ", ".join(f"{count} at level {level}" for level, count in report.by_level.items())
    declared = "" if report.declared is None else f"; the page claims {report.declared}"
    yield f"“{report.title}” ({report.format})"
    yield f"{report.found} comments in the file{f' ({levels})' if levels else ''}{declared}."
    yield f"{len(report.warnings)} warnings{':' if report.warnings else '.'}"
    yield from (f"  line {warning.line}: {warning.text}" for warning in report.warnings)
    if not report.changes_something:
        yield "Nothing is new: the story and its comments are here already, and nothing was changed."
    elif dry_run:
        yield f"{report.created} comments are new, {report.skipped} are here already. Nothing was written."
    else:
        yield f"{report.created} comments are new, {report.skipped} were here already."
    if report.article:
        yield f"{settings.SITE_URL}{report.article.get_absolute_url()}"
