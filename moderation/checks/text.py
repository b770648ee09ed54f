"""Checks of the text: many links, a duplicate of another comment, no text at all."""

import re
import unicodedata
from collections.abc import Iterator

from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from comments.models import Comment, Reason
from comments.policy import Submission
from moderation.checks.base import Check, Context
from moderation.checks.results import CheckResult
from moderation.checks.rules import with_rule
from moderation.features.contacts import find_contacts
from moderation.features.links import max_link_count, page_links
from moderation.models import Finding, Rule
from moderation.rules import matching

MAX_LINKS_WITHOUT_REVIEW = 1  # links that a comment may have without review
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")


def find_links(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find more links than allowed, as the page would link them, without e-mail addresses."""
    rule = context.rules.applicable_limit(Rule.Kind.LINKS)
    allowed = matching.parse_limit(rule.value)[0] if rule else MAX_LINKS_WITHOUT_REVIEW
    if max_link_count(submission.body) <= allowed:
        return
    spans = [(link.start, link.end) for link in page_links(submission.body)]
    if len(spans) > allowed:
        found = CheckResult(strength=max(0.5, 1 - 1 / len(spans)), spans=spans, number=len(spans))
        yield with_rule(rule, found) if rule else found


def _about_links(finding: Finding, original: Comment | None) -> str:
    text = ngettext(
        "It has %(count)s link; comments with more than %(free)s are reviewed first.",
        "It has %(count)s links; comments with more than %(free)s are reviewed first.",
        finding.number or 0,
    )
    free = finding.rule.value if finding.rule else MAX_LINKS_WITHOUT_REVIEW
    return text % {"count": finding.number, "free": free}


LINKS = Check(  # the purpose of most spam
    name="links",
    label=gettext_lazy("many links"),
    description=gettext_lazy("It has links."),
    with_number=ngettext_lazy("It has %(n)s link.", "It has %(n)s links.", "n"),
    to_moderator=_about_links,
    find_results=find_links,
    rule_kind=Rule.Kind.LINKS,
    holds=True,
    proposes_removal_for=[Reason.SPAM],
)


def find_exact_duplicate(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find the earlier comment with the same text.

    A second copy by the same person in one discussion becomes pending only if it has a link or a contact;
    otherwise it is taken for a mistake.
    """
    if context.duplicate and context.duplicate.exact:
        holds = not context.duplicate.is_own or bool(
            page_links(submission.body) or find_contacts(submission.body)
        )
        yield CheckResult(strength=1, duplicate_of=context.duplicate.original, holds=holds)


def find_near_duplicate(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find the earlier comment with almost the same text."""
    if context.duplicate and not context.duplicate.exact:
        yield CheckResult(strength=context.duplicate.similarity, duplicate_of=context.duplicate.original)


DUPLICATE = Check(  # the same text under another article, or twice under one
    name="repeat",
    label=gettext_lazy("the same text"),
    description=gettext_lazy("It has the same text as another comment."),
    with_original=gettext_lazy("It has the same text as comment %(id)s by %(name)s."),
    find_results=find_exact_duplicate,
    holds=True,
    proposes_removal_for=[Reason.SPAM, Reason.DUPLICATE],
)
NEAR_DUPLICATE = Check(  # the same text with another number in it
    name="near_repeat",
    label=gettext_lazy("almost the same text"),
    description=gettext_lazy("It has almost the same text as another comment."),
    with_original=gettext_lazy("It has almost the same text as comment %(id)s by %(name)s."),
    find_results=find_near_duplicate,
    holds=True,
    proposes_removal_for=[Reason.SPAM, Reason.DUPLICATE],
)


def find_no_text(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find a body with only punctuation and markup, or a text that is missing in the original."""
    if context.text_missing or not has_visible_text(submission.body):
        yield CheckResult(strength=1)


def has_visible_text(body: str) -> bool:
    """Return whether a body has a letter, a digit or a symbol (👍) in any script."""
    return any(
        unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "So" for c in _MARKUP.sub("", body)
    )


NO_TEXT = Check(  # a form sent by mistake, or a text that is missing in the original
    name="emptied",
    label=gettext_lazy("text missing"),
    description=gettext_lazy("It has no text, or its text is missing in the original."),
    find_results=find_no_text,
    holds=True,
    proposes_removal_for=[Reason.SPAM, Reason.TEXT_MISSING],
)
