"""Train the starter: the spam filter of a new site. Its files hold weights and no text.

    python -m bench.train_starter    writes moderation/spam_filter/starter.bin and starter.json

Nothing here reads the seed. The training sets are the openly licensed ones: spam/wordpress_spam_dev.csv,
spam/Youtube* and news/* of the example data ($SOUNDOFF_DATA).
"""

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from bench.filter import sets
from bench.filter.sets import DATA, Row
from core.data_folder import PROJECT
from moderation.features.signals import PRIORS, SIGNALS
from moderation.features.text_reading import Signal
from moderation.spam_filter.model import (
    SLOTS,
    Features,
    Model,
    Settings,
    fit_calibration,
    read_features,
    sigmoid,
)
from moderation.spam_filter.thresholds import MAX_STORED_SCORES

SEED = 5
FOLDS = 5
# Signals that keep the weight set by hand: all, as most sets say nothing about them, or only about one class.
UNTAUGHT = frozenset(PRIORS)
FILES = (
    "spam/wordpress_spam_dev.csv",
    *(f"spam/{name}.csv" for name in sets.YOUTUBE),
    "news/fox_news_comments.jsonl",
    "news/civilcomments_toxic_spans_train.csv",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the training."""

    epochs: int = 2
    spam_weight: float = 1.0
    youtube_weight: float = 0.5
    civil_weight: float = 0.3
    confidence: float = 0.3  # fraction of the training's counts that slows down a site's own steps
    # The share of spam for which it is calibrated: small, as good comments are harder to score there.
    share: float = 0.03
    frozen: frozenset[str] = UNTAUGHT
    settings: Settings = field(default_factory=Settings)  # for learning on a site
    rate: float = 0.5  # smaller steps than on a site: there are thousands of examples, from other sites
    beta: float = 1.0
    l1: float = 0.02
    l2: float = 0.5
    signals: tuple[Signal, ...] = SIGNALS


class Example(NamedTuple):
    """A training example."""

    row: Row
    features: Features
    weight: float


def examples(rows: Iterable[Row], recipe: Recipe) -> list[Example]:
    """Return the weighted examples with their features."""
    return [
        Example(row, read_features(row.data, recipe.settings, recipe.signals), _weight(row, recipe))
        for row in rows
    ]


def _weight(row: Row, recipe: Recipe) -> float:
    weights = {"wp": recipe.spam_weight, "yt": recipe.youtube_weight, "civil": recipe.civil_weight}
    return weights.get(kind_of(row), 1.0)


def kind_of(row: Row) -> str:
    """Return the name of the set that the comment is from."""
    return row.id.rstrip("0123456789.")


def training_rows() -> list[Row]:
    """Return all comments of the training sets."""
    return [*sets.wordpress_spam(), *sets.youtube(), *sets.fox(), *sets.civil()]


def train(of: Sequence[Example], recipe: Recipe, seed: int = SEED) -> Model:
    """Return a model with the learnt weights as its base, not yet calibrated."""
    careful = {"rate": recipe.rate, "beta": recipe.beta, "l1": recipe.l1, "l2": recipe.l2, "usual_rate": 0.15}
    model = Model(replace(recipe.settings, half_life=1e12, **careful))
    model.frozen = recipe.frozen
    order = list(of)
    rng = random.Random(seed)
    for _ in range(recipe.epochs):
        rng.shuffle(order)
        for row, features, weight in order:
            model.learn(features, row.is_spam, weight)
    model.settle(recipe.confidence)
    model.settings = recipe.settings
    model.frozen = frozenset()
    return model


def fold_of(row: Row) -> int:
    """Return the fold of a group: a spammer's domain, a thread, or a quarter of a set without threads."""
    return int.from_bytes(hashlib.sha256(row.group.encode()).digest()[:4], "big") % FOLDS


def by_fold(of: Sequence[Example], recipe: Recipe) -> list[Model]:
    """Return, for each fold, a model that was trained on the others."""
    return [train([one for one in of if fold_of(one.row) != fold], recipe) for fold in range(FOLDS)]


def held_out(of: Sequence[Example], models: Sequence[Model]) -> list[tuple[Example, float]]:
    """Return each example with its score by the model that was trained without its group."""
    return [(one, models[fold_of(one.row)].raw(one.features)) for one in of]


def calibrate(model: Model, scored: Sequence[tuple[Example, float]], recipe: Recipe) -> None:
    """Calibrate the model so that its probabilities hold if `recipe.share` of the comments are spam.

    Each class, and each set within it, gets its weight, whatever the number of its examples.
    """
    kinds: dict[tuple[str, bool], int] = {}
    for one, _ in scored:
        kinds[kind_of(one.row), one.row.is_spam] = kinds.get((kind_of(one.row), one.row.is_spam), 0) + 1
    sizes = {is_spam: sum(1 for _, label in kinds if label == is_spam) for is_spam in (True, False)}
    total = 2_000.0
    weights = [
        total
        * (recipe.share if one.row.is_spam else 1 - recipe.share)
        / (sizes[one.row.is_spam] * kinds[kind_of(one.row), one.row.is_spam])
        for one, _ in scored
    ]
    labels = [one.row.is_spam for one, _ in scored]
    model.slope, model.offset = fit_calibration([raw for _, raw in scored], labels, weights)


def starter(recipe: Recipe) -> tuple[Model, list[tuple[Example, float]]]:
    """Return the trained and calibrated starter, and the held-out score of each example."""
    of = examples(training_rows(), recipe)
    model = train(of, recipe)
    scored = held_out(of, by_fold(of, recipe))
    calibrate(model, scored, recipe)
    return model, scored


def provenance(model: Model, recipe: Recipe, scored: Sequence[tuple[Example, float]]) -> dict[str, object]:
    """Return the sources of the weights, as JSON."""
    by_kind: dict[str, dict[str, int]] = {}
    for one, _ in scored:
        counts = by_kind.setdefault(kind_of(one.row), {"spam": 0, "ham": 0})
        counts["spam" if one.row.is_spam else "ham"] += 1
    at_half = {
        kind: sum(
            not one.row.is_spam and model.slope * raw + model.offset >= 0
            for one, raw in scored
            if kind_of(one.row) == kind
        )
        for kind in by_kind
    }
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": SEED,
        "recipe": {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in ((name, getattr(recipe, name)) for name in Recipe.__slots__)
            if isinstance(value, int | float | frozenset)
        },
        "settings": asdict(recipe.settings),
        "signals": {signal.__name__: round(model.priors[signal.__name__], 4) for signal in recipe.signals},
        "files": [
            {
                "file": name,
                "sha256": hashlib.sha256((DATA / name).read_bytes()).hexdigest(),
                "source": SOURCES[name.split("/")[1][:5]],
            }
            for name in FILES
        ],
        "licence": LICENCE,
        "rows": by_kind,
        "calibration": {"slope": model.slope, "offset": model.offset, "share": recipe.share},
        "held out, good comments at 0.5 or more": at_half,
        "honest": honest(model, scored),
        "weights": {"slots": SLOTS, "not zero": sum(map(bool, model.base))},
    }


