"""What the filter and its signals found, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from moderation.spam_filter.contributions import StoredPart

ALMOST_CERTAIN, LIKELY, UNCERTAIN = 0.95, 0.7, 0.3


def probability(p: float, *, waits: bool = False) -> str:
    """As somebody would say it, with the number: 9 in 10 like it are spam. `waits`: it is over the line."""
    if p >= ALMOST_CERTAIN:
        return _("The filter takes it for spam: %(n)s in 100 like it are.") % {"n": min(99, round(100 * p))}
    if p >= LIKELY:
        return _("The filter finds it likely to be spam: %(n)s in 10 like it are.") % {"n": round(10 * p)}
    if p >= UNCERTAIN:
        return _("The filter is in doubt: %(n)s in 10 like it are spam.") % {"n": round(10 * p)}
    if waits:
        return _("The filter is in doubt: %(n)s in 100 like it are spam.") % {"n": round(100 * p)}
    if n := round(100 * p):
        said = ngettext("%(n)s in 100 like it is spam.", "%(n)s in 100 like it are spam.", n)
        return _("The filter finds nothing much: %(said)s") % {"said": said % {"n": n}}
    return _("The filter finds nothing.")


@dataclass(frozen=True)
class PartSaid:
    """A part of a score, in words. `share`: of the heaviest one, 0 to 1."""

    sentence: str
    logit: float
    share: float

    @property
    def is_against(self) -> bool:
        return self.logit > 0

    @property
    def bar(self) -> str:
        return bar_path(self.share if self.is_against else -self.share)


def parts(told: Iterable[StoredPart], body: str, name: str) -> list[PartSaid]:
    """Parts of one score, in words; what can't be said any more is told by its weight."""
    said = list(told)
    top = max((abs(part["logit"]) for part in said if part["kind"] != "start"), default=0.0) or 1.0
    return [
        PartSaid(_part_text(part, body, name), part["logit"], min(1.0, abs(part["logit"]) / top))
        for part in said
    ]


def _part_text(part: StoredPart, body: str, name: str) -> str:
    match part["kind"]:
        case "signal":
            return signal(part["signal"], part["number"]) or voice(part["signal"])
        case "word" if part["spans"]:
            start, end = part["spans"][0]
            if body[start:end]:
                return _("The word “%(word)s”.") % {"word": body[start:end]}
        case "name":
            return _("The name “%(name)s”.") % {"name": name}
        case "site":
            return _("The address of the author’s site.")
        case "rest":
            return _("All else together.")
        case "start":
            return _("Where every comment starts.")
    return _("A word that is not there any more.")


def bar_path(share: float) -> str:
    """From the middle to one side; 1 is half the picture."""
    width = f"{50 * share:.4g}"
    return f"M0 0h{width}v8h{-50 * share:.4g}z"


def signal(name: str, number: int | None) -> str:
    """What a signal found in a comment, to a moderator; "" for none that is known. Where its number is not
    known, it is not told."""
    match name:
        case "drift" if number == 0:
            return _("It has no word in common with article or discussion.")
        case "imitates" if number:
            return _("The name is that of somebody who works here, or looks like it.")
    if name in _COUNTED_TEXTS:
        return str(_GENERAL_TEXTS[name] if number is None else _COUNTED_TEXTS[name] % {"n": number})
    return str(_SIGNAL_TEXTS.get(name, ""))


def voice(name: str) -> str:
    """What a signal, or all of a kind of words, says of any comment."""
    if said := _GENERAL_TEXTS.get(name) or _SIGNAL_TEXTS.get(name):
        return str(said)
    return _("The signal “%(name)s”.") % {"name": name}


