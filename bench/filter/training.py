"""Train the starter, the part of the spam filter that knows other sites. Needs scikit-learn.

Two levels of models are stacked. At the first, logistic regressions score the words and characters of
bodies, names and websites. At the second, another one weighs these scores beside the other
features. It learns from out-of-fold scores: each is by a model that had not seen the comment's
source. A source weighs the root of its size. Website, date and story are left out at random, so that nothing
depends on one of them. Known words and the frequency of letters are from the stories and newspapers of all
sources. The files hold weights and hashes, no text. The page seed/story.txt, the saved threads
and the test source (sets.TEST_SOURCE) are not read.
"""

import hashlib
import json
import math
import random
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.filter import sets
from bench.filter.sets import DATA, Kind, Row
from bench.filter.training_samples import LISTS, Array, Samples, make_reference, read_samples
from moderation.spam_filter.classifier import ngrams
from moderation.spam_filter.classifier.model import fit_calibration, sigmoid
from moderation.spam_filter.classifier.ngrams import NgramModel
from moderation.spam_filter.classifier.reference import Reference
from moderation.spam_filter.classifier.starter import MAX_DEVIATIONS, STARTER_FILE, FeatureWeight, Starter
from moderation.spam_filter.thresholds import MAX_STORED_SCORES

CIVIL_COMMENTS = 1_200  # of 7,939, chosen at random
STRENGTHS = {"body": 6.0, "name": 2.0, "website": 2.0}  # inverse regularisation of the first level
STRENGTH = 0.05  # of the second
INPUT_DROPOUT = 0.4  # share of the comments that are learnt without website, date or story
SHARE_OF_SPAM = 0.03  # for which the probabilities hold: good comments are harder to tell where it is small
SEED = 5
MIN_SOURCE = 100  # good comments of a source that is a measure of its own
# Features that need the website, the dates or the story.
NEEDS = {
    "website": ("website_", "no_gain", "site_deep"),
    "date": ("late",),
    "story": ("on_subject", "other_script", "title_share", "english_elsewhere"),
}


def training_rows() -> list[Row]:
    """Return the comments of all training sources, those of each in the order of their time, if known."""
    civil = sets.civil()
    random.Random(1).shuffle(civil)
    rows = [
        *sets.sources(),
        *sets.blogs(),
        *sets.betabong(),
        *sets.staticman(),
        *sets.wordpress_spam(),
        *sets.fox(),
        *civil[:CIVIL_COMMENTS],
    ]
    rows.sort(key=lambda row: row.data.comment_date or sets.UNKNOWN_TIME)
    return [row for row in rows if row.data.body.strip() or row.data.author]


# The first level


def text_scores(samples: Samples) -> dict[str, Array]:
    """Return the scores of each kind of text by models that saw neither a fold nor the comment's own.

    The array of a kind has a row for each fold, and a last one where only the comment's own fold is left out.
    """
    folds, last = samples.folds, len(samples.folds)
    scores = {kind: np.full((last + 1, len(samples.rows)), np.nan) for kind in samples.matrices}
    for kind, matrix in samples.matrices.items():
        has_text = matrix.getnnz(axis=1) > 0
        for left_out in [*((part,) for part in folds), *combinations(folds, 2)]:
            model = _fit_text(samples, kind, has_text & ~np.isin(samples.fold, left_out))
            for part in left_out:
                at = has_text & (samples.fold == part)
                if not at.any():
                    continue
                found = model.decision_function(matrix[at])
                others = [folds.index(other) for other in left_out if other != part]
                for row in others or [folds.index(part), last]:
                    scores[kind][row, at] = found
    return scores


def _fit_text(samples: Samples, kind: str, chosen: Array) -> Any:
    model = LogisticRegression(
        C=STRENGTHS[kind], solver="liblinear", tol=0.01, max_iter=60, random_state=SEED
    )
    return model.fit(
        samples.matrices[kind][chosen], samples.is_spam[chosen], sample_weight=samples.weights(chosen)
    )


def text_model(samples: Samples, kind: str, chosen: Array) -> NgramModel:
    """Return the model of a kind of text, learnt from the chosen comments."""
    model = _fit_text(samples, kind, chosen & (samples.matrices[kind].getnnz(axis=1) > 0))
    scale = float(np.abs(model.coef_).max()) / 127
    weights = np.round(model.coef_[0] / scale).astype(np.int8)
    return NgramModel(array("b", weights.tobytes()), scale, float(model.intercept_[0]))


