import csv
import json
import time
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import ngettext

from core.commands import UserErrorCommand
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import csv_rows
from moderation.spam_filter.active_model import active_filter, load_model
from moderation.spam_filter.classifier.model import BIAS, Model, ScorePart, sigmoid
from moderation.spam_filter.classifier.starter import load_starter
from moderation.spam_filter.csv_rows import CommentFile, Row
from moderation.spam_filter.explanations import describe_part
from moderation.spam_filter.metrics import Metrics, compute_metrics
from moderation.spam_filter.versions import new_site_threshold

T = TypeVar("T")
REASONS_PER_ROW = 6  # the heaviest
TERMINAL_INTERVAL, LOG_INTERVAL = 0.5, 10.0  # seconds between two lines of progress


class Command(UserErrorCommand):
    """Measure the filter on a CSV file of comments with labels."""

    help = (
        "Measure the filter on a CSV file of comments with labels. Columns: "
        f"{', '.join(csv_rows.COLUMNS)}; only body is required. The label is spam or ham."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--filter",
            default="",
            metavar="VERSION",
            help="the number of a version, or “starter”; default: the active version",
        )
        parser.add_argument("--encoding", default="utf-8", help="encoding of the file; default: UTF-8")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--scores", type=Path, metavar="OUT.csv", help="write the score and reasons of each row"
        )
        parser.add_argument(
            "--progress",
            action="store_true",
            help="show progress on standard error; default: on a terminal only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path, scores = options["file"], options["scores"]
        if scores and scores.resolve() == path.resolve():
            raise CommandError("The scores would overwrite the comments. Choose another output file.")
        scoring_model = self._model(options["filter"])
        file = CommentFile(path, options["encoding"])
        progress = Progress(self, is_asked=options["progress"])
        began = time.perf_counter()
        probabilities, labels, unlabelled = array("d"), array("b"), 0
        # A version of this site was trained for this site: it has no threshold of a new one.
        to_review = None if scoring_model.corrections else {True: 0, False: 0}
        limit = ModerationSettings._meta.get_field("false_positive_limit").default
        thresholds = [new_site_threshold(limit, has_website=has_website) for has_website in (False, True)]
        try:
            path.stat()
            # An error in the last line is reported before the first row is scored. A pipe is read only once.
            total = sum(1 for _ in progress.track("read", file)) if path.is_file() else None
            with ExitStack() as stack:
                out = None
                if scores:
                    out = csv.writer(stack.enter_context(scores.open("w", encoding="utf-8", newline="")))
                    out.writerow(["line", "label", "probability", "reasons"])
                scored = score_rows(file, scoring_model, explain=bool(out))
                for row, probability, reasons in progress.track("scored", scored, total):
                    becomes_pending = probability >= thresholds[row.data.url is not None]
                    if out:
                        label = {True: "spam", False: "ham", None: ""}[row.is_spam]
                        out.writerow([row.line, label, f"{probability:.6f}", reasons])
                    if row.is_spam is None:
                        unlabelled += 1
                    else:
                        probabilities.append(probability)
                        labels.append(row.is_spam)
                        if to_review:
                            to_review[row.is_spam] += becomes_pending
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        seconds = time.perf_counter() - began
        if not labels:
            self.stderr.write(self._without_labels(file, unlabelled))
        results = compute_metrics(probabilities, [bool(label) for label in labels])
        if options["json"]:
            self._print_json(results, to_review, unlabelled, seconds)
        else:
            self._print(results, to_review, unlabelled, seconds)

    def _without_labels(self, file: CommentFile, count: int) -> str:
        if not count:
            return f"{file.path} has no rows after the header."
        columns = ", ".join(f"“{name}”" for name in file.columns)
        if "label" in map(str.casefold, file.columns):
            why = "no row has a label"
        else:
            why = f"there is no column “label” besides {columns}"
        return f"Nothing can be measured because {why}. The rows are only scored."

    def _model(self, name: str) -> Model:
        """Return the model that --filter names. Raises CommandError if the version does not exist."""
        if name == "starter":
            return Model(load_starter())
        try:
            if name:
                return load_model(int(name))
            now = active_filter()
        except (ValueError, FilterVersion.DoesNotExist) as error:
            raise CommandError(f"There is no version {name!r} of the filter.") from error
        except DatabaseError:  # the database is not set up yet
            now = None
        return load_model(now.version) if now else Model(load_starter())

    def _print_json(
        self, results: Metrics, to_review: dict[bool, int] | None, unlabelled: int, seconds: float
    ) -> None:
        rest = {name: value for name, value in results.items() if name not in {"bins", "ece"}}
        report = {
            **rest,
            "waiting": {"spam": to_review[True], "ham": to_review[False]} if to_review else None,
            "unlabelled": unlabelled,
            "calibration": {"bins": [bin_._asdict() for bin_ in results["bins"]], "ece": results["ece"]},
            "seconds": round(seconds, 3),
        }
        self.stdout.write(json.dumps(report))

    def _print(
        self, results: Metrics, to_review: dict[bool, int] | None, unlabelled: int, seconds: float
    ) -> None:
        def share(value: float | None) -> str:
            return "–" if value is None else f"{value:.4f}"

        lines = [
            f"{results['rows']:,} {ngettext('row', 'rows', results['rows'])} with a label:"
            f" {results['spam']:,} spam, {results['ham']:,} ham",
            *(
                [f"{unlabelled:,} {ngettext('row', 'rows', unlabelled)} without a label, scored only"]
                if unlabelled
                else []
            ),
            f"seconds      {seconds:.1f}",
            f"precision    {share(results['precision'])}  (spam from probability 0.5)",
            f"recall       {share(results['recall'])}",
            f"F1           {share(results['f1'])}",
            f"roc_auc      {share(results['roc_auc'])}",
            *(
                f"recall_at    {share(value)}  where {float(at):.1%} of the ham waits"
                for at, value in results["recall_at"].items()
            ),
            *(
                [f"waiting      {to_review[True]:,} spam and {to_review[False]:,} ham, on a new site"]
                if to_review
                else []
            ),
            f"calibration  {share(results['ece'])}  expected calibration error (ECE)",
            *(
                f"  predicted {bin_.low:.1f}–{bin_.high:.1f}: {bin_.weight:,.0f} rows, {bin_.share:.0%} spam"
                for bin_ in results["bins"]
            ),
        ]
        for line in lines:
            self.stdout.write(line)


def score_rows(file: CommentFile, model: Model, *, explain: bool) -> Iterator[tuple[Row, float, str]]:
    """Yield each row with its probability and, if wanted, its reasons."""
    for row in file:
        if not explain:
            yield row, model.score(row.data), ""
            continue
        parts = model.explain(row.data)
        named = [part for part in parts if part.name != BIAS][:REASONS_PER_ROW]
        reasons = "; ".join(f"{_reason(part)} {part.logit:+.2f}" for part in named)
        yield row, sigmoid(sum(part.logit for part in parts)), reasons


def _reason(part: ScorePart) -> str:
    """Return a part of a score as text: a sentence, or the kind with the word, the name or the website."""
    return describe_part(part.name) if part.kind == "signal" else f"{part.kind} {part.name[:40]}"


class Progress:
    """Progress on standard error: on a terminal in one line, else a line every 10 s."""

    def __init__(self, command: BaseCommand, *, is_asked: bool) -> None:
        self.out = command.stderr
        self.is_terminal = self.out.isatty()
        self.is_shown = is_asked or self.is_terminal
        self.text = ""  # progress line on the terminal

    def track(self, done: str, items: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Yield the items and show how many of the total are done. The last line shows all."""
        interval, count = TERMINAL_INTERVAL if self.is_terminal else LOG_INTERVAL, 0
        shown_at = time.monotonic()
        for count, item in enumerate(items, 1):
            yield item
            if self.is_shown and time.monotonic() - shown_at >= interval:
                self._show(done, count, total)
                shown_at = time.monotonic()
        if self.is_shown:
            self._show(done, count, total)

    def end(self) -> None:
        """End the progress line on a terminal, so that the next output starts on a new line."""
        if self.text:
            self.out.write("")

    def _show(self, done: str, count: int, total: int | None) -> None:
        of = f" of {total:,}" if total is not None else ""
        share = f" ({count / total:.0%})" if total else ""
        text = f"{count:,}{of} {ngettext('row', 'rows', count if total is None else total)} {done}{share}"
        if self.is_terminal:
            self.out.write(f"\r{text:<{len(self.text)}}", ending="")
            self.out.flush()
            self.text = text
        else:
            self.out.write(text)
