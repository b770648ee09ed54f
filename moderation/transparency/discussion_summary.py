"""How a discussion was moderated, in sentences for every reader: from its counts alone, without a statement.

A reason given fewer than LEAST times is not named, since it could point at somebody.
"""

from collections import Counter

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments import removal_reasons
from comments.models import Discussion, Reason, State

LEAST = 3  # comments that a reason is named for

OTHERS = "others"  # what has no name, or too few for one
BY_AUTHORS = "by_authors"


def account(discussion: Discussion) -> list[str]:
    """Nothing where nothing was removed and no copy differs from what its source announced."""
    removed, by = split(discussion.tally)
    origin = _origin(discussion.declared_count, discussion.copied_count)
    if not removed and not origin:
        return []
    sentences = [*origin, _shown(discussion.visible_count)]
    if removed:
        sentences.append(_removed(removed))
    if said := _by(by):
        sentences.append(said)
    return sentences


def split(tally: dict[str, int]) -> tuple[Counter[str], Counter[str]]:
    """How many were removed for each reason (a code, OTHERS or BY_AUTHORS), and by whom of those that no
    author took back."""
    removed: Counter[str] = Counter()
    by: Counter[str] = Counter()
    for key, n in tally.items():
        state, reason, who = key.split("/")
        if state == State.DELETED and reason == Reason.AUTHOR:
            removed[BY_AUTHORS] += n
            continue
        by[who] += n
        if state == State.SPAM:
            removed[Reason.SPAM.value] += n
        elif reason in {Reason.OTHER, Reason.SEALED} or state == State.DELETED:
            removed[OTHERS] += n
        else:
            removed[reason] += n
    return removed, by


def merged(removed: Counter[str]) -> Counter[str]:
    """OTHERS takes each reason that is given fewer than LEAST times, and says of none which it is. The most
    frequent first, OTHERS last."""
    named = {reason: n for reason, n in removed.items() if n >= LEAST and reason != OTHERS}
    told = Counter(dict(sorted(named.items(), key=lambda item: (-item[1], item[0]))))
    if others := removed.total() - told.total():
        told[OTHERS] = others
    return told


def because(removed: Counter[str]) -> str:
    """What follows upon their number: ": 15 spam, 5 for other reasons" · ", as spam" where it is all of them;
    nothing if no reason can be told."""
    told = merged(removed)
    match list(told):
        case [] | ["others"]:
            return ""
        case [reason]:
            return _alone(reason, told[reason])
    return ": " + ", ".join(_for(reason, n) for reason, n in told.items())


def _origin(declared: int | None, copied: int) -> list[str]:
    if declared is None or declared == copied or not copied:
        return []
    announced = ngettext(
        "The original page announced %(n)s response", "The original page announced %(n)s responses", declared
    ) % {"n": _number(declared)}
    holds = ngettext("our copy holds %(n)s", "our copy holds %(n)s", copied) % {"n": _number(copied)}
    if declared < copied:
        return [_("%(announced)s; %(holds)s.") % {"announced": announced, "holds": holds}]
    missing = ngettext(
        "why %(n)s is missing is not known", "why %(n)s are missing is not known", declared - copied
    ) % {"n": _number(declared - copied)}
    return [
        _("%(announced)s; %(holds)s, and %(missing)s.")
        % {"announced": announced, "holds": holds, "missing": missing}
    ]


def _shown(n: int) -> str:
    if not n:
        return _("None is shown.")
    return ngettext("%(n)s is shown.", "%(n)s are shown.", n) % {"n": _number(n)}


def _removed(removed: Counter[str]) -> str:
    n = removed.total()
    said = {"n": _number(n), "because": because(removed)}
    return ngettext("%(n)s is not%(because)s.", "%(n)s are not%(because)s.", n) % said


def _code(reason: str) -> str:
    """None of ours where an administrator's words go before them."""
    known = removal_reasons.known().get(reason)
    return "" if known and known.label else reason


def _alone(reason: str, n: int) -> str:
    match _code(reason):
        case "by_authors":
            return ngettext(", taken back by its author", ", taken back by their authors", n)
        case "spam":
            return _(", as spam")
        case "text_missing":
            return ngettext(", with its text missing", ", with their text missing", n)
        case "off_topic":
            return _(", as off topic")
    return _(", for “%(reason)s”") % {"reason": removal_reasons.label(reason)}


def _for(reason: str, n: int) -> str:
    said = {"n": _number(n), "reason": removal_reasons.label(reason)}
    match _code(reason):
        case "others":
            words = ngettext("%(n)s for another reason", "%(n)s for other reasons", n)
        case "by_authors":
            words = ngettext("%(n)s taken back by its author", "%(n)s taken back by their authors", n)
        case "spam":
            words = ngettext("%(n)s spam", "%(n)s spam", n)
        case "text_missing":
            words = ngettext("%(n)s with its text missing", "%(n)s with their text missing", n)
        case "off_topic":
            words = ngettext("%(n)s off topic", "%(n)s off topic", n)
        case _:
            words = ngettext("%(n)s for “%(reason)s”", "%(n)s for “%(reason)s”", n)
    return words % said


def _by(by: Counter[str]) -> str:
    """The checks proposed 22 and a moderator confirmed them; a moderator decided 3 alone."""
    parts = []
    if n := by["confirmed"]:
        words = ngettext(
            "the checks proposed %(n)s and a moderator confirmed it",
            "the checks proposed %(n)s and a moderator confirmed them",
            n,
        )
        parts.append(words % {"n": _number(n)})
    if n := by["person"]:
        words = ngettext("a moderator decided %(n)s alone", "a moderator decided %(n)s alone", n)
        parts.append(words % {"n": _number(n)})
    if n := by["machine"]:
        words = ngettext(
            "the checks removed %(n)s by themselves", "the checks removed %(n)s by themselves", n
        )
        parts.append(words % {"n": _number(n)})
    return capfirst("; ".join(parts)) + "." if parts else ""


def _number(n: int) -> str:
    return f"{n:,}"
