"""Texts about the filter's scores and the signals, for moderators."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from moderation.spam_filter.contributions import StoredPart

ALMOST_CERTAIN, LIKELY, UNCERTAIN = 0.95, 0.7, 0.3


def probability_text(p: float, *, waits: bool = False) -> str:
    """Return a probability as a sentence. `waits`: the comment waits because of it."""
    if p >= ALMOST_CERTAIN:
        percent = min(99, round(100 * p))
        return _("Almost certainly spam: %(n)s in 100 comments like this are spam.") % {"n": percent}
    if p >= LIKELY:
        return _("Likely spam: %(n)s in 10 comments like this are spam.") % {"n": round(10 * p)}
    if p >= UNCERTAIN:
        return _("Possibly spam: %(n)s in 10 comments like this are spam.") % {"n": round(10 * p)}
    if waits:
        return _("Possibly spam: %(n)s in 100 comments like this are spam.") % {"n": round(100 * p)}
    if n := round(100 * p):
        text = ngettext(
            "Probably not spam: %(n)s in 100 comments like this is spam.",
            "Probably not spam: %(n)s in 100 comments like this are spam.",
            n,
        )
        return text % {"n": n}
    return _("Probably not spam.")


@dataclass(frozen=True)
class PartText:
    """A part of a score as text. `share`: relative to the heaviest part, 0 to 1."""

    sentence: str
    logit: float
    share: float

    @property
    def is_against(self) -> bool:
        """Return whether the part counts against the comment."""
        return self.logit > 0

    @property
    def bar(self) -> str:
        """The SVG path of the part's bar."""
        return bar_path(self.share if self.is_against else -self.share)


def part_texts(stored: Iterable[StoredPart], body: str, name: str) -> list[PartText]:
    """Return the texts of the parts of one score. A part whose text is gone has a general text."""
    stored_parts = list(stored)
    top = max((abs(part["logit"]) for part in stored_parts if part["kind"] != "start"), default=0.0) or 1.0
    return [
        PartText(_part_text(part, body, name), part["logit"], min(1.0, abs(part["logit"]) / top))
        for part in stored_parts
    ]


def _part_text(part: StoredPart, body: str, name: str) -> str:
    match part["kind"]:
        case "signal":
            return signal_text(part["signal"], part["number"]) or signal_description(part["signal"])
        case "word" if part["spans"]:
            start, end = part["spans"][0]
            if body[start:end]:
                return _("The word “%(word)s”.") % {"word": body[start:end]}
        case "name":
            return _("The name “%(name)s”.") % {"name": name}
        case "site":
            return _("The address of the author’s site.")
        case "rest":
            return _("All other parts.")
        case "start":
            return _("The start value.")
    return _("A word that is no longer in the text.")


def bar_path(share: float) -> str:
    """Return the SVG path of a bar from the middle to one side; a share of 1 is half the width."""
    width = f"{50 * share:.4g}"
    return f"M0 0h{width}v8h{-50 * share:.4g}z"


def signal_text(name: str, number: int | None) -> str:
    """Return what a signal found in a comment, or "" for an unknown signal. A missing number is left out."""
    match name:
        case "drift" if number == 0:
            return _("It has no word in common with the article or the discussion.")
        case "imitates" if number:
            return _("The name is a staff name, or looks like one.")
    if name in _COUNTED_TEXTS:
        return str(_GENERAL_TEXTS[name] if number is None else _COUNTED_TEXTS[name] % {"n": number})
    return str(_SIGNAL_TEXTS.get(name, ""))


def signal_description(name: str) -> str:
    """Return what a signal, or a kind of words, means in general."""
    if text := _GENERAL_TEXTS.get(name) or _SIGNAL_TEXTS.get(name):
        return str(text)
    return _("The signal “%(name)s”.") % {"name": name}


