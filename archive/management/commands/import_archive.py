"""Bring a saved page in. All of it is archive.services.import_page; here are its words for a terminal."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext

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
    found = ngettext("%(n)d comment in the file", "%(n)d comments in the file", report.found)
    warned = ngettext("%(n)d warning", "%(n)d warnings", len(report.warnings))
    new = ngettext("%(n)d comment is new", "%(n)d comments are new", report.created) % {"n": report.created}
    yield f"“{report.title}” ({report.format})"
    yield f"{found % {'n': report.found}}{f' ({levels})' if levels else ''}{declared}."
    yield f"{warned % {'n': len(report.warnings)}}{':' if report.warnings else '.'}"
    yield from (f"  line {warning.line}: {warning.text}" for warning in report.warnings)
    if not report.changes_something:
        yield "Nothing is new: the story and its comments are here already, and nothing was changed."
    elif dry_run:
        here = ngettext("%(n)d is here already", "%(n)d are here already", report.skipped)
        yield f"{new}, {here % {'n': report.skipped}}. Nothing was written."
    else:
        here = ngettext("%(n)d was here already", "%(n)d were here already", report.skipped)
        yield f"{new}, {here % {'n': report.skipped}}."
    if report.address:
        yield report.address
