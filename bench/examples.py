"""Real comments from the example data ($SOUNDOFF_DATA), which is not part of the project."""

import csv
import json
import os
from pathlib import Path

from bench.soundoff import PROJECT

DATA = Path(os.environ.get("SOUNDOFF_DATA", PROJECT.parent / "shared" / "data"))


def honest_comments() -> list[str]:
    """Return honest comments on news."""
    with (DATA / "news" / "civilcomments_toxic_spans_train.csv").open(newline="") as file:
        civil = [row["text"] for row in csv.DictReader(file)]
    with (DATA / "news" / "fox_news_comments.jsonl").open() as file:
        fox = [json.loads(line)["text"] for line in file]
    return [body for body in civil + fox if body.strip()]


def spam_comments() -> list[str]:
    """Return spam comments."""
    with (DATA / "spam" / "wordpress_spam_dev.csv").open(newline="") as file:
        return [row["text"] for row in csv.DictReader(file) if row["text"].strip()]
