"""The starter: the stored model matches its provenance, holds no text, and can be trained again from the
data."""

import hashlib
import json

import pytest

from bench import train_starter
from bench.filter import sets
from bench.filter.sets import Row
from bench.train_starter import Recipe, examples, fold_of
from moderation.checks.registry import start_weights
from moderation.features.text_reading import CommentData
from moderation.spam_filter.model import BIAS, SLOTS, Model, sigmoid
from moderation.spam_filter.thresholds import GoodScores, waiting_threshold
from moderation.spam_filter.versions import STARTER_DIR

STORED = (STARTER_DIR / "starter.bin").read_bytes()
ABOUT = json.loads((STARTER_DIR / "starter.json").read_text("utf-8"))


def test_the_starter_matches_its_provenance():
    assert hashlib.sha256(STORED).hexdigest() == ABOUT["sha256"]
    assert len(STORED) == ABOUT["bytes"] < 1_500_000
    model = Model.from_bytes(STORED)
    assert (model.slope, model.offset) == (ABOUT["calibration"]["slope"], ABOUT["calibration"]["offset"])
    assert {name: round(model.priors[name], 4) for name in ABOUT["signals"]} == ABOUT["signals"]
    assert sum(map(bool, model.base)) == ABOUT["weights"]["not zero"] < SLOTS == ABOUT["weights"]["slots"]


def test_its_training_files_are_listed_and_exclude_the_seed():
    names = [one["file"] for one in ABOUT["files"]]
    assert names == list(train_starter.FILES)
    assert all(name.split("/")[0] in {"spam", "news"} for name in names)
    assert all(len(one["sha256"]) == 64 and one["source"] for one in ABOUT["files"])
    assert "licence" in ABOUT["licence"]


def test_the_starter_keeps_the_start_weights_of_signals():
    """The training sets would teach it peculiarities of their own."""
    model = Model.from_bytes(STORED)
    assert {name: model.signal_weight(name) for name in start_weights()} == pytest.approx(start_weights())


def test_the_starter_contains_no_text():
    """Its header has the names of signals and settings, its body only numbers."""
    size = int.from_bytes(STORED[:4], "little")
    head = json.loads(STORED[4 : 4 + size])
    assert set(head["priors"]) <= {BIAS, *start_weights()}
    assert all(isinstance(value, int | float) for value in head["settings"].values())


def test_its_threshold_holds_one_honest_comment_in_a_hundred():
    honest = ABOUT["honest"]
    at = waiting_threshold(1.0, GoodScores(0, []), GoodScores(honest["count"], honest["highest"]))
    assert sum(p >= at for p in honest["highest"]) <= honest["count"] / 100
    assert 0.1 <= at < 0.9


HONEST = CommentData(
    body="The ferry to Lindal was late again on Monday, as the ice is 40 cm thick.", author="Ebba"
)
SPAM = CommentData(
    body="Great article! Visit my website for cheap loans", author="cheap loans", url="http://l.example"
)


def test_the_starter_separates_spam_from_honest_comments():
    model = Model.from_bytes(STORED)
    assert model.score(SPAM) > 0.9
    assert model.score(HONEST) < 0.05
    assert model.score(CommentData(body="Thanks, very useful!", author="Ann", url="")) < 0.3


def rows(count: int = 40) -> list[Row]:
    return [
        Row(f"{'wp' if n % 2 else 'fox'}{n}", f"group {n % 9}", SPAM if n % 2 else HONEST, bool(n % 2))
        for n in range(count)
    ]


def test_the_training_of_the_starter_is_deterministic():
    of = examples(rows(), Recipe())
    one, other = (train_starter.train(of, Recipe()).to_bytes() for _ in range(2))
    assert one == other


def test_a_group_is_never_split_between_training_and_test():
    assert len({fold_of(row) for row in rows() if row.group == "group 3"}) == 1
    assert {fold_of(Row("x", f"group {n}", HONEST, False)) for n in range(60)} == set(
        range(train_starter.FOLDS)
    )


def test_held_out_scores_are_by_models_that_did_not_see_them():
    recipe = Recipe()
    of = examples(rows(), recipe)
    models = train_starter.by_fold(of, recipe)
    scored = train_starter.held_out(of, models)
    assert [one for one, _ in scored] == of
    one, raw = scored[0]
    assert raw == models[fold_of(one.row)].raw(one.features)


def test_the_starter_is_calibrated_for_a_low_share_of_spam():
    """Whatever the share of spam in the sets, the probabilities are right where a tenth is spam."""
    recipe = Recipe()
    of = examples(rows(), recipe)
    model = train_starter.train(of, recipe)
    train_starter.calibrate(model, [(one, 0.0) for one in of], recipe)
    assert sigmoid(model.offset) == pytest.approx(recipe.share, abs=0.01)


@pytest.mark.data
@pytest.mark.parametrize(
    ("read", "spam", "honest"),
    [
        (sets.wordpress_spam, 1_544, 0),
        (sets.youtube, 831, 755),
        (sets.fox, 0, 881),
        (sets.civil, 0, 7_939),
        (sets.blogs, 9, 372),
        (sets.betabong, 0, 102),
        (sets.staticman, 0, 359),
        (sets.disqus, 0, 60),
        (sets.template_dump, 60, 0),
    ],
)
def test_the_sets_are_read_whole(data, read, spam, honest):
    found = read()
    assert (sum(row.is_spam for row in found), sum(not row.is_spam for row in found)) == (spam, honest)
    assert all(row.data.body.strip() for row in found if read is not sets.civil)
    assert len({row.id for row in found}) == len(found)


@pytest.mark.data
def test_the_files_are_those_that_it_was_trained_on(data):
    for one in ABOUT["files"]:
        assert hashlib.sha256((data / one["file"]).read_bytes()).hexdigest() == one["sha256"]
