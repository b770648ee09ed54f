"""The training of the starter: no score came from a model that had seen the comment's source."""

import random

import pytest

from bench.filter.sets import Kind, Row
from moderation.features.text_reading import CommentData
from moderation.spam_filter.classifier.reference import Reference

pytest.importorskip("sklearn", reason="bench/requirements.txt is not installed")

from bench.filter import training
from bench.filter.training_samples import read_samples

SOURCES = [f"blog {n}" for n in range(5)]


@pytest.fixture
def rows() -> list[Row]:
    """Comments of five blogs and a newspaper. Each source's spam has a word, of letters of its own."""
    rng, made = random.Random(1), []
    for n, source in enumerate([*SOURCES, "paper"]):
        for k in range(30):
            is_spam = source != "paper" and k % 3 == 0
            words = rng.choices(["row", "slip", "pile", "bridge", "ice", "ferry"], k=6)
            words += [chr(ord("a") + n) * 9] * is_spam
            data = CommentData(body=" ".join(words), author=f"Reader {k}", url=f"http://a{k}.example/")
            kind = Kind.NEWS if source == "paper" else Kind.BLOG
            made.append(Row(f"{source}.{k}", source, kind, data, is_spam))
    return made


def test_a_word_that_only_one_source_has_does_not_help_on_that_source(rows):
    """A model that had seen the source would score its spam far higher."""
    samples = read_samples(rows, Reference())
    scores, last = training.text_scores(samples)["body"], -1
    spam = [s for s, row in zip(scores[last], rows, strict=True) if row.is_spam]
    whole = training.text_model(samples, "body", samples.fold >= 0)
    seen = [whole.score(slots) for slots in samples.slots["body"]]
    seen_spam = [s for s, row in zip(seen, rows, strict=True) if row.is_spam]
    assert sum(seen_spam) / len(seen_spam) > sum(spam) / len(spam) + 2


def test_each_fold_has_a_score_of_each_comment_of_the_others(rows):
    samples = read_samples(rows, Reference())
    scores = training.text_scores(samples)["body"]
    assert len(scores) == len(samples.folds) + 1
    for at, fold in enumerate(samples.folds):
        others = samples.fold != fold
        assert (scores[at][others] == scores[at][others]).all()  # none is missing (NaN)


def test_runs_of_spam_count_only_if_two_other_sources_have_them(rows):
    samples = read_samples(rows, Reference())
    run = 12345
    for n, row in enumerate(rows):
        samples.runs[n] = [run] if row.is_spam and row.source in SOURCES[:3] else []
    runs = training.SpamRuns(samples, frozenset())
    assert run in runs.seen_without(None)
    counts = runs.counts(None)
    of = {row.source: counts[n] > 0 for n, row in enumerate(rows) if row.is_spam}
    assert of == {source: source in SOURCES[:3] for source in SOURCES}
    fold = int(samples.fold[rows.index(next(row for row in rows if row.source == SOURCES[0]))])
    assert not any(runs.counts(fold)[n] for n, row in enumerate(rows) if row.source == SOURCES[1])
