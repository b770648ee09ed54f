"""Training of versions, their evaluation on later decisions, and their activation if they do no worse.

Each version is trained from the starter on the decisions that are current at the time. Decisions that were
undone, restricted or erased are not among them, so nothing has to be unlearnt one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import log
from random import Random
from typing import Any, TypedDict

from django.utils import timezone

from moderation.checks import registry
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import active_model, contributions, examples, metrics, versions
from moderation.spam_filter.classifier.model import Model, fit_calibration, sigmoid
from moderation.spam_filter.classifier.starter import Features
from moderation.spam_filter.contributions import Contribution, ContributionCounter, Mistake
from moderation.spam_filter.examples import MAX_DECISIONS, Decision, current_decisions, example_weights
from moderation.spam_filter.metrics import Metrics
from moderation.spam_filter.thresholds import (
    MAX_STORED_SCORES,
    MIN_TOPIC_COMMENTS,
    GoodScores,
    pending_threshold,
)

MIN_NEW_DECISIONS = 50  # new decisions after which another version is trained …
MIN_NEW_SHARE = 0.05  # … or this share of the last version's decisions, if that is more
MIN_LATER_DECISIONS = 50  # later decisions needed to evaluate a version, with MIN_PER_LABEL of each label
MIN_PER_LABEL = 5
MAX_TRIAL_WAIT = timedelta(days=14)  # after this time, a version is evaluated on the decisions there are
CALIBRATION_DECISIONS = 2_000  # latest decisions on which a version is calibrated
CALIBRATION_MIN_PER_LABEL = 25  # with fewer of one label, the starter's calibration is kept
CALIBRATION_PRIOR_WEIGHT = 40.0  # weight of the starter's calibration
MAX_PASSES = 4  # over all decisions, while they add up to MAX_TRAINING_EXAMPLES at most
MAX_TRAINING_EXAMPLES = 4_000
MIN_PASSES = 2
ACTION_WEIGHT = 1.0  # weight of a whole action, in comments, for calibration and thresholds
MEASURED_DECISIONS = 2_000  # latest decisions on which the active version is measured


class Evaluation(TypedDict):
    """The performance of a version on decisions later than its training. JSON."""

    until: int  # id of the last transition that is counted
    metrics: Metrics
    log_loss: float
    good: float  # total weight of good comments, for thresholds
    highest: list[float]  # their highest scores
    weights: list[float]  # the weights of these
    topics: dict[str, tuple[float, list[float], list[float]]]  # the same three by topic, if there are enough
    spam: list[float]  # scores of spam in falling order, thinned out
    roc: list[tuple[float, float]]  # metrics.roc_curve
    contributions: list[Contribution]  # contributions over the latest MEASURED_DECISIONS
    missed: list[Mistake]  # spam rated as good, the worst first
    false_positives: list[Mistake]  # good comments rated as spam, the worst first


class Trial(TypedDict):
    """A comparison of a version with the one that was active before it. It stays in its evaluation."""

    version: int  # the other version
    rows: int  # decisions on which both were measured
    # The following pairs have the value of this version and that of the other one.
    log_loss: tuple[float, float]
    # Share of spam found if 1 in 100 good comments may become pending.
    recall: tuple[float | None, float | None]
    # Percentage of good comments that would become pending with the setting of the time.
    good: tuple[float, float]
    spam: tuple[float | None, float | None]  # the same for spam


def starter_model() -> Model:
    """Return a new copy of the starter's model, to train."""
    return Model.from_bytes(bytes(versions.starter_version().weights), registry.start_weights())


def decision_features(decided: Decision, model: Model) -> Features:
    """Return the features of a decided comment."""
    return model.read_data(decided.data, decided.site_results)


def progressive_scores(decided: Sequence[Decision], model: Model) -> Iterator[float]:
    """Yield the raw score of each decision before the model learns it."""
    for one, weight in zip(decided, example_weights(decided), strict=True):
        features = decision_features(one, model)
        yield model.raw(features)
        model.learn(features, one.is_spam, weight)


