"""What the clues of similar comments say of one comment by itself, as evidence on its card. Pure."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from moderation.similar import texts
from moderation.similar.clues import LINK, NAME, PADDED, PAGE, PAGE_TWICE, PROMOTION, WEIGHTS, Clue, of_text

READ = 20_000  # characters of a text
MARKED = 20  # places for each sign
WEAK = 0.2  # of what honest people do as well


@dataclass(frozen=True)
class Sign:
    sentence: str
    strength: float  # 0 to 1, as a finding's
    spans: list[tuple[int, int]]  # in the text as it was typed


def signs(name: str, body: str) -> list[Sign]:
    """Numbers around the text, a search phrase for a name, talk about the page instead of its subject.

    A name in small letters, or one word of the page, is no more than weak, or nothing, where it is alone.
    """
    text = body[:READ]
    said = texts.words(text)
    clues = of_text(name, text, said)
    others = sum(bool(clues & clue) for clue in (PADDED, PAGE, NAME, LINK)) + bool(clues & PROMOTION and said)
    found = []
    if clues & PADDED:
        sentence = _("Numbers stand around the text.")
        found.append(Sign(sentence, WEIGHTS[Clue.PADDED], texts.numbers(text)[:MARKED]))
    if clues & NAME:
        sentence = _("The name is a search phrase: “%(name)s”.") % {"name": name}
        found.append(Sign(sentence, WEIGHTS[Clue.NAME] if others > 1 else WEAK, []))
    if clues & PAGE_TWICE or (clues & PAGE and others > 1):
        sentence = _("It speaks about the page instead of its subject.")
        strength = WEIGHTS[Clue.PAGE] if others > 1 else WEAK
        found.append(Sign(sentence, strength, texts.of_the_page(text)[:MARKED]))
    return found
