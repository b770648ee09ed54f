"""Signals of one comment from the clues of similar comments, for its card. Pure functions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _

from moderation.checks import registry
from moderation.features.links import typed_links
from moderation.features.phrases import NUMBERS, SITE_MENTIONS
from moderation.features.word_lists import GROUP_PRAISE_WORDS, GROUP_SALES_WORDS
from moderation.features.words import first_spans, lowercase_words
from moderation.similar.clues import (
    LINK,
    NAME,
    PADDED,
    PAGE,
    PAGE_TWICE,
    PROMOTION,
    WEIGHTS,
    Clue,
    text_clues,
)

MAX_CHARACTERS = 20_000  # of a text that are read
MAX_SPANS = 20  # highlights for each signal
WEAK_STRENGTH = 0.2  # signals that good comments also have
SHARED_STRENGTH = 0.8  # text shared with other comments
NO_CLUES = Clue(0)


@dataclass(frozen=True)
class TextSignal:
    """A reason to review a comment, found in its text or name."""

    sentence: str
    strength: float  # 0 to 1, as a finding's
    spans: list[tuple[int, int]]  # in the text as it was typed


def find_signals(
    name: str, body: str, compared: Clue = NO_CLUES, stated: Clue = NO_CLUES
) -> list[TextSignal]:
    """Return the signals of a comment's name and text, and of the clues that a scan found by comparing it.

    `compared` are the clues of its group, `stated` those that its findings state already; they are left out.
    A lower-case name or a single phrase about the site is at most a weak signal if it is the only one.
    """
    compared &= ~stated
    text = body[:MAX_CHARACTERS]
    words = lowercase_words(text)
    clues = text_clues(name, text, words) & ~stated
    others = sum(bool(clues & clue) for clue in (PADDED, PAGE, NAME, LINK))
    others += bool(clues & PROMOTION and words)
    found = []
    if clues & PADDED:
        sentence = registry.describe_clue(Clue.PADDED)
        found.append(TextSignal(sentence, WEIGHTS[Clue.PADDED], _spans(NUMBERS.finditer(text))))
    if clues & NAME:
        sentence = registry.describe_clue(Clue.NAME)
        found.append(TextSignal(sentence, WEIGHTS[Clue.NAME] if others > 1 else WEAK_STRENGTH, []))
    if clues & PAGE_TWICE or (clues & PAGE and (others > 1 or compared & PAGE)):
        sentence = registry.describe_clue(Clue.PAGE)
        strength = WEIGHTS[Clue.PAGE] if others > 1 else WEAK_STRENGTH
        found.append(TextSignal(sentence, strength, _spans(SITE_MENTIONS.finditer(text))))
    return found + _compared_signals(text, compared)


def _compared_signals(text: str, clues: Clue) -> list[TextSignal]:
    """Return the signals of clues that a scan found."""
    listed = (GROUP_SALES_WORDS, GROUP_PRAISE_WORDS)
    promotion, praise = ([*first_spans(text, some).values()][:MAX_SPANS] for some in listed)
    signals = [
        (Clue.SPUN, SHARED_STRENGTH, _("Most of its text consists of phrases that other comments use."), []),
        (Clue.EXACT, SHARED_STRENGTH, _("The same text as an earlier comment under the same name."), []),
        (Clue.LATE, WEAK_STRENGTH, _("Posted long after the story, when the discussion had ended."), []),
        (Clue.PRAISE, WEIGHTS[Clue.PRAISE], _("Generic praise that does not mention the subject."), praise),
        (Clue.PROMOTION, WEIGHTS[Clue.PROMOTION], registry.describe_clue(Clue.PROMOTION), promotion),
        (Clue.LINK, WEIGHTS[Clue.LINK], _("It has a link."), _spans(typed_links(text))),
        (Clue.STRANGE, WEAK_STRENGTH, registry.describe_clue(Clue.STRANGE), []),
    ]
    if clues & Clue.PRAISE:
        clues &= ~Clue.STRANGE  # the praise signal says the same
    return [
        TextSignal(sentence, strength, spans) for clue, strength, sentence, spans in signals if clue & clues
    ]


def _spans(found: Iterable[re.Match[str]]) -> list[tuple[int, int]]:
    return [m.span() for m in islice(found, MAX_SPANS)]
