"""A linear model that predicts how probable it is that a comment is spam, and explains why.

The logit is a sum: calibration · (bias + features + signals + a site's own words). Features and their
weights belong to the starter, which was trained on other sites (bench/train_starter.py): each counts by its
distance from its mean in standard deviations, so an unknown one adds nothing. Three of them are scores of
words and characters (ngrams.py). A version of a site is the starter with corrections: it learns from
examples one by one, and keeps two sums for each weight, of the gradients and of their squares (AdaGrad by
dual averaging), from which the correction follows. `consolidate` turns the sums into corrections, which are
stored. Nothing here uses a database.
"""

import json
import re
import struct
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, sqrt
from typing import NamedTuple, Self

from moderation.features.text_reading import CommentData, ParsedComment, SignalResult, Spans
from moderation.spam_filter.classifier import ngrams
from moderation.spam_filter.classifier.starter import FORMAT as STARTER_FORMAT
from moderation.spam_filter.classifier.starter import (
    MAX_DEVIATIONS,
    OTHER_RELEASE,
    Features,
    Starter,
    load_starter,
    shorten,
    unpack,
)

FORMAT = 3  # of a site's version; the starter's is 2, and 1 was that of older releases
BIAS = "usual"  # the stored name of the bias, a signal that every comment has
WORDS = "words"  # the stored name of the sum of a site's own words
ROUNDING = 1e-9  # logits; a smaller part is none
KINDS = tuple(ngrams.BITS)
# The first slot of each kind in one array.
FIRST = {kind: sum(1 << ngrams.BITS[k] for k in KINDS[:n]) for n, kind in enumerate(KINDS)}
SLOTS = sum(1 << bits for bits in ngrams.BITS.values())


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of learning from a site's decisions."""

    rate: float = 4.0  # learning rate of a word
    feature_rate: float = 0.02  # of a feature's weight
    signal_rate: float = 0.2  # of a signal's weight
    bias_rate: float = 0.4  # low, so that a few equal decisions in a row do not shift it
    beta: float = 0.3  # a larger value makes the first steps smaller
    l2: float = 0.1
    half_life: float = 4_000.0  # number of later decisions after which an example counts half
    trust: Mapping[str, float] = field(default_factory=lambda: {"body": 1.0, "name": 0.7, "website": 0.5})
    short: float = 25.0  # with fewer slots than this, a text counts much less
    # Words are learnt from this much spam on. The first decisions are often all in favour; learnt from these
    # alone, words made the filter worse.
    min_spam: float = 5.0


class ScorePart(NamedTuple):
    """The amount that a word, a feature or a signal adds to the logit."""

    kind: str  # "signal" (also of a feature), "word", "name", "website"
    name: str
    logit: float
    spans: Spans = ()  # of the body