class SpamRuns:
    """Runs of words that the spam of two sources and more has, and no good comment."""

    def __init__(self, samples: Samples, templates: frozenset[int]) -> None:
        self.samples, self.templates = samples, templates
        self.bits = {source: 1 << n for n, source in enumerate(sorted(set(samples.source.tolist())))}
        self.spam: defaultdict[int, int] = defaultdict(int)  # the sources whose spam has a run, as bits
        self.good: defaultdict[int, int] = defaultdict(int)
        for row, runs in zip(samples.rows, samples.runs, strict=True):
            known = self.spam if row.is_spam else self.good
            for run in runs:
                known[run] |= self.bits[row.source]

    def seen_without(self, fold: int | None) -> frozenset[int]:
        """Return the known runs of the other folds and of the robots' templates."""
        seen = ~self._sources(fold)
        return self.templates | {run for run in self.spam if self._is_known(run, seen)}

    def _sources(self, fold: int | None) -> int:
        return sum(self.bits[name] for name in set(self.samples.source[self.samples.fold == fold].tolist()))

    def _is_known(self, run: int, seen: int) -> bool:
        spam = self.spam.get(run, 0) & seen
        return bool(spam & (spam - 1)) and not self.good.get(run, 0) & seen

    def counts(self, fold: int | None) -> Array:
        """Return the feature of each comment, by the runs of other sources and without those of a fold."""
        left_out = self._sources(fold)
        return np.array(
            [
                math.log1p(
                    sum(
                        run in self.templates or self._is_known(run, ~(left_out | self.bits[row.source]))
                        for run in runs
                    )
                )
                for row, runs in zip(self.samples.rows, self.samples.runs, strict=True)
            ]
        )


# The second level


@dataclass
class Table:
    """The features of all comments as numbers; NaN is unknown."""

    names: list[str]
    columns: Array  # without those that depend on what was seen
    scores: dict[str, Array]
    runs: SpamRuns
    folds: list[int]

    @classmethod
    def of(cls, samples: Samples, templates: frozenset[int]) -> "Table":
        names = sorted({name for values in samples.values for name in values} - {"spam_runs"})
        columns = np.array([[values.get(name, np.nan) for name in names] for values in samples.values])
        texts = [f"{kind}_text" for kind in ngrams.BITS]
        runs = SpamRuns(samples, templates)
        return cls([*names, *texts, "spam_runs"], columns, text_scores(samples), runs, samples.folds)

    def seen_without(self, fold: int | None) -> Array:
        """Return the features as they are known without a fold; None for all that is known."""
        row = -1 if fold is None else self.folds.index(fold)
        return np.column_stack(
            [self.columns, *(self.scores[kind][row] for kind in ngrams.BITS), self.runs.counts(fold)]
        )


@dataclass
class Weights:
    """The fitted second level."""

    means: Array
    deviations: Array
    weights: Array
    bias: float

    def logit(self, columns: Array) -> Array:
        return self.bias + self._distances(columns) @ self.weights

    def _distances(self, columns: Array) -> Array:
        return np.nan_to_num(
            np.clip((columns - self.means) / self.deviations, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        )

    @classmethod
    def fit(cls, columns: Array, is_spam: Array, weights: Array, strength: float = STRENGTH) -> "Weights":
        found = cls(
            np.nan_to_num(np.nanmean(columns, 0)), np.nan_to_num(np.nanstd(columns, 0)) + 1e-3, 0, 0.0
        )
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=30, tol=1e-4)
        model.fit(found._distances(columns), is_spam, sample_weight=weights)
        found.weights, found.bias = model.coef_[0], float(model.intercept_[0])
        return found


def without(columns: Array, names: Sequence[str], what: Iterable[str], chosen: Any = None) -> Array:
    """Return the features without these inputs, "website", "date" or "story", of the chosen comments."""
    columns = columns.copy()
    chosen = np.ones(len(columns), bool) if chosen is None else chosen
    for needed in what:
        at = [n for n, name in enumerate(names) if name.startswith(NEEDS[needed])]
        columns[np.ix_(chosen, at)] = np.nan
    return columns


def fit_second_level(samples: Samples, names: Sequence[str], columns: Array, chosen: Array) -> Weights:
    """Fit the second level on the chosen comments, once as they are and once with inputs left out."""
    some, rng = columns[chosen], np.random.default_rng(SEED)
    less = some
    for needed in NEEDS:
        less = without(less, names, [needed], rng.random(len(some)) < INPUT_DROPOUT)
    weights = samples.weights(chosen)
    return Weights.fit(np.vstack([some, less]), np.tile(samples.is_spam[chosen], 2), np.tile(weights / 2, 2))


def left_out_logits(samples: Samples, table: Table, keep: Sequence[str] = ()) -> dict[str, Array]:
    """Return each comment's logit by a model that saw no comment of its source.

    With its website and without. `keep`: the features that are used; by default, all.
    """
    at = [n for n, name in enumerate(table.names) if not keep or name in keep]
    names = [table.names[n] for n in at]
    logits = {"with": np.zeros(len(samples.rows)), "without": np.zeros(len(samples.rows))}
    for part in samples.folds:
        columns, is_here = table.seen_without(part)[:, at], samples.fold == part
        weights = fit_second_level(samples, names, columns, ~is_here)
        logits["with"][is_here] = weights.logit(columns[is_here])
        logits["without"][is_here] = weights.logit(without(columns[is_here], names, ["website"]))
    return logits


# Both levels


