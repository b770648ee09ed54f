"""A linear model that predicts how probable it is that a comment is spam, and explains why.

The logit is a sum: calibration · (bias + words + characters + name + site + signals). A version learns
from examples one by one. It keeps two sums for each feature, of the gradients and of their squares
(AdaGrad by dual averaging), from which the weight follows. `base` holds the weights of the version that it
started from; forgotten features return to them. `settle` turns the sums into weights, which are what is
stored. Nothing here uses a database.
"""

import json
import re
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import exp, sqrt
from typing import NamedTuple

from moderation.features import signals as facts
from moderation.features.folding import fold
from moderation.features.links import host
from moderation.features.text_reading import CommentData, ParsedComment, Signal, SignalResult, Spans
from moderation.features.word_lists import PRAISE_WORDS, SITE_WORDS
from moderation.features.words import find_words

FORMAT = 1
BITS = 17
SLOTS = 1 << BITS
MASK = SLOTS - 1
WORD, PAIR, CHARS, NAME, SITE = 0x1, 0x5BD1, 0xA3B7, 0x2C9F, 0x7E11  # start value of the hashes of each space
# Words that the signals praise and site_talk cover. Their characters are no features: they separate blogs
# from newspapers, where nobody says thanks, rather than spam from good comments.
SIGNAL_WORDS = PRAISE_WORDS | SITE_WORDS
BIAS = "usual"  # the stored name of the bias, a signal that every comment has
SPACES = ("words", "characters", "name", "site")  # in the order of Features.spaces


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyperparameters. Stored with the model."""

    rate: float = 4.0  # learning rate of a text feature
    # Learning rate of a signal: the first until `few` examples of the rarer label, the second from `enough`.
    signal_rate: float = 0.2
    signal_rate_most: float = 0.7
    few: float = 10.0
    enough: float = 50.0
    usual_rate: float = 0.4  # of the bias: low, so that a few equal decisions in a row do not shift it
    beta: float = 0.3  # a larger value makes the first steps smaller
    l1: float = 0.0  # a feature stays at its base while its sum of gradients is below this
    l2: float = 0.1
    half_life: float = 4_000.0  # number of later decisions after which an example counts half
    trust_text: float = 1.0  # length of the vector of the body's features
    trust_name: float = 0.7
    trust_site: float = 0.5
    short: float = 25.0  # with fewer features than this, the vector of a text is much shorter


class Space(NamedTuple):
    """The distinct features of one part of a comment, all with the same value."""

    slots: list[int]
    value: float


class Features(NamedTuple):
    """The features of a comment."""

    spaces: tuple[Space, ...]  # words, characters, name, site
    found: tuple[SignalResult, ...]  # the signals


class Part(NamedTuple):
    """The amount that a word or a signal adds to the logit."""

    kind: str  # "signal", "word", "name", "site"
    what: str
    logit: float
    spans: Spans = ()  # of the body


def read_features(
    data: CommentData,
    settings: Settings,
    signals: Sequence[Signal] = facts.SIGNALS,
    read: ParsedComment | None = None,
) -> Features:
    """Return the features of a comment. `read`: the parsed comment, if the caller has it."""
    read = read or ParsedComment(data)
    words = read.word_texts
    own = [word for word in words if word not in SIGNAL_WORDS]
    spaces = (
        _make_space([*_word_slots(words), *_pair_slots(words)], settings.trust_text, settings.short),
        _make_space(_character_slots(" ".join(own), CHARS), settings.trust_text, 4 * settings.short),
        _make_space(_name_slots(read), settings.trust_name, settings.short / 3),
        _make_space(_site_slots(read), settings.trust_site, settings.short / 3),
    )
    return Features(spaces, tuple(facts.find_signals(read, signals)))


def _make_space(slots: Iterable[int], trust: float, short: float) -> Space:
    """Return a space of distinct slots whose value falls with their number."""
    distinct = list(dict.fromkeys(slots))
    return Space(distinct, trust / sqrt(len(distinct) + short)) if distinct else Space([], 0.0)


def _word_slots(words: Sequence[str], start: int = WORD) -> Iterator[int]:
    crc = zlib.crc32
    return (crc(word.encode(), start) & MASK for word in words)


def _pair_slots(words: Sequence[str]) -> Iterator[int]:
    crc = zlib.crc32
    return (crc(f"{a} {b}".encode(), PAIR) & MASK for a, b in pairwise(words))


def _character_slots(text: str, start: int, size: int = 5) -> list[int]:
    """Return the slots of all runs of `size` characters, with a space before and after the text.

    Every character counts as one.
    """
    raw = f" {text} ".encode("utf-16-le", "replace")
    crc, width = zlib.crc32, 2 * size
    return [crc(raw[n : n + width], start) & MASK for n in range(0, len(raw) - width + 2, 2)]


def _name_slots(read: ParsedComment) -> list[int]:
    words = read.name_words
    if not words:
        return []
    return [*_word_slots(words, NAME), *_character_slots(" ".join(words), NAME, 4)]


def _site_slots(read: ParsedComment) -> list[int]:
    """Return the slots of the host's characters and the path's words.

    That there is a site, or its top-level domain, is no feature.
    """
    if read.site is None:
        return []
    label = host(read.site).rsplit(".", 1)[0]
    path = fold(read.site.path + " " + read.site.query)
    return [*_character_slots(label, SITE, 4), *_word_slots(find_words(path)[:20], SITE)]


class Model:
    """Weights and the sums that they were learnt from. Scoring is thread-safe, learning is not."""

    def __init__(self, settings: Settings | None = None, priors: Mapping[str, float] | None = None) -> None:
        self.settings = settings or Settings()
        self.base = array("f", bytes(4 * SLOTS))
        self.gradients = array("f", bytes(4 * SLOTS))  # sums, divided by `scale`
        self.squares = array("f", bytes(4 * SLOTS))
        # The weight of an example is divided by this, so that later ones count more.
        self.scale = 1.0
        self.is_settled = True  # whether there are no gradients
        self.seen = {True: 0.0, False: 0.0}  # total weight of the spam and the good examples learnt
        self.priors = {BIAS: -1.0, **(facts.PRIORS if priors is None else priors)}
        self.signal_gradients: dict[str, float] = {}
        self.signal_squares: dict[str, float] = {}
        self.slope, self.offset = 1.0, 0.0  # calibration
        self.frozen: frozenset[str] = frozenset()  # signals that do not learn

    # Scoring

    def score(self, data: CommentData, signals: Sequence[Signal] = facts.SIGNALS) -> float:
        """Return the probability that a comment is spam."""
        return sigmoid(self.logit(read_features(data, self.settings, signals)))

    def logit(self, features: Features) -> float:
        """Return the calibrated logit."""
        return self.slope * self.raw(features) + self.offset

    def raw(self, features: Features) -> float:
        """Return the logit before calibration."""
        total = self.signal_weight(BIAS)
        for slots, value in features.spaces:
            if slots:
                total += value * sum(self._weights(slots))
        for found in features.found:
            total += self.signal_weight(found.signal) * found.strength
        return total

    def parts(self, features: Features) -> dict[str, float]:
        """Return what each signal and each space (words, characters, name, site) adds to the logit.

        With the part of BIAS they add up to it.
        """
        given = {BIAS: self.slope * self.signal_weight(BIAS) + self.offset}
        for name, (slots, value) in zip(SPACES, features.spaces, strict=True):
            if slots:
                given[name] = self.slope * value * sum(self._weights(slots))
        for found in features.found:
            part = self.slope * self.signal_weight(found.signal) * found.strength
            given[found.signal] = given.get(found.signal, 0.0) + part
        return given

    def _weights(self, slots: Iterable[int]) -> Iterator[float]:
        base, gradients = self.base, self.gradients
        if self.is_settled:
            return map(base.__getitem__, slots)
        return (base[j] + self._learnt(j) if gradients[j] else base[j] for j in slots)

    def weight(self, slot: int) -> float:
        """Return the weight of a feature."""
        return self.base[slot] + self._learnt(slot)

    def _learnt(self, slot: int) -> float:
        s = self.settings
        return _weight_from_sums(
            self.gradients[slot] * self.scale, self.squares[slot] * self.scale, s.rate, s.beta, s.l1, s.l2
        )

    def signal_weight(self, name: str) -> float:
        """Return the weight of a signal."""
        s = self.settings
        z = self.signal_gradients.get(name, 0.0) * self.scale
        n = self.signal_squares.get(name, 0.0) * self.scale
        rate = s.usual_rate if name == BIAS else self.signal_rate
        return self.priors.get(name, 0.0) + _weight_from_sums(z, n, rate, s.beta, 0.0, s.l2)

    @property
    def signal_rate(self) -> float:
        """The learning rate of signals. It is low while there are few decisions of the rarer label."""
        s = self.settings
        share = min(1.0, max(0.0, (min(self.seen.values()) - s.few) / (s.enough - s.few)))
        return s.signal_rate + (s.signal_rate_most - s.signal_rate) * share

    # Learning

    def learn(
        self, features: Features, is_spam: bool, weight: float = 1.0, *, is_repeated: bool = False
    ) -> None:
        """Learn one example with a weight: 1 for a decision, less for one of many alike.

        `is_repeated`: the example was learnt before, so it is not counted again.
        """
        self.scale *= 0.5 ** (weight / self.settings.half_life)
        gradient = sigmoid(self.logit(features)) - is_spam
        # Both sums are weighted, so that a hundred examples of weight 0.25 equal 25 examples. The square of a
        # weighted gradient would make the steps larger as the weights get smaller, so weights would not limit
        # anything.
        self._add(features, weight * gradient / self.scale, weight * gradient * gradient / self.scale)
        if not is_repeated:
            self.seen[is_spam] += weight

    def _add(self, features: Features, gradient: float, square: float) -> None:
        gradients, squares = self.gradients, self.squares
        self.is_settled = False
        for slots, value in features.spaces:
            step, power = gradient * value, square * value * value
            for j in slots:
                gradients[j] += step
                squares[j] += power
        for name, strength in ((BIAS, 1.0), *((f.signal, f.strength) for f in features.found)):
            if name not in self.frozen:
                self.signal_gradients[name] = self.signal_gradients.get(name, 0.0) + gradient * strength
                power = square * strength * strength
                self.signal_squares[name] = self.signal_squares.get(name, 0.0) + power

    def settle(self, confidence: float = 0.0) -> None:
        """Turn what was learnt into the base weights.

        `confidence`: the share of the squared gradients that stays and goes on slowing the steps, for a
        model that will learn on.
        """
        self.base = array("f", (self.weight(j) for j in range(SLOTS)))
        self.priors = {name: self.signal_weight(name) for name in {*self.priors, *self.signal_gradients}}
        factor = self.scale * confidence
        self.squares = array("f", (n * factor for n in self.squares))
        self.signal_squares = {k: n * factor for k, n in self.signal_squares.items() if factor}
        self.gradients = array("f", bytes(4 * SLOTS))
        self.signal_gradients = {}
        self.is_settled = True
        self.seen = {True: 0.0, False: 0.0}
        self.scale = 1.0

    # Explaining

    def explain(
        self, data: CommentData, signals: Sequence[Signal] = facts.SIGNALS, more: Sequence[SignalResult] = ()
    ) -> list[Part]:
        """Return the parts of the logit, the heaviest first; they add up to it.

        The part of the characters is given to the words that contain them; a pair of words gives half to
        each.
        """
        read = ParsedComment(data)
        features = read_features(data, self.settings, signals, read)
        features = Features(features.spaces, (*features.found, *more))
        parts = [Part("signal", BIAS, self.slope * self.signal_weight(BIAS) + self.offset)]
        for found in features.found:
            weight = self.slope * self.signal_weight(found.signal)
            parts.append(Part("signal", found.signal, weight * found.strength, found.spans))
        parts += self._by_words(read, features)
        for kind, space in (("name", features.spaces[2]), ("site", features.spaces[3])):
            if space.slots:
                logit = self.slope * space.value * sum(self._weights(space.slots))
                parts.append(Part(kind, (data.author if kind == "name" else data.url) or "", logit))
        return sorted(parts, key=lambda part: -abs(part.logit))

    def _by_words(self, read: ParsedComment, features: Features) -> Iterator[Part]:
        words = read.word_texts
        shares = dict.fromkeys(words, 0.0)

        def give(slots: Sequence[int], to: Sequence[Sequence[str]], value: float) -> None:
            """Give each word its part of a slot; a repeated slot counts once."""
            holders: dict[int, list[str]] = {}
            for slot, some in zip(slots, to, strict=True):
                holders.setdefault(slot, []).extend(some)
            for slot, some in holders.items():
                part = self.slope * value * self.weight(slot) / len(some)
                for word in some:
                    shares[word] += part

        if words:
            # One call for words and pairs, as they form one space: a slot that both use counts once.
            own = [word for word in words if word not in SIGNAL_WORDS]
            pairs = list(pairwise(words))
            give(
                [*_word_slots(words), *_pair_slots(words)],
                [*((w,) for w in words), *pairs],
                features.spaces[0].value,
            )
            text = " ".join(own)
            starts, at = [], 0
            for word in own:
                starts.append(at)
                at += len(word) + 1
            slots = _character_slots(text, CHARS)
            middle = [min(len(text) - 1, max(0, n + 1)) for n in range(len(slots))]
            give(
                slots,
                [(own[bisect_right(starts, n) - 1],) if own else () for n in middle],
                features.spaces[1].value,
            )
        spans: dict[str, list[re.Match[str]]] = {}
        for m in read.words:
            spans.setdefault(m[0], []).append(m)
        for word, logit in shares.items():
            yield Part("word", word, logit, read.spans(spans[word]))

    # As bytes

    def to_bytes(self) -> bytes:
        """Return a settled model as compressed bytes, at most about 0.8 MB.

        The squares are stored in 16 bits, as they only set the size of steps; they are not zero only if
        the model will learn on.
        """
        head = {
            "format": FORMAT,
            "bits": BITS,
            "settings": asdict(self.settings),
            "priors": self.priors,
            "signal_squares": self.signal_squares,
            "slope": self.slope,
            "offset": self.offset,
        }
        text = json.dumps(head, sort_keys=True).encode()
        squares = struct.pack(f"<{SLOTS}e", *(min(65_000.0, n) for n in self.squares))
        return struct.pack("<I", len(text)) + text + zlib.compress(_to_little_endian(self.base) + squares, 6)

    @classmethod
    def from_bytes(cls, stored: bytes, priors: Mapping[str, float] | None = None) -> "Model":
        """Return the stored model. Raises ValueError if the bytes are no model of this format.

        `priors`: start weights of signals that are newer than the model, by default of those of the text.
        """
        try:
            (size,) = struct.unpack_from("<I", stored)
            head = json.loads(stored[4 : 4 + size])
            kind = head.get("format"), head.get("bits")
            body = zlib.decompressobj().decompress(stored[4 + size :], 6 * SLOTS + 1)
        except (struct.error, zlib.error, UnicodeDecodeError, ValueError, AttributeError) as error:
            raise ValueError(f"This is not a stored filter: {error}.") from error
        if kind != (FORMAT, BITS) or len(body) != 6 * SLOTS:
            raise ValueError("This filter was stored by another release of the program.")
        try:
            model = cls(Settings(**head["settings"]), priors)
            model.priors |= head["priors"]
            model.signal_squares = head["signal_squares"]
            model.slope, model.offset = head["slope"], head["offset"]
        except (KeyError, TypeError) as error:
            raise ValueError("This filter was stored by another release of the program.") from error
        model.base = _from_little_endian(body[: 4 * SLOTS])
        model.squares = array("f", struct.unpack(f"<{SLOTS}e", body[4 * SLOTS :]))
        return model


def _to_little_endian(numbers: "array[float]") -> bytes:
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        numbers = array("f", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _from_little_endian(raw: bytes) -> "array[float]":
    numbers = array("f")
    numbers.frombytes(raw)
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        numbers.byteswap()
    return numbers


def _weight_from_sums(z: float, n: float, rate: float, beta: float, l1: float, l2: float) -> float:
    """Return the weight that minimises gradients · w + l1·|w| + (β+√n)/rate · w²/2 + l2 · w²/2."""
    if abs(z) <= l1:
        return 0.0
    return -(z - l1 if z > 0 else z + l1) / ((beta + sqrt(n)) / rate + l2)


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
