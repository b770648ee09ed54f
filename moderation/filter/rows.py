"""Comments of a CSV file, as the filter sees them. Pure."""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from comments.repeats import find_repeats
from moderation.filter.learner import Features, Model, read_features
from moderation.filter.reading import Found, Said
from moderation.filter.signals import SIGNALS, Signal

COLUMNS = (
    "author",
    "url",
    "body",
    "article_title",
    "article_text",
    "article_date",
    "comment_date",
    "parent",
    "label",
)
LABELS = {"spam": True, "ham": False}


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # of the file
    said: Said
    is_spam: bool | None  # None: it has no label


def read(path: Path) -> list[Row]:
    """All but `body` may be absent. Raises ValueError with the line for a label that is neither spam nor ham,
    and for a file without bodies; OSError for one that can't be read. A date that is none is not known."""
    csv.field_size_limit(100_000_000)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return list(_read(file, path))


def _read(file: TextIO, path: Path) -> Iterator[Row]:
    reader = csv.DictReader(file)
    columns = reader.fieldnames or ()
    if "body" not in columns:
        told = ", ".join(columns)[:200] or "none"
        raise ValueError(f"{path} has no column “body”; as UTF-8, cut at commas, its columns are: {told}")
    for n, row in enumerate(reader, start=2):
        label = (row.get("label") or "").strip().lower()
        if label and label not in LABELS:
            raise ValueError(f"Row {n} of {path}: the label is {label!r}, neither spam nor ham.")
        said = Said(
            body=(row["body"] or "").replace("\x00", ""),
            author=row.get("author") or None,
            url=row.get("url"),  # "" is known to be empty, None is not known
            article_title=row.get("article_title") or None,
            article_text=row.get("article_text") or None,
            article_date=_day(row.get("article_date")),
            comment_date=_day(row.get("comment_date")),
            parent=row.get("parent") or None,
        )
        yield Row(n, said, LABELS.get(label))


def _day(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((value or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None


def repeats(rows: Sequence[Row], without: Collection[str] = ()) -> list[tuple[Found, ...]]:
    """Of each row, that it repeats an earlier one, as a site would find it."""
    found: list[tuple[Found, ...]] = [()] * len(rows)
    for repeat in find_repeats([row.said.body for row in rows]):
        name = "repeat" if repeat.exact else "near_repeat"
        if name not in without:
            found[repeat.position] = (Found(1.0, signal=name),)
    return found


def features(
    rows: Sequence[Row],
    model: Model,
    signals: Sequence[Signal] = SIGNALS,
    more: Sequence[tuple[Found, ...]] | None = None,
) -> list[Features]:
    """What the filter sees of each. `more`: what is known beside its words, else its repeats."""
    read = [read_features(row.said, model.settings, signals) for row in rows]
    beside = repeats(rows) if more is None else more
    return [Features(own.spaces, (*own.found, *known)) for own, known in zip(read, beside, strict=True)]
