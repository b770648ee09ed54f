"""Import a saved page (archive.services.import_page) and print the report."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import ngettext

from archive.formats import FORMATS
from archive.services import ImportReport, import_page
from core.commands import ENVIRONMENT_TAG, UserErrorCommand


class Command(UserErrorCommand):
    help = (
        "Import a story with its discussion from a file. Existing content is never changed, so the same file "
        "may be imported twice, and a newer save of a page adds only what is new."
    )

    requires_system_checks: list[str] = [ENVIRONMENT_TAG]  # all checks take 0.25 s

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", choices=["auto", *FORMATS], default="auto")
        parser.add_argument("--source", default="", help="who published it (default: the name in the file)")
        parser.add_argument("--url", default="", help="where it was published")
        parser.add_argument(
            "--dry-run", action="store_true", help="preview: print the report and write nothing"
        )
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
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(describe(report, dry_run=dry_run)))


def describe(report: ImportReport, *, dry_run: bool) -> Iterator[str]:
    """Yield the lines of the report for a terminal."""
    levels = ", ".join(f"{count} at level {level}" for level, count in report.by_level.items())
    declared = "" if report.declared_count is None else f"; the page announces {report.declared_count:,}"
    found_count, created_count = report.found_count, report.created_count
    found = _counted(
        ngettext("%(n)s comment in the file", "%(n)s comments in the file", found_count), found_count
    )
    warnings = _counted(
        ngettext("%(n)s warning", "%(n)s warnings", len(report.warnings)), len(report.warnings)
    )
    new = _counted(ngettext("%(n)s comment is new", "%(n)s comments are new", created_count), created_count)
    yield f"“{report.title}” ({report.format})"
    yield f"{found}{f' ({levels})' if levels else ''}{declared}."
    yield f"{warnings}{':' if report.warnings else '.'}"
    yield from (f"  line {warning.line:,}: {warning.text}" for warning in report.warnings)
    if not report.has_changes:
        yield "Nothing is new. The story and its comments exist already, and nothing was changed."
    elif dry_run:
        existing = ngettext("%(n)s exists already", "%(n)s exist already", report.skipped_count)
        yield f"{new}, {_counted(existing, report.skipped_count)}. This is a preview: nothing was written."
    else:
        existing = ngettext("%(n)s existed already", "%(n)s existed already", report.skipped_count)
        yield f"{new}, {_counted(existing, report.skipped_count)}."
        if report.is_screened_later:
            yield "Readers see the new comments now. Checks, search and proposed replies follow as a job."
    if report.redirect:
        yield report.redirect.text
    # A shell without the variables of the served site does not know its port.
    if url := report.describe_story_url(settings.SITE_URL if settings.SITE_URL_IS_KNOWN else ""):
        yield url


def _counted(text: str, count: int) -> str:
    """Return a plural form with its count, with thousands separators."""
    return text % {"n": f"{count:,}"}