# Texts of signals without a number.
_SIGNAL_TEXTS = {
    "on_subject": gettext_lazy("It uses words of the article or the discussion."),
    "specific": gettext_lazy("It has names, figures or code of its own."),
    "answers": gettext_lazy("It replies to somebody."),
    "asks": gettext_lazy("It asks a question or reports an experience."),
    "no_gain": gettext_lazy("Nobody would profit from it."),
    "own_name": gettext_lazy("The author’s site has the author’s name."),
    "praise": gettext_lazy("Generic praise."),
    "site_talk": gettext_lazy("It talks about the site instead of the subject."),
    "spun": gettext_lazy("It has phrases of spam templates."),
    "leftovers": gettext_lazy("It has unfilled placeholders of a spam template."),
    "padded": gettext_lazy("The text begins or ends with long numbers."),
    "name_phrase": gettext_lazy("The name is a search phrase or a kind of business."),
    "name_domain": gettext_lazy("The name is a web address."),
    "site_sells": gettext_lazy("The address of the author’s site suggests that it sells something."),
    "site_deep": gettext_lazy("The author’s site is a page deep within another site."),
    "shortened": gettext_lazy("It has a shortened link that hides its target."),
    "puny": gettext_lazy("It links to a site with look-alike letters in its name."),
    "link_markup": gettext_lazy("Its links are written as HTML or BBCode."),
    "own_link": gettext_lazy("It links to its author’s own site."),
    "calls": gettext_lazy("It asks readers to visit, subscribe, earn or get in touch."),
    "shouting": gettext_lazy("It is in capital letters or has many exclamation marks."),
    "other_script": gettext_lazy("It is in another script than the article."),
    "mixed_script": gettext_lazy("Its words mix letters of two scripts."),
    "name_script": gettext_lazy("The name is in another script than the text."),
    "slur": gettext_lazy("It contains a slur."),
    "insult": gettext_lazy("It insults the person it replies to."),
    "imitates": gettext_lazy("The name looks like another name in this discussion."),
    "spam_host": gettext_lazy("It links to a site that spam has linked to."),
    "link_burst": gettext_lazy("It links to a site that others have linked to within a day."),
    "repeat": gettext_lazy("It has the same text as another comment."),
    "near_repeat": gettext_lazy("It has the same text as another comment."),
    "akismet": gettext_lazy("Akismet rates it as spam."),
    "scorer": gettext_lazy("The external service rates it as spam."),
    "akismet_silent": gettext_lazy("Akismet gave no usable answer in time."),
    "scorer_silent": gettext_lazy("The external service gave no usable answer in time."),
}

# Texts of signals with a number.
_COUNTED_TEXTS = {
    "late": ngettext_lazy("Posted %(n)s day after the article.", "Posted %(n)s days after the article.", "n"),
    "drift": ngettext_lazy(
        "It has only %(n)s word in common with the article and the discussion.",
        "It has only %(n)s words in common with the article and the discussion.",
        "n",
    ),
    "links": ngettext_lazy("It has %(n)s link.", "It has %(n)s links.", "n"),
    "wares": ngettext_lazy("It has %(n)s sales word.", "It has %(n)s sales words.", "n"),
    "one_address": ngettext_lazy(
        "Its IP address posted under %(n)s other name within a day.",
        "Its IP address posted under %(n)s other names within a day.",
        "n",
    ),
    "name_burst": ngettext_lazy(
        "Its name has the same pattern as the name of %(n)s other writer within a day.",
        "Its name has the same pattern as the names of %(n)s other writers within a day.",
        "n",
    ),
}

# Texts without a number, and texts about kinds of words.
_GENERAL_TEXTS = {
    "words": gettext_lazy("Its words and pairs of words."),
    "characters": gettext_lazy("Parts of its words."),
    "name": gettext_lazy("The author’s name."),
    "site": gettext_lazy("The address of the author’s site."),
    "late": gettext_lazy("It was posted long after the article."),
    "drift": gettext_lazy("It has hardly a word in common with the article and the discussion."),
    "links": gettext_lazy("It has links."),
    "wares": gettext_lazy("It has sales words."),
    "near_repeat": gettext_lazy("It has nearly the same text as another comment."),
    "one_address": gettext_lazy("Its IP address posted under other names within a day."),
    "name_burst": gettext_lazy("Its name has the same pattern as the names of other writers within a day."),
}
