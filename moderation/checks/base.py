"""A check: one object with its code, its texts for each audience, and what follows from its findings.

A result of a check is a reason to review a comment, never a decision.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from django.utils.functional import Promise

from comments.models import Comment
from comments.policy import Submission
from moderation.checks.results import CheckResult
from moderation.features.text_reading import SignalResult
from moderation.models import Finding
from moderation.notifications.decision_kinds import DecisionKind
from moderation.rules.matching import RuleSet

MAX_SIGNAL_STRENGTH = 0.35  # on a card, of a signal of the text, which is weak alone


@dataclass(frozen=True)
class Duplicate:
    """An earlier comment with the same text: `exact` if only white space and case differ.

    `similarity` ignores punctuation, so it is 1 for texts that differ in punctuation only.
    """

    original: int  # id of the earlier comment
    exact: bool
    similarity: float
    is_own: bool = False  # the same text, published by the same account or guest in the same discussion
    # Of all comments in the same discussion with the same text, or nearly the same:
    is_published_in_discussion: bool = False  # one is published
    is_own_pending: bool = False  # one by the same account or guest is pending


@dataclass(frozen=True)
class SentComments:
    """The comments that count for a rate limit, of the last RATE_MINUTES."""

    count: int = 0
    seconds_left: int | None = None  # until the oldest no longer counts


NONE_SENT = SentComments()


@dataclass(frozen=True, kw_only=True)
class Context:
    """Facts that the checks may use besides the submission."""

    person_is_confirmed: bool = False  # an account's verified e-mail, or a guest's confirmed one
    has_approved_comment: bool = False
    may_moderate: bool = False  # the writer may approve this comment
    person_is_premoderated: bool = False  # a sanction: everything by this person is reviewed first
    site_is_premoderated: bool = False  # everything on the site is reviewed first
    duplicate: Duplicate | None = None
    rules: RuleSet = field(default_factory=RuleSet)  # rules for this article
    person_is_trusted: bool = False  # many old published comments, none removed lately
    sent_by_person: SentComments = NONE_SENT  # by this account or e-mail
    # By all people who were new:
    sent_from_address: SentComments = NONE_SENT  # from the same IP address
    sent_from_block: SentComments = NONE_SENT  # from the same address block (origins.hash_block)
    sent_to_discussion: SentComments = NONE_SENT  # in the same discussion
    text_missing: str = ""  # Comment.text_missing of an imported comment


FindResults = Callable[[Submission, Context], Iterator[CheckResult]]
Text = str | Promise
# A sentence about a finding of FindingQuerySet.of_current_texts. The comment is the other one of a duplicate,
# or None if the reader may not know of it.
Sentence = Callable[[Finding, Comment | None], str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check with its code, its sentences for each audience, and what follows from its findings.

    A check has `find_results`, which gets the submission and the context, or `find_signal`, which gets the
    parsed text and, if it needs them, the site's facts (features.signals), or neither, if another program
    gives its results. The starter of the spam filter has trained weights for the signals of a text. It does
    not know a signal with a `weight`: the filter begins with this weight and learns its own on the site.
    """

    name: str  # stored as Finding.check_name, so it never changes
    description: Text  # what it looks for: "It has links."
    label: Text  # in lists and on the dashboard: "many links"
    with_number: Promise | None = None  # the description with %(n)s, the number that a signal found
    with_original: Promise | None = None  # the description with %(id)s and %(name)s of a duplicate's original

    # Sentences about a finding. Without a sentence of their own, other readers read the one for authors,
    # authors the one for moderators, and moderators the description.
    to_moderator: Sentence | None = None
    to_author: Sentence | None = None
    to_others: Sentence | None = None  # for anybody else who sees the pending comment

    find_results: FindResults | None = None
    find_signal: Callable[..., SignalResult | None] | None = None
    screens_imports: bool = True  # false for checks of persons and of this site's settings
    rule_kind: str = ""  # the kind of the moderators' rules (models.Rule.Kind) that it searches for

    holds: bool = False  # its findings alone send a comment to review
    always_opens_case: bool = False  # its findings always open a case, also if the comment is published
    priority: float = 0.0  # 0 to 1: how much a finding that does not hold counts for the order of the queue
    weight: float | None = None  # start weight in the spam filter, in logits at strength 1
    in_favour: bool = False  # its signal counts for the comment
    min_shown_strength: float = 0.0  # a finding below this strength that does not hold has found nothing
    counted_only_if_holding: bool = False  # a finding that does not hold is not counted on the dashboard
    proposes_removal_for: Collection[str] = ()  # reasons (comments.models.Reason)
    proposes_any_removal: bool = False  # it proposes a removal for any reason
    # The kind of the general notice to the author of a comment that is pending because of its findings.
    pending_kind: DecisionKind = DecisionKind.PENDING_CHECK

    @property
    def is_stored_signal(self) -> bool:
        """Return whether the results of its signal are stored.

        Results in favour of a comment are not stored, and neither are those of a signal that repeats its own
        check (`late`).
        """
        return self.find_signal is not None and self.find_results is None and not self.in_favour

    @property
    def is_stored(self) -> bool:
        """Return whether there may be findings of this check."""
        return self.find_results is not None or self.find_signal is None or self.is_stored_signal

    def signal_text(self, number: int | None) -> str:
        """Return the description of a signal's result in a comment. A missing number is left out."""
        if self.with_number is not None and number is not None:
            return str(self.with_number % {"n": number})
        return str(self.description)

    def explain_to_moderator(self, finding: Finding, original: Comment | None) -> str:
        """Return one sentence about a finding of FindingQuerySet.of_current_texts, for moderators.

        `original` is the other comment of a duplicate, or None if the reader may not know of it.
        """
        if self.to_moderator:
            return self.to_moderator(finding, original)
        if self.with_original is not None and original is not None:
            return str(self.with_original % {"id": original.pk, "name": original.author_name})
        return self.signal_text(finding.number)

    def explain_to_author(self, finding: Finding) -> str:
        """Return one sentence about a finding, which addresses the author of the comment."""
        return (self.to_author or self.explain_to_moderator)(finding, finding.public_original)

    def explain_to_others(self, finding: Finding) -> str:
        """Return one sentence about a finding, for others than its author who see the pending comment."""
        explain = self.to_others or self.to_author or self.explain_to_moderator
        return explain(finding, finding.public_original)
