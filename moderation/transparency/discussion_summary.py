"""Summary of how a discussion was moderated, in sentences for every reader.

It uses the stored counts of the discussion and makes no query. Reasons with fewer than MIN_NAMED_COUNT
comments are not named, since they could point at a person.
"""

from collections import Counter

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments import removal_reasons
from comments.models import Discussion, Reason, State

MIN_NAMED_COUNT = 3  # comments that a reason must have to be named

OTHERS = "others"  # reasons without a name, or with too few comments
BY_AUTHORS = "by_authors"


def summary_sentences(discussion: Discussion) -> list[str]:
    """Return the sentences of the summary.

    There are none if nothing was removed and an imported copy is complete.
    """
    removed, by_decider = by_reason_and_decider(discussion.removal_counts)
    completeness = _completeness(discussion.declared_count, discussion.imported_count)
    if not removed and not completeness:
        return []
    sentences = [*completeness, _shown(discussion.visible_count)]
    if removed:
        sentences.append(_removed(removed))
    if deciders := _deciders(by_decider):
        sentences.append(deciders)
    return sentences


def by_reason_and_decider(counts: dict[str, int]) -> tuple[Counter[str], Counter[str]]:
    """Return the number of removed comments by reason (a code, OTHERS or BY_AUTHORS) and by decider.

    Comments that their authors deleted have no decider.
    """
    removed: Counter[str] = Counter()
    by_decider: Counter[str] = Counter()
    for key, n in counts.items():
        state, reason, decider = key.split("/")
        if state == State.DELETED and reason == Reason.AUTHOR:
            removed[BY_AUTHORS] += n
            continue
        by_decider[decider] += n
        if state == State.SPAM:
            removed[Reason.SPAM.value] += n
        elif reason in {Reason.OTHER, Reason.RESTRICTED} or state == State.DELETED:
            removed[OTHERS] += n
        else:
            removed[reason] += n
    return removed, by_decider


def merge_rare_reasons(removed: Counter[str]) -> Counter[str]:
    """Return the counts with every reason below MIN_NAMED_COUNT merged into OTHERS.

    The most frequent is first, OTHERS last.
    """
    named = {reason: n for reason, n in removed.items() if n >= MIN_NAMED_COUNT and reason != OTHERS}
    counts = Counter(dict(sorted(named.items(), key=lambda item: (-item[1], item[0]))))
    if others := removed.total() - counts.total():
        counts[OTHERS] = others
    return counts


def reasons_text(removed: Counter[str]) -> str:
    """Return the text that follows the number of removed comments.

    An example: ": 15 spam, 5 for other reasons", or ", as spam" if all have one reason. It is empty if no
    reason may be named.
    """
    counts = merge_rare_reasons(removed)
    match list(counts):
        case [] | ["others"]:
            return ""
        case [reason]:
            return _only_reason(reason, counts[reason])
    return ": " + _(", ").join(_reason_count(reason, n) for reason, n in counts.items())


def _completeness(declared: int | None, imported: int) -> list[str]:
    if declared is None or declared == imported or not imported:
        return []
    announced = ngettext(
        "The original page announced %(n)s response", "The original page announced %(n)s responses", declared
    ) % {"n": _number(declared)}
    holds = ngettext("our copy holds %(n)s", "our copy holds %(n)s", imported) % {"n": _number(imported)}
    if declared < imported:
        return [_("%(announced)s; %(holds)s.") % {"announced": announced, "holds": holds}]
    missing = ngettext(
        "why %(n)s is missing is not known", "why %(n)s are missing is not known", declared - imported
    ) % {"n": _number(declared - imported)}
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
    values = {"n": _number(n), "reasons": reasons_text(removed)}
    return ngettext("%(n)s is not%(reasons)s.", "%(n)s are not%(reasons)s.", n) % values


def _built_in_code(reason: str) -> str:
    """Return the code of a reason, or nothing if an administrator changed its label."""
    known = removal_reasons.all_reasons().get(reason)
    return "" if known and known.label else reason


def _only_reason(reason: str, n: int) -> str:
    match _built_in_code(reason):
        case "by_authors":
            return ngettext(", deleted by its author", ", deleted by their authors", n)
        case "spam":
            return _(", as spam")
        case "text_missing":
            return ngettext(", with its text missing", ", with their text missing", n)
        case "off_topic":
            return _(", as off-topic")
    return _(", for “%(reason)s”") % {"reason": removal_reasons.label(reason)}


def _reason_count(reason: str, n: int) -> str:
    values = {"n": _number(n), "reason": removal_reasons.label(reason)}
    match _built_in_code(reason):
        case "others":
            text = ngettext("%(n)s for another reason", "%(n)s for other reasons", n)
        case "by_authors":
            text = ngettext("%(n)s deleted by its author", "%(n)s deleted by their authors", n)
        case "spam":
            text = ngettext("%(n)s spam", "%(n)s spam", n)
        case "text_missing":
            text = ngettext("%(n)s with its text missing", "%(n)s with their text missing", n)
        case "off_topic":
            text = ngettext("%(n)s off-topic", "%(n)s off-topic", n)
        case _:
            text = ngettext("%(n)s for “%(reason)s”", "%(n)s for “%(reason)s”", n)
    return text % values


def _deciders(by_decider: Counter[str]) -> str:
    """Return the sentence about the deciders.

    An example: The checks proposed 22 and a moderator confirmed them; a moderator decided 3 alone.
    """
    parts = []
    if n := by_decider["confirmed"]:
        text = ngettext(
            "the checks proposed %(n)s and a moderator confirmed it",
            "the checks proposed %(n)s and a moderator confirmed them",
            n,
        )
        parts.append(text % {"n": _number(n)})
    if n := by_decider["person"]:
        text = ngettext("a moderator decided %(n)s alone", "a moderator decided %(n)s alone", n)
        parts.append(text % {"n": _number(n)})
    if n := by_decider["machine"]:
        text = ngettext("the checks removed %(n)s by themselves", "the checks removed %(n)s by themselves", n)
        parts.append(text % {"n": _number(n)})
    return capfirst(_("; ").join(parts)) + "." if parts else ""


def _number(n: int) -> str:
    return f"{n:,}"