def train(decided: Sequence[Decision], model: Model) -> Model:
    """Train `model`, a starter, in place and return it, consolidated. Deterministic."""
    raw = list(progressive_scores(decided, model))[-CALIBRATION_DECISIONS:]
    weighted = example_weights(decided)
    shuffled = list(zip(decided, weighted, strict=True))
    for turn in range(max(MIN_PASSES, min(MAX_PASSES, MAX_TRAINING_EXAMPLES // max(1, len(decided)))) - 1):
        # In another order: otherwise the last decisions, which may be one large action, would dominate.
        Random(turn).shuffle(shuffled)  # noqa: S311 - no secret
        for decision, weight in shuffled:
            model.learn(decision_features(decision, model), decision.is_spam, weight, is_repeated=True)
    labels = [decision.is_spam for decision in decided[-CALIBRATION_DECISIONS:]]
    latest = example_weights(decided, ACTION_WEIGHT)[-CALIBRATION_DECISIONS:]
    spam = sum(weight for weight, is_spam in zip(latest, labels, strict=True) if is_spam)
    if min(spam, sum(latest) - spam) >= CALIBRATION_MIN_PER_LABEL:
        model.slope, model.offset = fit_calibration(
            raw, labels, latest, prior=(model.slope, model.offset), prior_weight=CALIBRATION_PRIOR_WEIGHT
        )
    model.consolidate()
    return model


def evaluate(model: Model, decided: Sequence[Decision]) -> Evaluation:
    """Measure a model on decisions. Raises ValueError if there are none."""
    if not decided:
        raise ValueError("There are no decisions to measure on.")
    labels = [decision.is_spam for decision in decided]
    probabilities, contribution_counter = list[float](), ContributionCounter()
    for n, decision in enumerate(decided):
        features = decision_features(decision, model)
        probabilities.append(sigmoid(model.logit(features)))
        if n >= len(decided) - MEASURED_DECISIONS:
            contribution_counter.add(model.parts(features), is_spam=decision.is_spam)
    threshold_weights = example_weights(decided, ACTION_WEIGHT)
    good = [p for p, is_spam in zip(probabilities, labels, strict=True) if not is_spam]
    weight_sum, highest, highest_weights = _highest_scores(
        (p, w)
        for p, w, decision in zip(probabilities, threshold_weights, decided, strict=True)
        if not decision.is_spam
    )
    spam = [p for p, is_spam in zip(probabilities, labels, strict=True) if is_spam]
    missed, flagged = contributions.worst_mistakes(
        probabilities, labels, [decision.data.body for decision in decided]
    )
    return Evaluation(
        until=decided[-1].transition,
        metrics=metrics.compute_metrics(probabilities, labels),
        log_loss=log_loss(probabilities, labels, example_weights(decided)),
        good=weight_sum,
        highest=highest,
        weights=highest_weights,
        topics=_scores_by_topic(probabilities, threshold_weights, decided),
        spam=contributions.downsample(spam),
        roc=metrics.roc_curve(spam, good),
        contributions=contribution_counter.means(),
        missed=[_mistake(model, decided[n], probabilities[n]) for n in missed],
        false_positives=[_mistake(model, decided[n], probabilities[n]) for n in flagged],
    )


def _highest_scores(weighted: Iterable[tuple[float, float]]) -> tuple[float, list[float], list[float]]:
    some = sorted(weighted, reverse=True)
    return (
        sum(w for _p, w in some),
        [p for p, _w in some[:MAX_STORED_SCORES]],
        [w for _p, w in some[:MAX_STORED_SCORES]],
    )


def _scores_by_topic(
    probabilities: Sequence[float], weighted: Sequence[float], decided: Sequence[Decision]
) -> dict[str, tuple[float, list[float], list[float]]]:
    good: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for p, weight, one in zip(probabilities, weighted, decided, strict=True):
        for topic in () if one.is_spam else one.topics:
            good[topic].append((p, weight))
    by_topic = {str(topic): _highest_scores(scores) for topic, scores in good.items()}
    return {topic: one for topic, one in by_topic.items() if one[0] >= MIN_TOPIC_COMMENTS}


def _mistake(model: Model, one: Decision, probability: float) -> Mistake:
    numbers = {found.signal: found.number for found in decision_features(one, model).signals}
    return Mistake(
        comment=one.comment,
        transition=one.transition,
        probability=probability,
        parts=contributions.stored_parts(model.explain(one.data, one.site_results), numbers),
    )


def log_loss(
    probabilities: Sequence[float], labels: Sequence[bool], weighted: Sequence[float] | None = None
) -> float:
    """Return the mean log loss; lower is better."""
    losses = [
        -log(max(1e-6, p if is_spam else 1 - p)) for p, is_spam in zip(probabilities, labels, strict=True)
    ]
    weighted = weighted or [1.0] * len(losses)
    return sum(w * loss for w, loss in zip(weighted, losses, strict=True)) / sum(weighted)


def run() -> str:
    """Run the job: measure the active version, and evaluate an untested one or train a new one.

    A new one is trained if there are enough new decisions. Without an active filter, the job only deletes
    weights that were trained on restricted comments.
    """
    moderation_settings = ModerationSettings.objects.select_related("filter").filter(pk=1).first()
    if moderation_settings is None or moderation_settings.filter is None:
        delete_restricted_weights()
        return "the filter is off"
    if not active_model.can_be_used(moderation_settings.filter.pk):
        _mark_unusable()
        versions.activate(version=versions.starter_version(), actor=None)
        return "the active version was made by another release; the starter is active"
    result = _retrain_without_removed(moderation_settings.filter)
    delete_restricted_weights()
    if result:
        return result
    update_metrics(moderation_settings.filter)
    untested = (
        FilterVersion.objects.filter(kind=FilterVersion.Kind.TRAINED, evaluated_at=None).order_by("pk").last()
    )
    if untested is not None:
        return _try_untested_version(untested, moderation_settings.filter)
    return _train_if_due()


def update_metrics(version: FilterVersion) -> None:
    """Measure a version on decisions later than its training, the latest MEASURED_DECISIONS at most.

    Each of them is scored anew.
    """
    trained_until = version.trained_on.get("until", 0)
    if examples.count_decisions(after=trained_until).latest in {None, version.evaluation.get("until")}:
        return
    if later := list(current_decisions(after=trained_until, limit=MEASURED_DECISIONS)):
        _store(version, evaluate(active_model.load_model(version.pk), later))


def _mark_unusable() -> None:
    """Mark the versions that another release stored, so that the page does not offer them."""
    for version in FilterVersion.objects.exclude(weights=b"").defer("weights"):
        if not active_model.can_be_used(version.pk):
            version.trained_on |= {"is_of_another_release": True}
            version.evaluated_at = version.evaluated_at or timezone.now()  # it needs no trial any more
            version.save(update_fields=["trained_on", "evaluated_at"])


def _try_untested_version(untested: FilterVersion, current: FilterVersion) -> str:
    if not active_model.can_be_used(untested.pk):
        _mark_unusable()
        return f"version {untested.pk} was made by another release and is not used"
    later = list(current_decisions(after=untested.trained_on["until"]))
    spam = sum(decision.is_spam for decision in later)
    is_late = untested.made_at < timezone.now() - MAX_TRIAL_WAIT
    if not is_late and (
        len(later) < MIN_LATER_DECISIONS or spam < MIN_PER_LABEL or len(later) - spam < MIN_PER_LABEL
    ):
        return "a version is waiting for later decisions to be tested on"
    if not later:  # a newly trained version replaces it
        return _train_if_due()
    evaluation = evaluate(active_model.load_model(untested.pk), later)
    active = evaluate(active_model.load_model(current.pk), later)
    percent = ModerationSettings.objects.get(pk=1).false_positive_limit
    trial = compare(evaluation, active, version=current.pk, percent=percent)
    untested.is_refused = is_worse(trial, percent)
    _store(untested, evaluation, trial)
    if untested.is_refused:
        return f"version {untested.pk} did worse and is not used"
    if not versions.activate(version=untested, actor=None, instead_of=current):
        return f"version {untested.pk} did no worse, but somebody activated another one in the meantime"
    return f"version {untested.pk} did no worse and is active"


def compare(evaluation: Evaluation, active: Evaluation, *, version: int, percent: float) -> Trial:
    """Compare two versions measured on the same decisions.

    `active`: the evaluation of the active version, whose id is `version`; `percent`: the good comments that
    may become pending.
    """
    starter = active_model.starter_good_scores()
    own, others = _pending_percents(evaluation, percent, starter), _pending_percents(active, percent, starter)
    return Trial(
        version=version,
        rows=evaluation["metrics"]["rows"],
        log_loss=(evaluation["log_loss"], active["log_loss"]),
        recall=(evaluation["metrics"]["recall_at"]["0.01"], active["metrics"]["recall_at"]["0.01"]),
        good=(own[0], others[0]),
        spam=(own[1], others[1]),
    )


def _pending_percents(
    evaluation: Evaluation, percent: float, starter: GoodScores
) -> tuple[float, float | None]:
    """Return the percentages of good comments and of spam that would become pending.

    The threshold is the one that this evaluation gives.
    """
    site = GoodScores(evaluation["good"], evaluation["highest"], evaluation["weights"])
    threshold = pending_threshold(percent, site, starter)
    good = sum(weight for p, weight in site.weighted() if p >= threshold)
    spam = evaluation["spam"]
    return (
        100 * good / site.count if site.count else 0.0,
        100 * sum(p >= threshold for p in spam) / len(spam) if spam else None,
    )


def is_worse(trial: Trial, percent: float) -> bool:
    """Return whether a version did worse than the active one.

    It did with a higher log loss, more good comments that become pending (and more than `percent`), or less
    spam that does. Log loss alone is not enough: it falls when somebody marks many good comments as spam.
    """
    good, good_before = trial["good"]
    spam, spam_before = trial["spam"]
    return (
        trial["log_loss"][0] > trial["log_loss"][1]
        or good > max(percent, good_before)
        or (spam or 0.0) < (spam_before or 0.0)
    )


def _store(version: FilterVersion, evaluation: Evaluation, trial: Trial | None = None) -> None:
    latest_trial = trial or version.evaluation.get("trial")
    version.evaluation = dict(evaluation) | ({"trial": latest_trial} if latest_trial else {})
    version.evaluated_at = timezone.now()
    version.save(update_fields=["evaluation", "evaluated_at", "is_refused"])


def _train_if_due() -> str:
    trained = FilterVersion.objects.filter(kind=FilterVersion.Kind.TRAINED).exclude(weights=b"")
    # An earlier release may have stored versions that this one can't use: their decisions count as new.
    latest_first = trained.order_by("-pk").defer("weights")
    last = next((version for version in latest_first if active_model.can_be_used(version.pk)), None)
    trained_on = last.trained_on if last else {"until": 0, "decisions": 0}
    new_decisions = examples.count_decisions(after=trained_on["until"]).new
    if new_decisions < max(MIN_NEW_DECISIONS, MIN_NEW_SHARE * trained_on["decisions"]):
        return "there are too few new decisions"
    new_version = _create_version()
    if new_version is None:
        return "all decisions have the same label"
    trained.filter(evaluated_at=None).exclude(pk=new_version.pk).update(evaluated_at=timezone.now())
    return f"version {new_version.pk} was trained on {new_version.trained_on['decisions']:,} decisions"


def _create_version(until: int = 0) -> FilterVersion | None:
    """Train and store a version on all current decisions.

    With `until`, the id of a transition: only on comments that were decided by then, and without a trial.
    Returns None if all decisions have one label.
    """
    # Read before the decisions, so that a comment removed in between is noticed by the next run.
    removed = examples.removed_examples()
    decided = list(current_decisions(limit=MAX_DECISIONS, until=until))
    spam = sum(decision.is_spam for decision in decided)
    if not spam or spam == len(decided):
        return None
    last = until or decided[-1].transition
    kept = examples.count_decisions(after=last).kept
    trained_on: dict[str, Any] = {"decisions": len(decided), "spam": spam, "until": last, "kept": kept}
    return FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED,
        weights=train(decided, starter_model()).to_bytes(),
        trained_on=trained_on | removed.counts_until(last),
        evaluated_at=timezone.now() if until else None,
    )


def _was_trained_on_removed(trained_on: dict[str, Any], removed: examples.RemovedExamples, kind: str) -> bool:
    """Return whether comments that a version was trained on were restricted or erased since.

    `kind`: "sealed" or "erased".
    """
    count_at_training: int = trained_on.get(kind, 0)
    return removed.counts_until(trained_on.get("until", 0))[kind] > count_at_training


def _retrain_without_removed(current: FilterVersion) -> str:
    """Replace the active version if examples that it was trained on were restricted, erased or changed.

    Changes count from MIN_NEW_SHARE of the examples on. The new version is trained on the remaining examples
    and is active at once. Returns "" if there was no need.
    """
    trained_on = current.trained_on
    if current.kind == FilterVersion.Kind.STARTER or not trained_on.get("until"):
        return ""
    removed = examples.removed_examples()
    kept_before = trained_on.get("kept", trained_on.get("decisions", 0))
    kept = examples.count_decisions(after=trained_on["until"]).kept
    if kept_before - kept < max(1, MIN_NEW_SHARE * kept_before) and not any(
        _was_trained_on_removed(trained_on, removed, kind) for kind in ("sealed", "erased")
    ):
        return ""
    new_version = _create_version(trained_on["until"])
    if not versions.activate(
        version=new_version or versions.starter_version(), actor=None, instead_of=current
    ):
        return "removed examples are unlearnt, but somebody activated another version in the meantime"
    if new_version is None:
        return f"too few examples of version {current.pk} are left; the starter is active"
    update_metrics(new_version)
    return f"version {new_version.pk} is active: version {current.pk} without its removed examples"


def delete_restricted_weights() -> None:
    """Delete the weights of inactive versions that were trained on restricted comments.

    The rows stay. The active version is replaced.
    """
    removed = examples.removed_examples()
    trained = FilterVersion.objects.filter(kind=FilterVersion.Kind.TRAINED).exclude(weights=b"")
    for version in trained.exclude(
        pk__in=ModerationSettings.objects.exclude(filter=None).values("filter")
    ).defer("weights"):
        if _was_trained_on_removed(version.trained_on, removed, "sealed"):
            version.weights = b""
            version.trained_on |= {"is_emptied": True}
            version.evaluated_at = version.evaluated_at or timezone.now()  # it needs no trial any more
            version.save(update_fields=["weights", "trained_on", "evaluated_at"])
            active_model.clear_model_cache()
