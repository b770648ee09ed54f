"""Checks for the moderators' rules: terms, lists of terms, domains and names.

Moderators see the rule, authors only its kind.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from comments.models import Comment
from comments.policy import Submission
from moderation.checks.base import Check, Context
from moderation.checks.results import CheckResult
from moderation.models import Finding, Rule
from moderation.rules.matching import RuleDefinition


def find_matches(
    kind: Rule.Kind, strength: float, submission: Submission, context: Context
) -> Iterator[CheckResult]:
    """Yield a result for each rule of a kind that matches. `number`: places in the body."""
    for found in context.rules.by_kind.get(kind, ()):
        if found.find is None:
            continue
        spans, in_name = found.find(submission.body, submission.name)
        if spans or in_name:
            yield with_rule(found.rule, CheckResult(strength=strength, spans=spans, number=len(spans)))


def with_rule(rule: RuleDefinition, found: CheckResult) -> CheckResult:
    """Return the result with its rule, which decides whether the comment becomes pending."""
    return replace(found, rule=rule.pk, holds=rule.holds)


def _about_text_or_name(
    in_text: Callable[[Finding], str], in_name: Callable[[Finding], str]
) -> Callable[[Finding, Comment | None], str]:
    """Return a sentence about a match in the text, or about one in the name if there is none in the text."""
    return lambda finding, original: in_text(finding) if finding.spans else in_name(finding)


TERM = Check(  # words that moderators want to review, as whole words in any case
    name="term",
    label=gettext_lazy("a term"),
    description=gettext_lazy("It contains a term that a rule of this site covers."),
    to_moderator=_about_text_or_name(
        lambda finding: _("It contains “%(term)s”.") % {"term": finding.rule},
        lambda finding: _("The name contains “%(term)s”.") % {"term": finding.rule},
    ),
    to_author=_about_text_or_name(
        lambda finding: _("It contains a term that a rule of this site covers."),
        lambda finding: _("The name contains a term that a rule of this site covers."),
    ),
    find_results=partial(find_matches, Rule.Kind.TERM, 0.8),
    rule_kind=Rule.Kind.TERM,
    holds=True,
    proposes_any_removal=True,
)
TERM_LIST = Check(  # the same for thousands of words
    name="term_list",
    label=gettext_lazy("a list of terms"),
    description=gettext_lazy("It contains words from a list of terms of this site."),
    to_moderator=_about_text_or_name(
        lambda finding: _("It contains terms of the list “%(list)s”.") % {"list": finding.rule},
        lambda finding: _("The name contains a term of the list “%(list)s”.") % {"list": finding.rule},
    ),
    to_author=_about_text_or_name(
        lambda finding: _("It contains words from a list of terms of this site."),
        lambda finding: _("The name contains a word from a list of terms of this site."),
    ),
    find_results=partial(find_matches, Rule.Kind.LIST, 0.7),
    rule_kind=Rule.Kind.LIST,
    holds=True,
    proposes_any_removal=True,
)
DOMAIN = Check(  # a link to a listed domain or to one of its subdomains
    name="domain",
    label=gettext_lazy("a domain"),
    description=gettext_lazy("It links to a domain that a rule of this site covers."),
    to_moderator=lambda finding, original: _("It links to %(domain)s.") % {"domain": finding.rule},
    to_author=lambda finding, original: _("It links to a domain that a rule of this site covers."),
    find_results=partial(find_matches, Rule.Kind.DOMAIN, 0.9),
    rule_kind=Rule.Kind.DOMAIN,
    holds=True,
    proposes_any_removal=True,
)
NAME_PATTERN = Check(  # a name that matches a pattern, such as a search phrase
    name="name_pattern",
    label=gettext_lazy("a name pattern"),
    description=gettext_lazy("The name matches a rule of this site."),
    to_moderator=lambda finding, original: (
        _("The name matches the pattern “%(pattern)s”.") % {"pattern": finding.rule}
    ),
    to_author=lambda finding, original: _("The name matches a rule of this site."),
    find_results=partial(find_matches, Rule.Kind.NAME, 0.6),
    rule_kind=Rule.Kind.NAME,
    holds=True,
    proposes_any_removal=True,
)
CHECKS = [TERM, TERM_LIST, DOMAIN, NAME_PATTERN]