class Model:
    """The starter with a site's corrections. Scoring is thread-safe, learning is not."""

    def __init__(
        self,
        starter: Starter,
        start_weights: Mapping[str, float] | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.starter = starter
        self.start_weights = dict(start_weights or {})  # of the site's signals, set by hand
        self.settings = settings or Settings()
        self.slope, self.offset = starter.slope, starter.offset  # calibration
        self.corrections: dict[str, float] = {}  # of the weights of features and signals, and of the bias
        self.words = array("f", bytes(4 * SLOTS))  # corrections of slots
        self.has_words = False  # whether there are any
        self.is_consolidated = True  # whether there are no gradients
        # Sums while it learns. Those of slots are divided by `scale`, so that later examples count more.
        self.gradients = array("f")
        self.squares = array("f")
        self.sums: dict[str, list[float]] = {}  # of features and signals: gradients, squares
        self.scale = 1.0
        self.seen = {True: 0.0, False: 0.0}  # total weight of the spam and the good examples learnt

    # Scoring

    def score(self, data: CommentData, site_results: Iterable[SignalResult] = ()) -> float:
        """Return the probability that a comment is spam."""
        return sigmoid(self.logit(self.read_data(data, site_results)))

    def read_data(self, data: CommentData, site_results: Iterable[SignalResult] = ()) -> Features:
        """Return the features of a comment that was not parsed yet."""
        return self.read(ParsedComment(data), site_results)

    def read(self, comment: ParsedComment, site_results: Iterable[SignalResult] = ()) -> Features:
        """Return the features of a comment.

        `site_results`: results of the signals that the filter learns on the site alone.
        """
        return self.starter.read(comment, site_results)

    def logit(self, features: Features) -> float:
        """Return the calibrated logit."""
        return self.slope * self.raw(features) + self.offset

    def raw(self, features: Features) -> float:
        """Return the logit before calibration."""
        return sum(self._raw_parts(features).values())

    def parts(self, features: Features) -> dict[str, float]:
        """Return the contributions to the logit: the bias, the features and signals, and a site's own words.

        A feature counts from its value for a comment that lacks what it is about, because that is no reason.
        The difference from its mean is in the bias.
        """
        given = {name: self.slope * part for name, part in self._raw_parts(features).items()}
        given[BIAS] += self.offset
        for name in features.values:
            absent = self.slope * self._weight(name) * self.starter.absent_distance(name)
            given[name] -= absent
            given[BIAS] += absent
        return given

    def _raw_parts(self, features: Features) -> dict[str, float]:
        given = {BIAS: self.starter.bias + self._correction(BIAS)}
        for name, value in features.values.items():
            given[name] = self._weight(name) * value
        for found in features.signals:
            if found.signal in self.start_weights:
                weight = self.start_weights[found.signal] + self._correction(found.signal)
                given[found.signal] = given.get(found.signal, 0.0) + weight * found.strength
        if own := sum(self._slots_logit(kind, slots) for kind, slots in features.slots.items()):
            given[WORDS] = own
        return given

    def _weight(self, name: str) -> float:
        """Return the weight of a feature."""
        return self.starter.weights[name].weight + self._correction(name)

    def _slots_logit(self, kind: str, slots: Sequence[int]) -> float:
        first = FIRST[kind]
        if self.is_consolidated:
            words = self.words
            total = sum(words[first + slot] for slot in slots) if self.has_words else 0.0
        else:
            total = sum(self._slot_weight(first + slot) for slot in slots)
        return total * self._slot_value(kind, slots)

    def _slot_value(self, kind: str, slots: Sequence[int]) -> float:
        """Return the value of each slot of a text, which falls with their number."""
        return self.settings.trust[kind] / sqrt(len(slots) + self.settings.short)

    def _slot_weight(self, slot: int) -> float:
        s = self.settings
        learnt = 0.0
        if not self.is_consolidated and self.gradients[slot]:
            learnt = _weight_from_sums(
                self.gradients[slot] * self.scale, self.squares[slot] * self.scale, s.rate, s
            )
        return self.words[slot] + learnt

    def _correction(self, name: str) -> float:
        known = self.corrections.get(name, 0.0)
        if name not in self.sums:
            return known
        gradient, square = self.sums[name]
        return known + _weight_from_sums(
            gradient * self.scale, square * self.scale, self._rate(name), self.settings
        )

    def _rate(self, name: str) -> float:
        if name == BIAS:
            return self.settings.bias_rate
        return self.settings.feature_rate if name in self.starter.weights else self.settings.signal_rate

    # Learning

    def learn(
        self, features: Features, is_spam: bool, weight: float = 1.0, *, is_repeated: bool = False
    ) -> None:
        """Learn one example with a weight: 1 for a decision, less for one of many alike.

        `is_repeated`: the example was learnt before, so it is not counted again.
        """
        if self.is_consolidated:
            self.gradients, self.squares = array("f", bytes(4 * SLOTS)), array("f", bytes(4 * SLOTS))
            self.is_consolidated = False
        self.scale *= 0.5 ** (weight / self.settings.half_life)
        gradient = sigmoid(self.logit(features)) - is_spam
        # Both sums are weighted, so that a hundred examples of weight 0.25 equal 25 examples. The square of a
        # weighted gradient would make the steps larger as the weights get smaller, so weights would not limit
        # anything.
        self._add(features, weight * gradient / self.scale, weight * gradient * gradient / self.scale)
        if not is_repeated:
            self.seen[is_spam] += weight

    def _add(self, features: Features, gradient: float, square: float) -> None:
        strengths = {f.signal: f.strength for f in features.signals if f.signal in self.start_weights}
        for name, value in ({BIAS: 1.0} | dict(features.values) | strengths).items():
            sums = self.sums.setdefault(name, [0.0, 0.0])
            sums[0] += gradient * value
            sums[1] += square * value * value
        if self.seen[True] < self.settings.min_spam:
            return
        gradients, squares = self.gradients, self.squares
        for kind, slots in features.slots.items():
            first, value = FIRST[kind], self._slot_value(kind, slots)
            step, power = gradient * value, square * value * value
            for slot in slots:
                gradients[first + slot] += step
                squares[first + slot] += power

    def consolidate(self) -> None:
        """Turn the sums of the learnt examples into corrections."""
        if not self.is_consolidated:
            self.words = array("f", map(self._slot_weight, range(SLOTS)))
        self.has_words = any(self.words)
        self.corrections = {name: self._correction(name) for name in {*self.corrections, *self.sums}}
        self.sums, self.gradients, self.squares = {}, array("f"), array("f")
        self.is_consolidated, self.scale, self.seen = True, 1.0, {True: 0.0, False: 0.0}

    # Explaining

    def explain(self, data: CommentData, site_results: Iterable[SignalResult] = ()) -> list[ScorePart]:
        """Return the parts of the logit, the heaviest first; they add up to it.

        What a text's words and characters add is given to the words that contain them.
        """
        comment = shorten(ParsedComment(data))
        features = self.read(comment, site_results)
        given = self.parts(features)
        given.pop(WORDS, None)
        texts = {
            kind: given.pop(f"{kind}_text", 0.0) + self.slope * self._slots_logit(kind, slots)
            for kind, slots in features.slots.items()
        }
        by_word = self._logits_of_words(comment, features)
        given[BIAS] += texts["body"] - sum(by_word.values())
        spans: dict[str, list[re.Match[str]]] = {}
        for m in comment.words:
            spans.setdefault(m[0], []).append(m)
        found = {result.signal: result.spans for result in features.signals}
        parts = [
            *(
                ScorePart("word", word, logit, comment.spans(spans.get(word, ())))
                for word, logit in by_word.items()
            ),
            *(
                ScorePart("signal", name, logit, found.get(name, ()))
                for name, logit in given.items()
                if name == BIAS or abs(logit) > ROUNDING
            ),
        ]
        if texts["name"]:
            parts.append(ScorePart("name", data.author or "", texts["name"]))
        if texts["website"]:
            parts.append(ScorePart("website", data.url or "", texts["website"]))
        return sorted(parts, key=lambda part: -abs(part.logit))

    def _logits_of_words(self, comment: ParsedComment, features: Features) -> dict[str, float]:
        """Return the contribution of each word of a body to the logit, with that of its characters."""
        slots, model = features.slots["body"], self.starter.models["body"]
        own, each = self.slope * self._slot_value("body", slots), 0.0
        if (score := model.score(slots)) is not None:
            of_text = self.starter.weights["body_text"]
            # A score beyond the limit counts as the limit: each word's part shrinks as much.
            deviations = (score - of_text.mean) / of_text.deviation
            shrunk = min(1.0, MAX_DEVIATIONS / abs(deviations)) if deviations else 1.0
            weight = self.slope * self._weight("body_text") * shrunk
            each = weight * model.scale / of_text.deviation / sqrt(len(slots))
        shares: dict[str, float] = {}
        for slot, words in ngrams.body_words(comment.plain).items():
            logit = own * self._slot_weight(FIRST["body"] + slot) + each * model.weights[slot]
            for word in words:
                shares[word] = shares.get(word, 0.0) + logit / len(words)
        return shares

    # As bytes

    def to_bytes(self) -> bytes:
        """Return a consolidated model as compressed bytes: the corrections and the digest of the starter."""
        head = {
            "format": FORMAT,
            "starter": self.starter.digest,
            "corrections": self.corrections,
            "slope": self.slope,
            "offset": self.offset,
        }
        text = json.dumps(head, sort_keys=True).encode()
        words = struct.pack(f"<{SLOTS}e", *(max(-60_000.0, min(60_000.0, word)) for word in self.words))
        return struct.pack("<I", len(text)) + text + zlib.compress(words, 6)

    @classmethod
    def from_bytes(cls, stored: bytes, start_weights: Mapping[str, float] | None = None) -> Self:
        """Return the stored model, or the stored starter as a model.

        `start_weights`: the weights, before anything was learnt, of the signals that it learns on the site
        alone. Raises ValueError if the bytes are no filter, or one of another release.
        """
        head, body = unpack(stored)
        if head["format"] == STARTER_FORMAT:
            return cls(Starter.from_bytes(stored), start_weights)
        starter = load_starter()
        if head["format"] != FORMAT or head.get("starter") != starter.digest or len(body) != 2 * SLOTS:
            raise ValueError(OTHER_RELEASE)
        model = cls(starter, start_weights)
        try:
            model.corrections = head["corrections"]
            model.slope, model.offset = head["slope"], head["offset"]
        except KeyError as error:
            raise ValueError(OTHER_RELEASE) from error
        model.words = array("f", struct.unpack(f"<{SLOTS}e", body))
        model.has_words = any(model.words)
        return model


def _weight_from_sums(z: float, n: float, rate: float, settings: Settings) -> float:
    """Return the weight that minimises gradients · w + (β+√n)/rate · w²/2 + l2 · w²/2."""
    return -z / ((settings.beta + sqrt(n)) / rate + settings.l2)


def sigmoid(x: float) -> float:
    """Return the probability of a logit."""
    if x >= 0:
        return 1 / (1 + exp(-min(x, 700.0)))
    e = exp(max(x, -700.0))
    return e / (1 + e)


def fit_calibration(
    raw: Sequence[float],
    labels: Sequence[bool],
    weights: Sequence[float] = (),
    *,
    prior: tuple[float, float] = (1.0, 0.0),
    prior_weight: float = 2.0,
) -> tuple[float, float]:
    """Return slope and offset by weighted maximum likelihood (Platt scaling), with Newton's method.

    `prior_weight`: how strongly they are pulled to `prior`, so that a few examples can't change them much.
    The slope stays positive, so calibration never reverses the order. Raises ValueError without examples.
    """
    if not raw or len(raw) != len(labels) or (weights and len(weights) != len(raw)):
        raise ValueError("Calibration needs scores, as many labels, and as many weights or none.")
    a, b = prior
    for _ in range(100):
        ga, gb = prior_weight * (a - prior[0]), 0.1 * prior_weight * (b - prior[1])
        haa, hab, hbb = prior_weight, 0.0, 0.1 * prior_weight
        for n, (x, is_spam) in enumerate(zip(raw, labels, strict=True)):
            w = weights[n] if weights else 1.0
            p = sigmoid(a * x + b)
            ga += w * (p - is_spam) * x
            gb += w * (p - is_spam)
            v = w * max(p * (1 - p), 1e-9)
            haa += v * x * x
            hab += v * x
            hbb += v
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        size = max(abs(da), abs(db))
        shrink = min(1.0, 1.0 / size) if size else 1.0
        a, b = max(0.02, a - shrink * da), b - shrink * db
        if size < 1e-7:
            break
    return a, b
