"""What the clues of similar comments say of one comment by itself, as evidence on its card. Pure."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from moderation.similar import text_features
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

MAX_CHARACTERS = 20_000  # characters of a text
MAX_SPANS = 20  # places for each sign
WEAK_STRENGTH = 0.2  # of what honest people do as well
SHARED_TEXT_STRENGTH = 0.8  # of a wording that is not its own
NO_CLUES = Clue(0)


@dataclass(frozen=True)
class TextSignal:
    sentence: str
    strength: float  # 0 to 1, as a finding's
    spans: list[tuple[int, int]]  # in the text as it was typed


def find_signals(name: str, body: str, compared: Clue = NO_CLUES, but: Clue = NO_CLUES) -> list[TextSignal]:
    """Numbers around the text, a search phrase for a name, talk about the page instead of its subject; and
    what a look found by comparing it with others, as the group says that holds it. `but`: what a check says
    already.

    A name in small letters, or one word of the page, is no more than weak, or nothing, where it is alone.
    """
    text = body[:MAX_CHARACTERS]
    said = text_features.words(text)
    clues = text_clues(name, text, said) & ~but
    others = sum(bool(clues & clue) for clue in (PADDED, PAGE, NAME, LINK)) + bool(clues & PROMOTION and said)
    found = []
    if clues & PADDED:
        sentence = _("Numbers stand around the text.")
        found.append(
            TextSignal(sentence, WEIGHTS[Clue.PADDED], text_features.padding_spans(text)[:MAX_SPANS])
        )
    if clues & NAME:
        sentence = _("The name is a search phrase: “%(name)s”.") % {"name": name}
        found.append(TextSignal(sentence, WEIGHTS[Clue.NAME] if others > 1 else WEAK_STRENGTH, []))
    if clues & PAGE_TWICE or (clues & PAGE and (others > 1 or compared & PAGE)):
        sentence = _("It speaks about the page instead of its subject.")
        strength = WEIGHTS[Clue.PAGE] if others > 1 else WEAK_STRENGTH
        found.append(TextSignal(sentence, strength, text_features.site_talk_spans(text)[:MAX_SPANS]))
    return found + _compared_signals(text, compared)


def _compared_signals(text: str, clues: Clue) -> list[TextSignal]:
    listed = (text_features.PROMOTION, text_features.PRAISE)
    promotion, praise = ([*text_features.first_spans(text, some).values()][:MAX_SPANS] for some in listed)
    told = [
        (
            Clue.SPUN,
            SHARED_TEXT_STRENGTH,
            _("Most of its words stand in phrases that others have as well."),
            [],
        ),
        (
            Clue.EXACT,
            SHARED_TEXT_STRENGTH,
            _("It is the very text of an earlier comment under the same name."),
            [],
        ),
        (
            Clue.LATE,
            WEAK_STRENGTH,
            _("It was posted long after the story, when the discussion had ended."),
            [],
        ),
        (Clue.PRAISE, WEIGHTS[Clue.PRAISE], _("It is praise that shares no word with its subject."), praise),
        (Clue.PROMOTION, WEIGHTS[Clue.PROMOTION], _("It has words of advertising."), promotion),
        (Clue.LINK, WEIGHTS[Clue.LINK], _("It has a link."), text_features.link_spans(text)[:MAX_SPANS]),
        (Clue.STRANGE, WEAK_STRENGTH, _("It has hardly a word of its story or discussion."), []),
    ]
    if clues & Clue.PRAISE:
        clues &= ~Clue.STRANGE  # which praise says already
    return [TextSignal(words, strength, spans) for clue, strength, words, spans in told if clue & clues]