@dataclass
class Trained:
    """The training comments with all that was learnt from them."""

    samples: Samples
    reference: Reference
    table: Table
    calibration: tuple[float, float]
    logits: dict[str, Array]  # left_out_logits, calibrated

    def starter(self, left_out_fold: int | None = None) -> Starter:
        """Return the starter, learnt from all comments or all but those of a fold."""
        chosen = self.samples.fold != (-1 if left_out_fold is None else left_out_fold)
        names = self.table.names
        fitted = fit_second_level(self.samples, names, self.table.seen_without(left_out_fold), chosen)
        found = zip(fitted.means, fitted.deviations, fitted.weights, strict=True)
        return Starter(
            weights={
                name: FeatureWeight(*(float(f"{value:.5g}") for value in values))
                for name, values in zip(names, found, strict=True)
            },
            bias=fitted.bias,
            slope=self.calibration[0],
            offset=self.calibration[1],
            models={kind: text_model(self.samples, kind, chosen) for kind in ngrams.BITS},
            reference=replace(self.reference, spam_runs=self.table.runs.seen_without(left_out_fold)),
        )


def train(rows: Sequence[Row]) -> Trained:
    """Learn from these comments, and calibrate on the scores of sources that were left out."""
    reference = make_reference(rows)
    samples = read_samples(rows, reference)
    table = Table.of(samples, reference.spam_runs)
    logits = left_out_logits(samples, table)
    slope, offset = _calibrate(samples, logits)
    calibrated = {name: slope * some + offset for name, some in logits.items()}
    return Trained(samples, reference, table, (slope, offset), calibrated)


def _calibrate(samples: Samples, logits: dict[str, Array]) -> tuple[float, float]:
    """Return the calibration with which the probabilities hold where SHARE_OF_SPAM is spam."""
    weights = samples.weights(np.ones(len(samples.rows), bool))
    shares = np.where(samples.is_spam, SHARE_OF_SPAM, 1 - SHARE_OF_SPAM) * weights * 2
    both = [*logits["with"].tolist(), *logits["without"].tolist()]
    labels = [bool(label) for label in samples.is_spam] * 2
    return fit_calibration(both, labels, [*(shares / 2).tolist()] * 2)


def good_scores(trained: Trained, which: str) -> dict[str, object]:
    """Return the probabilities of blogs' good comments by models that had not seen their source.

    They are those of the harder half of the large sources, as the next site may be like one of these. A
    source weighs the root of its size.
    """
    found = defaultdict[str, list[float]](list)
    for row, logit in zip(trained.samples.rows, trained.logits[which], strict=True):
        if row.kind == Kind.BLOG and not row.is_spam:
            found[row.source].append(sigmoid(float(logit)))
    large = sorted(
        (sorted(some, reverse=True) for some in found.values() if len(some) >= MIN_SOURCE), key=_hundredth
    )
    harder = large[-(len(large) // 2) :]
    weighted = sorted(((p, len(some) ** -0.5) for some in harder for p in some), reverse=True)
    highest = weighted[:MAX_STORED_SCORES]
    return {
        "count": round(sum(weight for _p, weight in weighted), 4),
        "highest": [round(p, 4) for p, _weight in highest],
        "weights": [round(weight, 4) for _p, weight in highest],
    }


def _hundredth(falling: Sequence[float]) -> float:
    return falling[len(falling) // 100]


FILES = (
    *(f"spam/sources/{name}.csv" for name in sets.SOURCES),
    "spam/wordpress_blog_comments_dev.csv",
    "spam/wordpress_spam_dev.csv",
    "import/wxr_real/betabong.xml",
    "import/staticman/hendrixjoseph_comments.yml",
    "news/fox_news_comments.jsonl",
    "news/civilcomments_toxic_spans_train.csv",
    *LISTS,
)
LICENCE = (
    "The README beside the data states the source and commit of each file; most state no licence for the"
    " commenters' words. The weights hold no text. The block list has the MIT licence (starter-licence.txt)."
    " To be checked at each source before this is published."
)


def provenance(trained: Trained, starter: Starter) -> dict[str, object]:
    """Return the sources of the weights, as JSON."""
    counts: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"spam": 0, "ham": 0})
    for row in trained.samples.rows:
        counts[row.source]["spam" if row.is_spam else "ham"] += 1
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [
            {"file": name, "sha256": hashlib.sha256((DATA / name).read_bytes()).hexdigest()} for name in FILES
        ],
        "kept back": sets.TEST_SOURCE,
        "licence": LICENCE,
        "rows": dict(sorted(counts.items())),
        "features": {name: round(one.weight, 3) for name, one in sorted(starter.weights.items())},
        "good_scores": {which: good_scores(trained, which) for which in trained.logits},
    }


def write_starter() -> None:
    """Train the starter and write its files, and print where its weights come from."""
    trained = train(training_rows())
    starter = trained.starter()
    stored = starter.to_bytes()
    about = provenance(trained, starter) | {
        "bytes": len(stored),
        "sha256": hashlib.sha256(stored).hexdigest(),
    }
    STARTER_FILE.write_bytes(stored)
    lines = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in about.items())
    STARTER_FILE.with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(json.dumps({name: value for name, value in about.items() if name != "good_scores"}, indent=1))
