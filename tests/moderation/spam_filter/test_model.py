"""Properties of the model: it learns, its parts add up, and it survives serialization."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.features.signals import SIGNALS
from moderation.features.text_reading import MAX_READ_LENGTH, CommentData, SignalResult
from moderation.spam_filter.classifier.model import BIAS, Model, Settings, fit_calibration, sigmoid
from moderation.spam_filter.classifier.ngrams import MAX_CHARACTERS
from moderation.spam_filter.classifier.starter import Features, load_starter
from tests.helpers.growth import LINEAR, growth

SITE_WEIGHTS = {"spam_host": 2.5, "akismet": 2.0}


def new_model(**settings_) -> Model:
    return Model(load_starter(), SITE_WEIGHTS, Settings(**settings_))


def comment_data(body: str, **more) -> CommentData:
    return CommentData(body=body, **more)


SPAM = [
    comment_data(
        f"Zorb lanterns at factory cost, bekuki {n}", author="Olav Berg", url=f"http://l{n}.example.com"
    )
    for n in range(20)
]
GOOD = [
    comment_data(f"The mayor of Lindal said on day {n} that ice is thick", author="Ebba Norling", url="")
    for n in range(20)
]
OTHERS = [
    comment_data("Thanks, very useful", author="Ann Lee", url=""),
    comment_data(""),
    comment_data("👍"),
    comment_data("Он сказал «да», she said no", author="Иван", url="http://xn--e1afmkfd.example/a?b=c"),
    comment_data("\u0000\ud800 <a [url {", author="\u202e", url="http://[::1"),
    comment_data("again again again again", author="again again"),
]


def learn(model: Model, one: CommentData, is_spam: bool, weight: float = 1.0) -> None:
    model.learn(model.read_data(one), is_spam, weight)


@pytest.fixture
def model() -> Model:
    made = new_model()
    for a, b in zip(SPAM, GOOD, strict=True):
        learn(made, a, True)
        learn(made, b, False)
    return made


def test_the_model_learns_from_examples(model):
    before = new_model()
    assert model.score(SPAM[0]) > 0.8 > before.score(SPAM[0])
    assert model.score(GOOD[0]) < 0.1


def test_an_untrained_model_is_the_starter():
    fresh, features = new_model(), new_model().read_data(SPAM[0])
    weights = load_starter().weights
    expected = load_starter().bias + sum(weights[name].weight * z for name, z in features.values.items())
    assert fresh.raw(features) == pytest.approx(expected)


def test_an_example_of_weight_zero_changes_nothing(model):
    before = model.score(SPAM[0])
    learn(model, SPAM[0], False, weight=0.0)
    assert model.score(SPAM[0]) == pytest.approx(before)


def test_many_examples_of_low_weight_equal_a_few_of_full_weight():
    """So a limit on the total weight of many examples limits their effect."""

    def about(n: int) -> Features:
        rng = random.Random(n)
        rare = " ".join("".join(rng.choices("abcdefghijklmnop", k=8)) for _ in range(30))
        return few.read_data(comment_data(f"bekuki {rare}"))

    few, many = new_model(min_spam=0), new_model(min_spam=0)
    for n in range(5):
        few.learn(about(n), True)
    for n in range(500):
        many.learn(about(n), True, 0.01)
    assert many.logit(about(1_000)) == pytest.approx(few.logit(about(1_000)), abs=0.2)


def test_the_latest_example_counts_most():
    """Two examples contradict each other."""
    model = new_model(half_life=20)
    for is_spam in [False] * 40 + [True] * 60:
        learn(model, SPAM[0], is_spam)
    assert model.score(SPAM[0]) > 0.8


@pytest.mark.parametrize(("spam", "has_words"), [(4, False), (6, True)])
def test_words_are_learnt_once_there_is_some_spam(spam, has_words):
    """The first decisions are often all in favour, and words learnt from these alone did harm."""
    model = new_model(min_spam=5)
    for one in GOOD:
        learn(model, one, False)
    for one in SPAM[:spam]:
        learn(model, one, True)
    model.consolidate()
    assert model.has_words is has_words


@pytest.mark.parametrize("one", [*SPAM[:2], *GOOD[:2], *OTHERS])
def test_the_parts_of_a_score_add_up(model, one):
    model.slope, model.offset = 1.7, -0.4
    site_results = (SignalResult(0.8, signal="spam_host"),)
    logit = model.logit(model.read_data(one, site_results))
    assert sum(part.logit for part in model.explain(one, site_results)) == pytest.approx(logit, abs=1e-6)
    assert sigmoid(sum(part.logit for part in model.explain(one))) == pytest.approx(model.score(one))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.none() | st.text(max_size=20), st.none() | st.text(max_size=30))
def test_anything_that_can_be_typed_is_scored_and_explained(body, author, url):
    made, one = new_model(), comment_data(body, author=author, url=url)
    parts = made.explain(one)
    assert sum(part.logit for part in parts) == pytest.approx(made.logit(made.read_data(one)), abs=1e-6)
    assert all(0 <= start < end <= len(body) for part in parts for start, end in part.spans)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (" ".join(f"https://a{n}.example/1921" for n in range(100)), "link_only"),
        (f"https://a.example/{'b' * MAX_READ_LENGTH} is the deed.", "link_only"),
        ("<br> " * (MAX_CHARACTERS["body"] // 5) + "So long a gap.", "letters"),
    ],
)
def test_a_long_comment_that_begins_with_links_or_markup_is_scored_and_explained(body, name):
    model, one = new_model(), comment_data(body)
    parts = model.explain(one)
    assert sum(part.logit for part in parts) == pytest.approx(model.logit(model.read_data(one)), abs=1e-6)
    assert name in {part.name for part in parts}


@pytest.mark.parametrize("body", ["Zorb lanterns at factory cost, zorb lanterns.", "I row there every day."])
def test_the_words_of_a_body_are_in_its_parts_and_not_in_the_start_value(body):
    """This also applies if the score of the words is beyond the limit."""
    model = new_model()

    def start(one: CommentData) -> float:
        return next(part.logit for part in model.explain(one) if part.name == BIAS)

    words = [part for part in model.explain(comment_data(body)) if part.kind == "word"]
    features, weight = model.read_data(comment_data(body)), model.starter.weights["body_text"]
    whole = model.slope * weight.weight * features.values["body_text"]
    constant = start(comment_data(body)) - start(comment_data("", author=None))
    assert sum(part.logit for part in words) + constant == pytest.approx(whole, abs=0.4)


def test_a_missing_feature_is_no_reason():
    """The sentence of a signal says that it was found."""
    made, one = new_model(), comment_data("I row there every morning.", author="Ebba Norling")
    found = {signal.signal for signal in made.read_data(one).signals}
    named = {part.name for part in made.explain(one) if part.kind == "signal"}
    assert named.isdisjoint(SIGNALS.keys() - found)
    assert named.isdisjoint({"blocked", "spam_runs", "noise", "emoticon", "link_known_words"})


def test_words_are_explained_with_their_spans(model):
    parts = {part.name: part for part in model.explain(SPAM[0]) if part.kind == "word"}
    assert [SPAM[0].body[a:b] for a, b in parts["bekuki"].spans] == ["bekuki"]
    assert parts["bekuki"].logit > 0
    assert {part.kind for part in model.explain(SPAM[0])} == {"signal", "word", "name", "website"}


def test_unknown_values_are_no_features():
    """Neither a missing website, nor a missing name, story or date is a feature."""
    known = new_model().read_data(comment_data("Nobody asked", author="Ann", url="http://qqq.zz"))
    unknown = new_model().read_data(comment_data("Nobody asked"))
    assert unknown.values.keys() < known.values.keys()
    assert not [name for name in unknown.values if name.startswith(("name_", "website_", "late", "no_gain"))]


def test_a_signal_of_the_site_counts_with_its_start_weight():
    made, one = new_model(), OTHERS[0]
    site_results = (SignalResult(0.5, signal="spam_host"), SignalResult(1.0, signal="of another release"))
    before = made.raw(made.read_data(one))
    assert made.raw(made.read_data(one, site_results)) == pytest.approx(
        before + 0.5 * SITE_WEIGHTS["spam_host"]
    )


def test_consolidating_changes_no_score(model):
    before = [model.score(one) for one in (*SPAM, *GOOD)]
    model.consolidate()
    assert [model.score(one) for one in (*SPAM, *GOOD)] == pytest.approx(before, abs=1e-5)
    assert not model.gradients
    assert model.corrections[BIAS] != 0


def test_a_model_survives_serialization(model):
    model.slope, model.offset = 1.7, -0.4
    model.consolidate()
    again = Model.from_bytes(model.to_bytes(), SITE_WEIGHTS)
    for one in (*SPAM, *OTHERS):
        assert again.score(one) == pytest.approx(model.score(one), abs=1e-3)
    assert again.corrections == model.corrections


def test_a_signal_newer_than_the_version_has_its_start_weight(model):
    model.consolidate()
    again = Model.from_bytes(model.to_bytes(), SITE_WEIGHTS | {"newer": 1.5})
    site_results = (SignalResult(1.0, signal="newer"),)
    assert again.parts(again.read_data(OTHERS[0], site_results))["newer"] == pytest.approx(1.5 * again.slope)


def test_the_same_model_is_the_same_bytes(model):
    model.consolidate()
    assert Model.from_bytes(model.to_bytes()).to_bytes() == model.to_bytes()


def test_a_version_of_another_starter_is_refused(model):
    """A release brings its own starter, and corrections are of one starter."""
    model.consolidate()
    stored = model.to_bytes()
    other = stored.replace(load_starter().digest.encode(), b"0" * 64)
    assert other != stored
    with pytest.raises(ValueError, match="another release"):
        Model.from_bytes(other)


@pytest.mark.parametrize(
    "stored",
    [b"", b"abc", b"\x02\x00\x00\x00{}", b"\x02\x00\x00\x00{}x\x9c", b"\x02\x00\x00\x00[]", b"\xff" * 40],
)
def test_other_bytes_are_refused(stored):
    with pytest.raises(ValueError, match="filter"):
        Model.from_bytes(stored)


def test_calibration_finds_the_true_parameters():
    rng = random.Random(1)
    raw = [rng.uniform(-4, 4) for _ in range(4_000)]
    labels = [rng.random() < sigmoid(2 * x - 1) for x in raw]
    slope, offset = fit_calibration(raw, labels)
    assert slope == pytest.approx(2, abs=0.25)
    assert offset == pytest.approx(-1, abs=0.25)


def test_a_few_examples_hardly_change_the_calibration():
    slope, offset = fit_calibration([1.0, -1.0], [False, True], prior=(2.0, -1.5), prior_weight=40.0)
    assert slope == pytest.approx(2.0, abs=0.2)
    assert offset == pytest.approx(-1.5, abs=0.3)


@given(st.lists(st.tuples(st.floats(-20, 20), st.booleans()), min_size=1, max_size=30))
def test_calibration_never_reverses_the_order(pairs):
    slope, _ = fit_calibration([raw for raw, _ in pairs], [label for _, label in pairs])
    assert slope > 0


def test_calibration_needs_examples():
    with pytest.raises(ValueError, match="Calibration needs"):
        fit_calibration([], [])
    with pytest.raises(ValueError, match="Calibration needs"):
        fit_calibration([1.0], [])


@pytest.mark.parametrize("x", [-1e9, -1.0, 0.0, 1.0, 1e9])
def test_a_logit_is_a_probability(x):
    assert 0 <= sigmoid(x) <= 1
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1)


@pytest.mark.parametrize("piece", ["word ", "a", "x1 ", "مُ", "a'b "])
def test_scoring_the_longest_comment_takes_linear_time(piece):
    model = new_model()

    def score(body):
        one = comment_data(body, author=piece * 40, url=f"http://{piece * 40}")
        model.score(one)
        model.explain(one)

    assert growth(score, lambda size: (piece * size)[:size], MAX_READ_LENGTH // 4) < LINEAR
