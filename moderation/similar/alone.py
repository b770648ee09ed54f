"""What the clues of similar comments say of one comment by itself, as evidence on its card. Pure."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from moderation.similar import texts
from moderation.similar.find import RARE_PROMOTION, WEIGHTS, Clue

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
    padding = texts.numbers(text) if texts.is_padded(text) else []
    phrases = texts.of_the_page(text) if texts.about_the_page(text, said) else []
    is_phrase = texts.is_search_phrase(name)
    sells = len(said) <= RARE_PROMOTION * sum(word in texts.PROMOTION for word in said)
    others = bool(padding) + bool(phrases) + is_phrase + bool(texts.domains(text)) + (sells and bool(said))
    found = []
    if padding:
        found.append(Sign(_("Numbers stand around the text."), WEIGHTS[Clue.PADDED], padding[:MARKED]))
    if is_phrase:
        sentence = _("The name is a search phrase: “%(name)s”.") % {"name": name}
        found.append(Sign(sentence, WEIGHTS[Clue.NAME] if others > 1 else WEAK, []))
    if len(phrases) > 1 or (phrases and others > 1):
        sentence = _("It speaks about the page instead of its subject.")
        found.append(Sign(sentence, WEIGHTS[Clue.PAGE] if others > 1 else WEAK, phrases[:MARKED]))
    return found
