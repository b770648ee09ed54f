"""Texts about the parts of the filter's scores, for moderators."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.checks import registry
from moderation.spam_filter.contributions import StoredScorePart


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
        """Return the SVG path of the part's bar."""
        return bar_path(self.share if self.is_against else -self.share)


def part_texts(stored: Iterable[StoredScorePart], body: str, name: str) -> list[PartText]:
    """Return the texts of the parts of one score. A part whose text is gone has a general text."""
    stored_parts = list(stored)
    top = max((abs(part["logit"]) for part in stored_parts if part["kind"] != "start"), default=0.0) or 1.0
    return [
        PartText(_part_text(part, body, name), part["logit"], min(1.0, abs(part["logit"]) / top))
        for part in stored_parts
    ]


def _part_text(part: StoredScorePart, body: str, name: str) -> str:
    match part["kind"]:
        case "signal" if part["signal"] in _FEATURES:
            return str(_FEATURES[part["signal"]])
        case "signal":
            return registry.get(part["signal"]).signal_text(part["number"])
        case "word" if part["spans"]:
            start, end = part["spans"][0]
            if body[start:end]:
                return _("The word “%(word)s”.") % {"word": body[start:end]}
        case "name":
            return _("The name “%(name)s”.") % {"name": name}
        case "website":
            return _("The address of the author’s website.")
        case "rest":
            return _("All other parts.")
        case "start":
            return _("The start value, about the same for every comment: few are spam.")
    return _("A word that is no longer in the text.")


def bar_path(share: float) -> str:
    """Return the SVG path of a bar from the middle to one side; a share of 1 is half the width."""
    width = f"{50 * share:.4g}"
    return f"M0 0h{width}v8h{-50 * share:.4g}z"


# Features that are no signals. A comment that lacks what a feature is about has no part of it.
_FEATURES = {
    "words": gettext_lazy("Words that were learnt on this site."),
    "body_text": gettext_lazy("Its words and parts of words."),
    "name_text": gettext_lazy("The author’s name."),
    "website_text": gettext_lazy("The address of the author’s website."),
    "blocked": gettext_lazy("It has words of a public block list."),
    "spam_runs": gettext_lazy("It has phrases that spam on other sites has."),
    "emoticon": gettext_lazy("It has an emoticon."),
    "noise": gettext_lazy("It has letters and digits that make no word."),
    "letters": gettext_lazy("How usual its sequences of letters are."),
    "link_only": gettext_lazy("It has a link and hardly any words."),
    "link_known_words": gettext_lazy("It links to a site whose name is not made of usual words."),
    "english_elsewhere": gettext_lazy("It is in English below a story in another language."),
    "title_share": gettext_lazy("It has words of the story’s title."),
    "name_words": gettext_lazy("The number of words in the author’s name."),
    "name_joined": gettext_lazy("The author’s name is words written as one, such as JohnSmith."),
    "name_blocked": gettext_lazy("The author’s name has words of a public block list."),
    "website_path": gettext_lazy("The address of the author’s website leads to a page within it."),
    "website_profile": gettext_lazy("The author’s website is a profile on a well-known site."),
    "website_name": gettext_lazy("The address of the author’s website has the author’s name."),
    "website_blocked": gettext_lazy("The address of the author’s website has words of a public block list."),
}


def describe_part(name: str) -> str:
    """Return the general meaning of a signal or a feature."""
    return str(_FEATURES.get(name) or registry.get(name).description)
