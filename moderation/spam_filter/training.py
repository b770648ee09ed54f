"""How a version comes into being, is tried on decisions that came later, and goes live if it did no worse.

Each is trained anew, from the starter, over the decisions that stand at that moment: what was undone, sealed
or erased since is not among them, so nothing need be taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import log
from random import Random
from typing import Any, TypedDict

from django.utils import timezone

from moderation.models import Desk, Filter
from moderation.spam_filter import active_model, contributions, examples, metrics, versions
from moderation.spam_filter.contributions import Contribution, ContributionCounter, Mistake
from moderation.spam_filter.examples import (
    MAX_DECISIONS,
    Decided,
    current_decisions,
    example_weights,
)
from moderation.spam_filter.model import Features, Model, fit_calibration, read_features, sigmoid
from moderation.spam_filter.thresholds import KEPT, MIN_TOPIC_COMMENTS, Honest, line

MIN_NEW_DECISIONS = 50  # new decisions, upon which another version is trained …
MIN_NEW_SHARE = 0.05  # … or this share of those of the last one, if that is more
MIN_LATER_DECISIONS = 50  # decisions that came later, by which it is judged; of each kind …
MIN_PER_LABEL = 5
MAX_TRIAL_WAIT = timedelta(days=14)  # … after which it is judged by what there is
CALIBRATION_DECISIONS = 2_000  # of the latest decisions, each foretold before it was learnt …
CALIBRATION_MIN_PER_LABEL = 25  # … if there are so many of each kind, and
CALIBRATION_PRIOR_WEIGHT = 40.0  # with this weight held to the starter's calibration
MAX_PASSES, MAX_EXAMPLES_LEARNT = (
    4,
    4_000,
)  # over all decisions, as long as they are no more than that taken together …
MIN_PASSES = 2  # … but so many in any case
BATCH_WEIGHT = 1.0  # comment, as which all of one batch count for calibration, and where a line is drawn
MEASURED_DECISIONS = 2_000  # of the latest decisions, by which the one in force is measured


class Numbers(TypedDict):
    """What a version said of decisions that came after those it had learnt from. JSON."""

    until: int  # the last line of the log that is counted
    figures: metrics.Metrics
    log_loss: float
    honest: float  # comments, as which honest ones count for a line …
    highest: list[float]  # … the highest KEPT of their probabilities …
    weights: list[float]  # … as how much each of these counts …
    topics: dict[str, tuple[float, list[float], list[float]]]  # … and all three by topic, from OF_A_TOPIC on
    spam: list[float]  # … and of spam, in falling order, thinned
    roc: list[tuple[float, float]]  # measure.roc
    voices: list[Contribution]  # over the latest HEARD of them
    missed: list[Mistake]  # spam that it took for honest …
    wronged: list[Mistake]  # … and honest ones that it took for spam, the worst of each first


class Trial(TypedDict):
    """How a version did before it went live, beside the one that was in force. In its numbers, for good."""

    version: int  # the other one
    rows: int  # decisions that both were tried on
    log_loss: tuple[float, float]  # of this one, of the other one
    recall: tuple[float | None, float | None]  # of spam, where 1 in 100 honest ones may wait
    # Where a comment waits with what the operator had set: honest ones that would, in per cent, …
    honest: tuple[float, float]
    spam: tuple[float | None, float | None]  # … and spam


def starter_model() -> Model:
    """A copy of its own, to learn with."""
    return Model.from_bytes(bytes(versions.starter().weights))


def decision_features(decided: Decided, model: Model) -> Features:
    found = read_features(decided.said, model.settings)
    return Features(found.spaces, (*found.found, *decided.found))


def progressive_scores(decided: Sequence[Decided], model: Model) -> Iterator[float]:
    """The raw score of each decision by what was learnt from those before it; the model learns them all."""
    for one, weight in zip(decided, example_weights(decided), strict=True):
        told = decision_features(one, model)
        yield model.raw(told)
        model.learn(told, one.is_spam, weight)


def train(decided: Sequence[Decided], model: Model) -> Model:
    """`model`, a starter, is changed, and returned with its weights settled. Deterministic."""
    raw = list(progressive_scores(decided, model))[-CALIBRATION_DECISIONS:]
    weighed = example_weights(decided)
    again = list(zip(decided, weighed, strict=True))
    for turn in range(max(MIN_PASSES, min(MAX_PASSES, MAX_EXAMPLES_LEARNT // max(1, len(decided)))) - 1):
        # In another order, else what was decided last, many at once perhaps, has the last word.
        Random(turn).shuffle(again)  # noqa: S311 - no secret
        for one, weight in again:
            model.learn(decision_features(one, model), one.is_spam, weight, again=True)
    labels = [one.is_spam for one in decided[-CALIBRATION_DECISIONS:]]
    latest = example_weights(decided, BATCH_WEIGHT)[-CALIBRATION_DECISIONS:]
    spam = sum(weight for weight, is_spam in zip(latest, labels, strict=True) if is_spam)
    if min(spam, sum(latest) - spam) >= CALIBRATION_MIN_PER_LABEL:
        model.slope, model.offset = fit_calibration(
            raw, labels, latest, before=(model.slope, model.offset), held=CALIBRATION_PRIOR_WEIGHT
        )
    model.settle()
    return model


def judge(model: Model, decided: Sequence[Decided]) -> Numbers:
    """Raises ValueError without decisions."""
    if not decided:
        raise ValueError("There is nothing to judge by.")
    labels = [one.is_spam for one in decided]
    probabilities, heard = list[float](), ContributionCounter()
    for n, one in enumerate(decided):
        found = decision_features(one, model)
        probabilities.append(sigmoid(model.logit(found)))
        if n >= len(decided) - MEASURED_DECISIONS:
            heard.add(model.parts(found), is_spam=one.is_spam)
    for_lines = example_weights(decided, BATCH_WEIGHT)
    honest = [p for p, is_spam in zip(probabilities, labels, strict=True) if not is_spam]
    told = _highest_scores(
        (p, w) for p, w, one in zip(probabilities, for_lines, decided, strict=True) if not one.is_spam
    )
    spam = [p for p, is_spam in zip(probabilities, labels, strict=True) if is_spam]
    missed, wronged = contributions.worst_mistakes(probabilities, labels, [one.said.body for one in decided])
    return Numbers(
        until=decided[-1].line,
        figures=metrics.compute_metrics(probabilities, labels),
        log_loss=log_loss(probabilities, labels, example_weights(decided)),
        honest=told[0],
        highest=told[1],
        weights=told[2],
        topics=_scores_by_topic(probabilities, for_lines, decided),
        spam=contributions.thin_out(spam),
        roc=metrics.roc_curve(spam, honest),
        voices=heard.told(),
        missed=[_mistake(model, decided[n], probabilities[n]) for n in missed],
        wronged=[_mistake(model, decided[n], probabilities[n]) for n in wronged],
    )


def _highest_scores(weighed: Iterable[tuple[float, float]]) -> tuple[float, list[float], list[float]]:
    some = sorted(weighed, reverse=True)
    return sum(w for _p, w in some), [p for p, _w in some[:KEPT]], [w for _p, w in some[:KEPT]]


def _scores_by_topic(
    probabilities: Sequence[float], weighed: Sequence[float], decided: Sequence[Decided]
) -> dict[str, tuple[float, list[float], list[float]]]:
    honest: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for p, weight, one in zip(probabilities, weighed, decided, strict=True):
        for topic in () if one.is_spam else one.topics:
            honest[topic].append((p, weight))
    told = {str(topic): _highest_scores(some) for topic, some in honest.items()}
    return {topic: one for topic, one in told.items() if one[0] >= MIN_TOPIC_COMMENTS}


def _mistake(model: Model, one: Decided, probability: float) -> Mistake:
    numbers = {found.signal: found.number for found in decision_features(one, model).found}
    return Mistake(
        comment=one.comment,
        line=one.line,
        probability=probability,
        parts=contributions.stored_parts(model.explain(one.said, more=one.found), numbers),
    )


def log_loss(
    probabilities: Sequence[float], labels: Sequence[bool], weighed: Sequence[float] | None = None
) -> float:
    """The mean of what each decision came as a surprise; the less, the better."""
    losses = [
        -log(max(1e-6, p if is_spam else 1 - p)) for p, is_spam in zip(probabilities, labels, strict=True)
    ]
    weighed = weighed or [1.0] * len(losses)
    return sum(w * loss for w, loss in zip(weighed, losses, strict=True)) / sum(weighed)


def run() -> str:
    """The job: judge the version that waits, or train one if much was decided since; and count what came
    later for the one in force. Without a filter in force it does nothing."""
    desk = Desk.objects.select_related("filter").filter(pk=1).first()
    if desk is None or desk.filter is None:
        delete_restricted_weights()
        return "no filter is in force"
    if not active_model.can_be_used(desk.filter.pk):
        versions.put_in_force(version=versions.starter(), actor=None)
        return "the version in force was of another release; the starter is in force"
    told = _retrain_without_removed(desk.filter)
    delete_restricted_weights()
    if told:
        return told
    update_metrics(desk.filter)
    waiting = Filter.objects.filter(kind=Filter.Kind.LEARNT, numbers_at=None).order_by("pk").last()
    if waiting is not None:
        return _try_waiting_version(waiting, desk.filter)
    return _train_if_due()


def update_metrics(version: Filter) -> None:
    """Bring its numbers up to date with the decisions that came after those it had learnt from, the latest
    HEARD at most: each of them is scored anew, and 20,000 took 19 s."""
    known = version.trained_on.get("until", 0)
    if examples.count_decisions(after=known).latest in {None, version.numbers.get("until")}:
        return
    if later := list(current_decisions(after=known, most=MEASURED_DECISIONS)):
        _store(version, judge(active_model.load_model(version.pk), later))


def _try_waiting_version(waiting: Filter, current: Filter) -> str:
    if not active_model.can_be_used(waiting.pk):
        Filter.objects.filter(pk=waiting.pk).update(is_refused=True, numbers_at=timezone.now())
        return f"version {waiting.pk} was of another release, and is not used"
    later = list(current_decisions(after=waiting.trained_on["until"]))
    spam = sum(one.is_spam for one in later)
    is_late = waiting.made_at < timezone.now() - MAX_TRIAL_WAIT
    if not is_late and (
        len(later) < MIN_LATER_DECISIONS or spam < MIN_PER_LABEL or len(later) - spam < MIN_PER_LABEL
    ):
        return "a version waits for decisions by which it can be judged"
    if not later:  # then one that learnt what was changed since takes its place
        return _train_if_due()
    numbers = judge(active_model.load_model(waiting.pk), later)
    usual = judge(active_model.load_model(current.pk), later)
    percent = Desk.objects.get(pk=1).honest_may_wait
    trial = compare(numbers, usual, version=current.pk, percent=percent)
    waiting.is_refused = is_worse(trial, percent)
    _store(waiting, numbers, trial)
    if waiting.is_refused:
        return f"version {waiting.pk} did worse, and is not used"
    if not versions.put_in_force(version=waiting, actor=None, instead_of=current):
        return f"version {waiting.pk} did no worse, but somebody has set another one meanwhile"
    return f"version {waiting.pk} did no worse, and is in force"


def compare(numbers: Numbers, usual: Numbers, *, version: int, percent: float) -> Trial:
    """What two versions said of the same decisions; `usual`: the one in force, `version`, where `percent` of
    the honest ones may wait."""
    elsewhere = active_model.starter_honest_scores()
    own, others = _waiting_shares(numbers, percent, elsewhere), _waiting_shares(usual, percent, elsewhere)
    return Trial(
        version=version,
        rows=numbers["figures"]["rows"],
        log_loss=(numbers["log_loss"], usual["log_loss"]),
        recall=(numbers["figures"]["recall_at"]["0.01"], usual["figures"]["recall_at"]["0.01"]),
        honest=(own[0], others[0]),
        spam=(own[1], others[1]),
    )


def _waiting_shares(numbers: Numbers, percent: float, elsewhere: Honest) -> tuple[float, float | None]:
    """Of these decisions, in per cent: the honest ones and the spam that would, were it in force with the
    line that they draw."""
    here = Honest(numbers["honest"], numbers["highest"], numbers["weights"])
    at = line(percent, here, elsewhere)
    honest = sum(weight for p, weight in here.weighed() if p >= at)
    spam = numbers["spam"]
    return (
        100 * honest / here.count if here.count else 0.0,
        100 * sum(p >= at for p in spam) / len(spam) if spam else None,
    )


def is_worse(trial: Trial, percent: float) -> bool:
    """In any way: more surprised; or more honest ones wait, and more than may; or less spam does. A log loss
    alone is brought down by whoever marks enough of what is honest as spam."""
    honest, honest_before = trial["honest"]
    spam, spam_before = trial["spam"]
    return (
        trial["log_loss"][0] > trial["log_loss"][1]
        or honest > max(percent, honest_before)
        or (spam or 0.0) < (spam_before or 0.0)
    )


def _store(version: Filter, numbers: Numbers, trial: Trial | None = None) -> None:
    kept = trial or version.numbers.get("trial")
    version.numbers = dict(numbers) | ({"trial": kept} if kept else {})
    version.numbers_at = timezone.now()
    version.save(update_fields=["numbers", "numbers_at", "is_refused"])


def _train_if_due() -> str:
    learnt = Filter.objects.filter(kind=Filter.Kind.LEARNT).exclude(weights=b"")
    last = learnt.order_by("pk").last()
    known = last.trained_on if last else {"until": 0, "decisions": 0}
    news = examples.count_decisions(after=known["until"]).news
    if news < max(MIN_NEW_DECISIONS, MIN_NEW_SHARE * known["decisions"]):
        return "too little was decided since"
    made = _create_version()
    if made is None:
        return "all decisions are alike"
    learnt.filter(numbers_at=None).exclude(pk=made.pk).update(numbers_at=timezone.now())
    return f"version {made.pk} was trained on {made.trained_on['decisions']} decisions"


def _create_version(until: int = 0) -> Filter | None:
    """A version of all that stands; or of what was known by this line, and then it is not to be tried. None:
    all of that is alike."""
    gone = examples.removed_examples()  # before what stands, so that what goes meanwhile is seen to be gone
    decided = list(current_decisions(most=MAX_DECISIONS, until=until))
    spam = sum(one.is_spam for one in decided)
    if not spam or spam == len(decided):
        return None
    last = until or decided[-1].line
    kept = examples.count_decisions(after=last).kept
    about: dict[str, Any] = {"decisions": len(decided), "spam": spam, "until": last, "kept": kept}
    return Filter.objects.create(
        kind=Filter.Kind.LEARNT,
        weights=train(decided, starter_model()).to_bytes(),
        trained_on=about | gone.until(last),
        numbers_at=timezone.now() if until else None,
    )


def _learnt_from_removed(known: dict[str, Any], gone: examples.RemovedExamples, kind: str) -> bool:
    then: int = known.get(kind, 0)
    return gone.until(known.get("until", 0))[kind] > then


def _retrain_without_removed(current: Filter) -> str:
    """Where something that it learnt was sealed or erased, or SHARE of it no longer stands: what it had
    learnt and still stands is learnt anew, and in force at once. "": all is as it was."""
    known = current.trained_on
    if current.kind == Filter.Kind.STARTER or not known.get("until"):
        return ""
    gone = examples.removed_examples()
    was = known.get("kept", known.get("decisions", 0))
    kept = examples.count_decisions(after=known["until"]).kept
    if was - kept < max(1, MIN_NEW_SHARE * was) and not any(
        _learnt_from_removed(known, gone, kind) for kind in ("sealed", "erased")
    ):
        return ""
    made = _create_version(known["until"])
    if not versions.put_in_force(version=made or versions.starter(), actor=None, instead_of=current):
        return "what is gone is unlearnt, but somebody has set another version meanwhile"
    if made is None:
        return f"hardly anything stands of what version {current.pk} learnt; the starter is in force"
    update_metrics(made)
    return f"version {made.pk}, without what is gone of version {current.pk}, is in force"


def delete_restricted_weights() -> None:
    """Of what was sealed no weight stays, but in the version in force, which is replaced. The rows stay."""
    gone = examples.removed_examples()
    learnt = Filter.objects.filter(kind=Filter.Kind.LEARNT).exclude(weights=b"")
    for version in learnt.exclude(pk__in=Desk.objects.exclude(filter=None).values("filter")).defer("weights"):
        if _learnt_from_removed(version.trained_on, gone, "sealed"):
            version.weights = b""
            version.trained_on |= {"is_emptied": True}
            version.numbers_at = version.numbers_at or timezone.now()  # it waits no more
            version.save(update_fields=["weights", "trained_on", "numbers_at"])
            active_model.clear_model_cache()