# What a signal found.
_SIGNAL_TEXTS = {
    "on_subject": gettext_lazy("It speaks with the article’s own words."),
    "specific": gettext_lazy("It has names, figures or code of its own."),
    "answers": gettext_lazy("It answers somebody."),
    "asks": gettext_lazy("It asks something, or tells what somebody did."),
    "no_gain": gettext_lazy("Nobody would gain by it."),
    "own_name": gettext_lazy("The author’s site carries the author’s name."),
    "praise": gettext_lazy("It praises, and hardly says what."),
    "site_talk": gettext_lazy("It speaks of the page instead of its subject."),
    "spun": gettext_lazy("It has turns of phrase of texts that robots spin."),
    "leftovers": gettext_lazy("It has what a robot forgot to fill in."),
    "padded": gettext_lazy("Numbers stand around the text."),
    "name_phrase": gettext_lazy("The name is a search phrase or a kind of shop."),
    "name_domain": gettext_lazy("The name is the address of a site."),
    "site_sells": gettext_lazy("The author’s site sells something, by its address."),
    "site_deep": gettext_lazy("The author’s site is a page deep within another."),
    "shortened": gettext_lazy("It has a link that hides where it leads."),
    "puny": gettext_lazy("It links to a site with look-alike letters in its name."),
    "link_markup": gettext_lazy("Its links are written as code."),
    "own_link": gettext_lazy("It links to its author’s own site."),
    "calls": gettext_lazy("It calls to visit, to subscribe, to earn or to write to somebody."),
    "shouting": gettext_lazy("It shouts."),
    "other_script": gettext_lazy("It is written in another script than the article."),
    "mixed_script": gettext_lazy("Letters of two scripts are mixed within words."),
    "name_script": gettext_lazy("The name is in another script than the text."),
    "slur": gettext_lazy("It has a slur."),
    "insult": gettext_lazy("It insults the one it answers."),
    "imitates": gettext_lazy("The name looks like that of somebody else in this discussion."),
    "spam_host": gettext_lazy("It links where spam has linked."),
    "link_burst": gettext_lazy("It links where others have linked within a day."),
    "repeat": gettext_lazy("Another comment says the same."),
    "near_repeat": gettext_lazy("Another comment says the same."),
    "akismet": gettext_lazy("Akismet takes it for spam."),
    "scorer": gettext_lazy("The service that this site asks takes it for spam."),
    "akismet_silent": gettext_lazy("Akismet gave no answer in time, or none that could be used."),
    "scorer_silent": gettext_lazy(
        "The service that this site asks gave no answer in time, or none that could be used."
    ),
}

# … with a number.
_COUNTED_TEXTS = {
    "late": ngettext_lazy("Posted %(n)s day after the article.", "Posted %(n)s days after the article.", "n"),
    "drift": ngettext_lazy(
        "It has %(n)s word in common with article and discussion, among many.",
        "It has %(n)s words in common with article and discussion, among many.",
        "n",
    ),
    "links": ngettext_lazy("It has %(n)s link.", "It has %(n)s links.", "n"),
    "wares": ngettext_lazy("It has %(n)s word of selling.", "It has %(n)s words of selling.", "n"),
    "one_address": ngettext_lazy(
        "Its IP address spoke under %(n)s other name within a day.",
        "Its IP address spoke under %(n)s other names within a day.",
        "n",
    ),
    "name_burst": ngettext_lazy(
        "Its name is made like that of %(n)s other who wrote within a day.",
        "Its name is made like those of %(n)s others who wrote within a day.",
        "n",
    ),
}

# What those say without it, and others of no comment in particular.
_GENERAL_TEXTS = {
    "words": gettext_lazy("Its words, and which stand together."),
    "characters": gettext_lazy("Parts of its words."),
    "name": gettext_lazy("The name over it."),
    "site": gettext_lazy("The address of the author’s site."),
    "late": gettext_lazy("It comes long after the article."),
    "drift": gettext_lazy("It has hardly a word in common with article and discussion."),
    "links": gettext_lazy("It has links."),
    "wares": gettext_lazy("It has words of selling."),
    "near_repeat": gettext_lazy("Another comment says nearly the same."),
    "one_address": gettext_lazy("Its IP address spoke under other names within a day."),
    "name_burst": gettext_lazy("Its name is made like those of others who wrote within a day."),
}
