"""The active version of the filter, loaded once in each process, and its predictions."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from core.database.sql import fetch_column
from core.errors import UserError
from moderation.checks import registry
from moderation.features.text_reading import ParsedComment, SignalResult
from moderation.models import FilterVersion
from moderation.spam_filter import versions
from moderation.spam_filter.classifier.model import Model, sigmoid
from moderation.spam_filter.thresholds import GoodScores, auto_spam_threshold, pending_threshold

log = logging.getLogger(__name__)


class ActiveFilter(NamedTuple):
    """The active version of the filter, with the data that select its model and threshold."""

    version: int
    evaluated_at: float  # Unix time of the version's latest evaluation; 0 if there is none
    percent: float  # of good comments that may become pending
    topics: tuple[int, ...] = ()  # of the article


# A subquery of screening.submission_context.PERSON_SQL; NULL if there is no active filter.
ACTIVE_FILTER_SQL = """
SELECT json_build_array(f.id, coalesce(extract(epoch FROM f.numbers_at), 0), d.false_positive_limit)
FROM moderation_moderationsettings d JOIN moderation_filterversion f ON f.id = d.filter_id WHERE d.id = 1"""


def active_filter() -> ActiveFilter | None:
    """Return the active filter, or None if there is none."""
    rows = fetch_column(ACTIVE_FILTER_SQL)
    return ActiveFilter(*rows[0]) if rows else None


def usable_filter() -> ActiveFilter | None:
    """Return the active filter, or None if there is none or its model can't be loaded."""
    active = active_filter()
    return active if active and can_be_used(active.version) else None


@dataclass(frozen=True)
class Prediction:
    """The filter's prediction for one comment."""

    version: int
    probability: float  # that it is spam
    becomes_pending: bool  # the probability is so high that a moderator reviews the comment first
    is_spam: bool  # certain enough to mark it as spam without review
    signals: tuple[SignalResult, ...]


class UnusableModelError(UserError):
    """The error that a model can't be loaded: another release stored it, or its weights are deleted."""


def load_model(version: int) -> Model:
    """Return the model of a version. To train on, use a copy.

    Raises FilterVersion.DoesNotExist and UnusableModelError.
    """
    loaded = _load(version)
    if isinstance(loaded, str):
        raise UnusableModelError(loaded)
    return loaded


def can_be_used(version: int) -> bool:
    """Return whether the model of a version can be loaded."""
    return not isinstance(_load(version), str)


@lru_cache(maxsize=3)
def _load(version: int) -> Model | str:
    """Return the model, or the reason why it can't be loaded, which each process logs once."""
    stored = FilterVersion.objects.values_list("weights", flat=True).get(pk=version)
    if not stored:
        return f"The weights of version {version} are deleted: it was trained on restricted comments."
    try:
        return Model.from_bytes(bytes(stored), registry.start_weights())
    except ValueError as error:
        log.exception("Version %s of the filter can't be used.", version)
        return str(error)


clear_model_cache = _load.cache_clear


@lru_cache(maxsize=64)
def _thresholds(active: ActiveFilter) -> tuple[float, float | None]:
    """Return the probabilities from which a comment is reviewed first and from which it is marked as spam.

    A topic with enough decisions has its own threshold for a review; of several topics the highest one
    counts.
    """
    site, starter, decisions, by_topic = _threshold_data(active.version, active.evaluated_at)
    own = [by_topic.get(str(topic)) for topic in active.topics]
    thresholds = [
        pending_threshold(active.percent, GoodScores(*scores), GoodScores(0, [])) for scores in own if scores
    ]
    review_from = max(thresholds) if thresholds else pending_threshold(active.percent, site, starter)
    return review_from, auto_spam_threshold(active.percent, site, starter, decisions)


@lru_cache(maxsize=4)
def _threshold_data(version: int, evaluated_at: float) -> tuple[GoodScores, GoodScores, int, dict[str, Any]]:
    """Return the data for thresholds.

    It is read once after each measurement and shared by articles of all topics.
    """
    row = FilterVersion.objects.only("evaluation", "trained_on").get(pk=version)
    return *good_scores(row), row.evaluation.get("topics", {})


def good_scores(version: FilterVersion) -> tuple[GoodScores, GoodScores, int]:
    """Return the scores of good comments on this site and elsewhere, and the site's number of decisions."""
    metrics = version.evaluation.get("metrics", {})
    site = GoodScores(
        version.evaluation.get("good", metrics.get("ham", 0)),
        version.evaluation.get("highest", []),
        version.evaluation.get("weights", ()),
    )
    is_starter = version.kind == FilterVersion.Kind.STARTER
    starter = starter_good_scores(version.trained_on) if is_starter else starter_good_scores()
    return site, starter, metrics.get("rows", 0) + version.trained_on.get("decisions", 0)


def starter_good_scores(about: Mapping[str, Any] | None = None) -> GoodScores:
    """Return the scores of good comments of other sites, by the release's starter or the one given.

    Comments of a site come without their authors' websites.
    """
    good = (about or versions.about_starter()).get("good_scores", {}).get("without")
    return GoodScores(**good) if good else GoodScores(0, [])


def predict(parsed: ParsedComment, active: ActiveFilter, site_results: Iterable[SignalResult]) -> Prediction:
    """Return the prediction for a comment.

    `site_results`: results of the signals that the filter learns on the site alone (registry.start_weights).
    """
    model = load_model(active.version)
    features = model.read(parsed, site_results)
    probability = sigmoid(model.logit(features))
    review_from, spam_from = _thresholds(active)
    return Prediction(
        version=active.version,
        probability=probability,
        becomes_pending=probability >= review_from,
        is_spam=spam_from is not None and probability >= spam_from,
        signals=features.signals,
    )
