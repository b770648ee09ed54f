"""The starter: the part of the filter that was trained on other sites, by bench/train_starter.py.

Its file holds weights, hashes and frequencies, no text. Every version of a site uses the starter of the
release; the corrections that a site's decisions taught are in model.py.
"""

import json
import struct
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

from moderation.features.signals import find_signals, signal_values
from moderation.features.text_reading import ParsedComment, SignalResult
from moderation.spam_filter.classifier import ngrams
from moderation.spam_filter.classifier.author_features import name_features, website_features
from moderation.spam_filter.classifier.ngrams import NgramModel
from moderation.spam_filter.classifier.reference import LETTERS, Reference
from moderation.spam_filter.classifier.text_features import text_features

FORMAT = 2
STARTER_FILE = Path(__file__).parent.with_name("starter.bin")
MAX_DEVIATIONS = 3.0  # farther from its mean, a feature counts no more
OTHER_RELEASE = "This filter was stored by another release of the program."
EVERY_TEXT_HAS = {"letters", "name_words", *(f"{kind}_text" for kind in ngrams.BITS)}
MAX_BODY = 2_200  # characters of a body that are read
MAX_BYTES = 10_000_000  # of an unpacked file


class FeatureWeight(NamedTuple):
    """Weight of a feature: the amount that one standard deviation adds to the logit."""

    mean: float
    deviation: float
    weight: float

    def distance(self, value: float) -> float:
        """Return the distance of a value from the mean in standard deviations."""
        return max(-MAX_DEVIATIONS, min(MAX_DEVIATIONS, (value - self.mean) / self.deviation))


class Features(NamedTuple):
    """A comment as the filter weighs it."""

    values: Mapping[str, float]  # distances of the known features from their means
    signals: tuple[SignalResult, ...]  # of the text and of the site
    slots: Mapping[str, list[int]]  # words and runs of characters (ngrams.py)


@dataclass(frozen=True)
class Starter:
    """The weights of a release."""

    weights: Mapping[str, FeatureWeight]
    bias: float
    slope: float  # calibration
    offset: float
    models: Mapping[str, NgramModel]  # by the kind of text
    reference: Reference
    digest: str = ""  # SHA-256 of its file

    def read(self, comment: ParsedComment, site_results: Iterable[SignalResult] = ()) -> Features:
        """Return the features of a comment.

        `site_results`: results of the signals that the filter learns on the site alone.
        """
        comment = shorten(comment)
        slots = ngrams.comment_slots(comment)
        values, found = read_values(comment, self.reference)
        for kind, model in self.models.items():
            if (score := model.score(slots[kind])) is not None:
                values[f"{kind}_text"] = score
        distances = {
            name: weight.distance(values[name]) for name, weight in self.weights.items() if name in values
        }
        return Features(distances, (*found, *site_results), slots)

    def absent_distance(self, name: str) -> float:
        """Return the distance from its mean of a feature of a comment that lacks what the feature is about.

        It is 0 for what every text has.
        """
        if name in EVERY_TEXT_HAS:
            return 0.0
        return self.weights[name].distance(1.0 if name == "link_known_words" else 0.0)

    def to_bytes(self) -> bytes:
        """Return the starter as the bytes of its file."""
        reference = self.reference
        sets = [_pack_hashes(some) for some in (reference.words, reference.blocked, reference.spam_runs)]
        head = {
            "format": FORMAT,
            "weights": self.weights,
            "bias": self.bias,
            "slope": self.slope,
            "offset": self.offset,
            "models": {kind: (model.scale, model.bias) for kind, model in self.models.items()},
            "sets": [len(some) for some in sets],
        }
        text = json.dumps(head, sort_keys=True).encode()
        body = b"".join(
            [*(model.weights.tobytes() for model in self.models.values()), *sets, reference.triples]
        )
        return struct.pack("<I", len(text)) + text + zlib.compress(body, 9)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Return the stored starter. Raises ValueError if the bytes are no starter of this format."""
        head, body = unpack(stored)
        if head["format"] != FORMAT or len(body) != _size(head):
            raise ValueError(OTHER_RELEASE)
        try:
            place, models = 0, {}
            for kind, (scale, bias) in head["models"].items():
                size = 1 << ngrams.BITS[kind]
                models[kind] = NgramModel(array("b", body[place : place + size]), scale, bias)
                place += size
            sets = []
            for size in head["sets"]:
                sets.append(_unpack_hashes(body[place : place + size]))
                place += size
            words, blocked, spam_runs = sets
            return cls(
                weights={name: FeatureWeight(*values) for name, values in head["weights"].items()},
                bias=head["bias"],
                slope=head["slope"],
                offset=head["offset"],
                models=models,
                reference=Reference(words, blocked, spam_runs, body[place:]),
                digest=sha256(stored).hexdigest(),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(OTHER_RELEASE) from error


def _size(head: Mapping[str, Any]) -> int:
    """Return the size of the body in bytes that a header states."""
    models = sum(1 << ngrams.BITS[kind] for kind in head["models"])
    return models + sum(map(int, head["sets"])) + LETTERS**3


def shorten(comment: ParsedComment) -> ParsedComment:
    """Return a comment with at most MAX_BODY characters, so that long ones take no longer."""
    if len(comment.body) <= MAX_BODY:
        return comment
    return ParsedComment(replace(comment.data, body=comment.body[:MAX_BODY]))


def read_values(comment: ParsedComment, reference: Reference) -> tuple[dict[str, float], list[SignalResult]]:
    """Return the known features of a comment but for those of ngrams.py, and the signals that were found."""
    found = find_signals(comment)
    values = {
        **signal_values(found, comment.data),
        **name_features(comment, reference),
        **website_features(comment, reference),
        **text_features(comment, reference),
    }
    return values, found


def unpack(stored: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header, which has a format, and the unpacked body. Raises ValueError for other bytes."""
    try:
        (size,) = struct.unpack_from("<I", stored)
        head = json.loads(stored[4 : 4 + size])
        unpacking = zlib.decompressobj()
        body = unpacking.decompress(stored[4 + size :], MAX_BYTES)
        is_whole = unpacking.eof and "format" in head
    except (struct.error, zlib.error, ValueError, TypeError) as error:
        raise ValueError(f"This is not a stored filter: {error}.") from error
    if not is_whole:
        raise ValueError("This is not a whole stored filter.")
    return head, body


@lru_cache(maxsize=1)
def load_starter() -> Starter:
    """Return the starter of this release. Each process reads it once."""
    return Starter.from_bytes(STARTER_FILE.read_bytes())


# Hashes are stored as differences of sorted numbers, all low bytes first: that packs better.


def _pack_hashes(hashes: Iterable[int]) -> bytes:
    last, differences = 0, []
    for number in sorted(hashes):
        differences.append(number - last)
        last = number
    raw = struct.pack(f"<{len(differences)}I", *differences)
    return b"".join(raw[place::4] for place in range(4))


def _unpack_hashes(packed: bytes) -> frozenset[int]:
    count = len(packed) // 4
    raw = bytearray(len(packed))
    for place in range(4):
        raw[place::4] = packed[place * count : (place + 1) * count]
    total, hashes = 0, []
    for difference in struct.unpack(f"<{count}I", raw):
        total += difference
        hashes.append(total)
    return frozenset(hashes)
