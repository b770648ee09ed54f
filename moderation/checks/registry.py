"""The registry: all checks in order, and what the pages ask about findings.

Cards, notices, mails, dashboard, filters, summaries and log know a check only through these functions.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext as _

from comments.policy import Submission
from moderation.checks import author, discussion, harm, rules, signals, spam, text
from moderation.checks.base import MAX_SIGNAL_STRENGTH, Check, Context, FindResults
from moderation.checks.results import CheckResult
from moderation.features.signals import SIGNALS, find_signals
from moderation.features.text_reading import ParsedComment, SignalResult
from moderation.models import Finding
from moderation.notifications.decision_kinds import PENDING_KINDS, DecisionKind

# In the order in which moderators read the results: first the person and the place, then the text.
_ORDER = (
    author.NEW_PERSON,
    author.SANCTIONED,
    discussion.REVIEWED_FIRST,
    *rules.CHECKS,
    text.LINKS,
    text.DUPLICATE,
    text.NEAR_DUPLICATE,
    text.NO_TEXT,
    discussion.LATE,
    *signals.OF_TEXT,
    *harm.CHECKS,
    *signals.OF_SITE,
    *spam.CHECKS,
    *signals.OF_EARLIER_RELEASES,
)
CHECKS: dict[str, Check] = {check.name: check for check in _ORDER}


def get(name: str) -> Check:
    """Return a check by its name, also one that this version no longer has."""
    return CHECKS.get(name) or Check(
        name=name,
        label=_("the signal “%(name)s”") % {"name": name},
        description=_("The signal “%(name)s”.") % {"name": name},
        to_moderator=lambda finding, original: _("The check “%(name)s” found something.") % {"name": name},
    )


# Screening


def run_checks(submission: Submission, context: Context, *, is_import: bool = False) -> list[CheckResult]:
    """Return the results of all checks, in their order; of an import those that apply to it."""
    return [
        replace(found, check=check.name, holds=check.holds and found.holds)
        for check in CHECKS.values()
        if check.find_results and (check.screens_imports or not is_import)
        for found in check.find_results(submission, context)
    ]


def find_unweighted(parsed: ParsedComment) -> list[CheckResult]:
    """Return the results of the signals that are no part of the spam filter's score, for each comment."""
    unweighted = {
        name: check.find_signal
        for name, check in CHECKS.items()
        if check.find_signal and check.weight is None and name not in SIGNALS
    }
    return stored_check_results(find_signals(parsed, unweighted))


def stored_check_results(found: Iterable[SignalResult]) -> list[CheckResult]:
    """Return those of these results of signals that are stored."""
    return [
        CheckResult(
            check=result.signal,
            strength=result.strength,
            holds=check.holds,
            spans=list(result.spans),
            number=result.number,
        )
        for result in found
        if (check := get(result.signal)).is_stored_signal
    ]


def is_flagged(results: Iterable[CheckResult]) -> bool:
    """Return whether a comment with these results opens a case even if nothing holds it."""
    return any(get(result.check).always_opens_case for result in results)


def flagging_names() -> list[str]:
    """Return the names of the checks whose findings always open a case."""
    return [check.name for check in CHECKS.values() if check.always_opens_case]


def can_search_for(rule_kind: str) -> bool:
    """Return whether a check searches for the rules of this kind; a rate limit has none."""
    return any(check.rule_kind == rule_kind for check in CHECKS.values())


def rule_finder(rule_kind: str) -> FindResults:
    """Return the code of the check that searches for the rules of this kind."""
    return next(
        check.find_results for check in CHECKS.values() if check.find_results and check.rule_kind == rule_kind
    )


# The spam filter


def start_weights() -> dict[str, float]:
    """Return the start weight of each signal that the spam filter learns on the site alone, by its name.

    These signals can't be computed again from the text and its article.
    """
    return {check.name: check.weight for check in CHECKS.values() if check.weight is not None}


# Findings on the pages


def found_nothing(finding: Finding) -> bool:
    """Return whether a check that scores every comment found no sign of spam; such findings are not shown."""
    return not finding.holds and finding.strength < get(finding.check_name).min_shown_strength


def shown_strength(finding: Finding) -> float:
    """Return the strength of a finding on a card. A signal of the text is weak alone."""
    check = get(finding.check_name)
    if check.is_stored_signal and not check.always_opens_case and not finding.holds:
        return min(finding.strength, MAX_SIGNAL_STRENGTH)
    return finding.strength


def pending_kind(names: Iterable[str]) -> DecisionKind:
    """Return the kind of notice about a comment that these checks sent to review."""
    kinds = [get(name).pending_kind for name in names]
    return max(kinds, key=PENDING_KINDS.index, default=DecisionKind.PENDING_CHECK)


def score(findings: Iterable[tuple[str, float, bool]]) -> float:
    """Return the score of a case, 0 to 1, for (check name, strength, whether it holds) of each finding."""
    return max(
        (strength * (1 if holds else get(name).priority) for name, strength, holds in findings), default=0.0
    )


def label(name: str) -> str:
    """Return the name of a check in lists and on the dashboard."""
    return str(get(name).label)


def choices() -> list[tuple[str, str]]:
    """Return (name, label) of the checks whose findings are stored."""
    return [(check.name, label(check.name)) for check in CHECKS.values() if check.is_stored]


def names_counted_only_if_holding() -> list[str]:
    """Return the names of the checks that score every comment: only findings that hold count as one."""
    return [check.name for check in CHECKS.values() if check.counted_only_if_holding]


def author_sentences(findings: Iterable[Finding]) -> list[str]:
    """Return one sentence about each finding, which addresses the author of the comment.

    Findings with the same sentence, such as two of one check, are explained once.
    """
    return list(dict.fromkeys(get(found.check_name).explain_to_author(found) for found in findings))


def proposes_removal(finding: Finding, reason: str) -> bool:
    """Return whether the finding is a reason to remove a comment for this reason."""
    check = get(finding.check_name)
    if check.counted_only_if_holding and not finding.holds:
        return False
    return check.proposes_any_removal or reason in check.proposes_removal_for
