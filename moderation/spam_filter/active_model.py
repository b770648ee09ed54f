"""The version in force, loaded once in each process, and what it says of a comment."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from moderation.features.text_reading import Read, Said, SignalResult
from moderation.models import Filter
from moderation.spam_filter.model import Features, Model, Part, read_features, sigmoid
from moderation.spam_filter.thresholds import Honest, auto_spam_threshold, line

logger = logging.getLogger(__name__)


class ActiveFilter(NamedTuple):
    """What a request reads of the desk: which version, how its numbers stood when they were counted last, and
    how many honest comments in a hundred may wait."""

    version: int
    numbers_at: float  # seconds; 0: none were counted
    percent: float
    topics: tuple[int, ...] = ()  # of the story


# As a query of the row that a request asks for (policy.KNOWN); NULL: there is no filter.
ACTIVE_FILTER_SQL = """
SELECT json_build_array(f.id, coalesce(extract(epoch FROM f.numbers_at), 0), d.honest_may_wait)
FROM moderation_desk d JOIN moderation_filter f ON f.id = d.filter_id WHERE d.id = 1"""


def active_filter() -> ActiveFilter | None:
    with connection.cursor() as cursor:
        cursor.execute(ACTIVE_FILTER_SQL)
        row = cursor.fetchone()
    return ActiveFilter(*row[0]) if row else None


def usable_filter() -> ActiveFilter | None:
    """What is in force, unless it can't be used."""
    now = active_filter()
    return now if now and can_be_used(now.version) else None


@dataclass(frozen=True)
class Prediction:
    """What the filter says of one comment."""

    version: int
    probability: float  # that it is spam
    waits: bool
    is_spam: bool  # so surely that nobody need look first
    found: tuple[SignalResult, ...]  # the signals, those that speak for it among them


class UnusableModelError(Exception):
    """This version was stored by another release of the program."""


def load_model(version: int) -> Model:
    """What is learnt is another version. Raises Filter.DoesNotExist, and Unusable."""
    loaded = _load(version)
    if isinstance(loaded, str):
        raise UnusableModelError(loaded)
    return loaded


def can_be_used(version: int) -> bool:
    return not isinstance(_load(version), str)


@lru_cache(maxsize=3)
def _load(version: int) -> Model | str:
    """Or why it can't be used, which is in the log once for each process."""
    stored = Filter.objects.values_list("weights", flat=True).get(pk=version)
    if not stored:
        return f"The weights of version {version} are deleted: it had learnt from what is sealed."
    try:
        return Model.from_bytes(bytes(stored))
    except ValueError as error:
        logger.exception("Version %s of the filter can't be used.", version)
        return str(error)


clear_model_cache = _load.cache_clear


@lru_cache(maxsize=64)
def _thresholds(now: ActiveFilter) -> tuple[float, float | None]:
    """Where a comment waits, and where it is spam outright. A topic on which enough was decided has a line of
    its own; of two the higher one."""
    here, elsewhere, decisions, by_topic = _threshold_data(now.version, now.numbers_at)
    own = [by_topic.get(str(topic)) for topic in now.topics]
    lines = [line(now.percent, Honest(*told), Honest(0, [])) for told in own if told]
    waits = max(lines) if lines else line(now.percent, here, elsewhere)
    return waits, auto_spam_threshold(now.percent, here, elsewhere, decisions)


@lru_cache(maxsize=4)
def _threshold_data(version: int, numbers_at: float) -> tuple[Honest, Honest, int, dict[str, Any]]:
    """What lines are drawn by: read once after each count, for stories of all topics."""
    row = Filter.objects.only("numbers", "trained_on").get(pk=version)
    return *honest_scores(row), row.numbers.get("topics", {})


def honest_scores(version: Filter) -> tuple[Honest, Honest, int]:
    """What is known of honest comments here and elsewhere, and how many decisions were taken here."""
    figures = version.numbers.get("figures", {})
    here = Honest(
        version.numbers.get("honest", figures.get("ham", 0)),
        version.numbers.get("highest", []),
        version.numbers.get("weights", ()),
    )
    return here, starter_honest_scores(), figures.get("rows", 0) + version.trained_on.get("decisions", 0)


def starter_honest_scores() -> Honest:
    """What is known of honest comments beyond this site."""
    starter = Filter.objects.filter(kind=Filter.Kind.STARTER).only("trained_on").first()
    told = starter.trained_on.get("honest", {}) if starter else {}
    return Honest(told.get("count", 0), told.get("highest", []))


def predict(read: Read, now: ActiveFilter, more: Iterable[SignalResult] = ()) -> Prediction:
    """`more`: what the site itself found (signals.OF_THE_SITE)."""
    its = load_model(now.version)
    told = read_features(read.data, its.settings, read=read)
    told = Features(told.spaces, (*told.found, *more))
    probability = sigmoid(its.logit(told))
    waits_from, spam_from = _thresholds(now)
    return Prediction(
        version=now.version,
        probability=probability,
        waits=probability >= waits_from,
        is_spam=spam_from is not None and probability >= spam_from,
        found=told.found,
    )


def explain(said: Said, version: int, more: Sequence[SignalResult] = ()) -> list[Part]:
    """What this version's score is made of, the heaviest first."""
    return load_model(version).explain(said, more=more)
