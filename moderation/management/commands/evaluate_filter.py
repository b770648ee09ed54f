import csv
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from moderation.filter import rows, signals
from moderation.filter.learner import Model, sigmoid
from moderation.filter.live import Unusable, in_force, model
from moderation.filter.measure import Figures, figures
from moderation.filter.reading import Found
from moderation.filter.rows import Row
from moderation.filter.versions import STARTER
from moderation.models import Filter

REASONS = 6  # of each row, the heaviest


class Command(BaseCommand):
    help = (
        "How good the filter is on a CSV file of comments with labels. Columns: "
        f"{', '.join(rows.COLUMNS)}; all but body may be absent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--filter",
            default="",
            metavar="VERSION",
            help="a version's number, or “starter”; else what is in force",
        )
        parser.add_argument(
            "--without",
            action="append",
            default=[],
            metavar="CHECK",
            help="leave this signal out; may be repeated",
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--scores", type=Path, metavar="OUT.csv", help="write each row's score and reasons"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["scores"] and options["scores"].resolve() == options["file"].resolve():
            raise CommandError("The scores would overwrite the comments: name another file.")
        try:
            of = signals.without(options["without"])
            its = self._model(options["filter"])
            began = time.perf_counter()
            read = rows.read(options["file"])
            beside = rows.repeats(read, without=options["without"])
            found = rows.features(read, its, of, beside)
            probabilities = [sigmoid(its.logit(one)) for one in found]
            seconds = time.perf_counter() - began
            if options["scores"]:
                self._write(options["scores"], read, probabilities, beside, its, of)
        except (OSError, ValueError, Unusable) as error:
            raise CommandError(str(error)) from error
        unlabelled = sum(row.is_spam is None for row in read)
        labelled = [
            (p, row.is_spam) for p, row in zip(probabilities, read, strict=True) if row.is_spam is not None
        ]
        told = figures([p for p, _ in labelled], [bool(is_spam) for _, is_spam in labelled])
        if options["json"]:
            calibration = {"bins": [one._asdict() for one in told["bins"]], "ece": told["ece"]}
            rest = {name: value for name, value in told.items() if name not in {"bins", "ece"}}
            self.stdout.write(
                json.dumps(
                    {
                        **rest,
                        "unlabelled": unlabelled,
                        "calibration": calibration,
                        "seconds": round(seconds, 3),
                    }
                )
            )
        else:
            self._print(told, unlabelled, seconds)

    def _model(self, asked: str) -> Model:
        """Raises CommandError for a version that does not exist."""
        if asked == "starter":
            return Model.from_bytes((STARTER / "starter.bin").read_bytes())
        try:
            if asked:
                return model(int(asked))
            now = in_force()
        except (ValueError, Filter.DoesNotExist) as error:
            raise CommandError(f"There is no version {asked!r} of the filter.") from error
        except DatabaseError:  # nothing was set up here yet
            now = None
        return model(now.version) if now else Model.from_bytes((STARTER / "starter.bin").read_bytes())

    def _print(self, told: Figures, unlabelled: int, seconds: float) -> None:
        def share(value: float | None) -> str:
            return "–" if value is None else f"{value:.4f}"

        lines = [
            f"{told['rows']:,} rows with a label: {told['spam']:,} spam, {told['ham']:,} honest",
            *([f"{unlabelled:,} rows without a label, which are scored only"] if unlabelled else []),
            f"seconds      {seconds:.1f}",
            f"precision    {share(told['precision'])}  (taken for spam from 0.5 on)",
            f"recall       {share(told['recall'])}",
            f"F1           {share(told['f1'])}",
            f"roc_auc      {share(told['roc_auc'])}",
            *(
                f"recall_at    {share(value)}  where {float(at):.1%} of the honest ones wait"
                for at, value in told["recall_at"].items()
            ),
            f"calibration  {share(told['ece'])}  mean distance of what was said and what was so",
            *(
                f"  said {one.low:.1f}–{one.high:.1f}: {one.weight:,.0f}, of them spam {one.share:.0%}"
                for one in told["bins"]
            ),
        ]
        for line in lines:
            self.stdout.write(line)

    def _write(
        self,
        path: Path,
        read: Sequence[Row],
        probabilities: Sequence[float],
        beside: Sequence[tuple[Found, ...]],
        its: Model,
        of: Sequence[Any],
    ) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["row", "label", "probability", "reasons"])
            for row, p, more in zip(read, probabilities, beside, strict=True):
                label = {True: "spam", False: "ham", None: ""}[row.is_spam]
                parts = its.explain(row.said, of, more)[:REASONS]
                reasons = "; ".join(f"{part.kind} {part.what[:40]} {part.logit:+.2f}" for part in parts)
                out.writerow([row.line, label, f"{p:.6f}", reasons])