EACH = 1_000  # good comments that each set counts as, however many it has


def honest(model: Model, scored: Sequence[tuple[Example, float]]) -> dict[str, object]:
    """Return the probabilities of good comments by models that had not seen them.

    Each set has the same weight, however many comments it has.
    """
    by_kind: dict[str, list[float]] = {}
    for one, raw in scored:
        if not one.row.is_spam:
            by_kind.setdefault(kind_of(one.row), []).append(sigmoid(model.slope * raw + model.offset))
    drawn = [
        of[int((n + 0.5) / EACH * len(of))]
        for of in (sorted(found) for found in by_kind.values())
        for n in range(EACH)
    ]
    highest = sorted(drawn, reverse=True)[:MAX_STORED_SCORES]
    return {"count": len(drawn), "highest": [round(p, 4) for p in highest]}


# From the README of the example data.
SOURCES = {
    "wordp": "sidtuli/spam-analysis@3c843c07 previous_ipython_version/data/spam_data.csv, split by domain",
    "Youtu": "regularized-dp/regularized-data-programming@31b1fccc data/TubeSpam",
    "fox_n": "sjtuprog/fox-news-comments@914b6bcd",
    "civil": "ipavlopoulos/toxic_spans@0ee2a1ac SemEval2021/data/tsd_train.csv",
}
LICENCE = (
    "The README beside the data states source and commit of these files, and no licence; the issue calls them"
    " openly licensed. The weights hold no text. To be checked at each source before this is published."
)


def main() -> None:
    recipe = Recipe()
    model, scored = starter(recipe)
    about = provenance(model, recipe, scored)
    stored = model.to_bytes()
    about |= {"bytes": len(stored), "sha256": hashlib.sha256(stored).hexdigest()}
    out = PROJECT / "moderation" / "spam_filter" / "starter.bin"
    out.write_bytes(stored)
    out.with_suffix(".json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps({name: value for name, value in about.items() if name != "honest"}, indent=1))


if __name__ == "__main__":
    main()
