"""Notices about decisions for the authors of comments, and outcomes of reports for those who reported them.

Pages and mails use the same sentences. A notice names the kind of a rule and the author's own words that it
matched, but not the rule itself, and never who reported the comment. The number of statements does not grow
with the number of comments.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from articles.markup.markdown import make_comment_excerpt
from articles.site.current_site import current_site
from articles.site.languages import in_language_of
from comments import removal_reasons
from comments.models import AUTHOR_DELETION_REASONS, REMOVED_BY_MODERATION, Comment, Reason, State, Transition
from moderation import excerpts
from moderation.actions import state_history
from moderation.checks import registry
from moderation.models import Appeal, Case, Finding, SettingChange
from moderation.notifications import decision_kinds
from moderation.notifications.decision_kinds import APPEAL_WITHIN, AuthorOptions, DecisionKind
from moderation.queue.highlights import highlight_html
from moderation.transparency import removal_counts

LINK_MAX_AGE = APPEAL_WITHIN + timedelta(days=2)  # of the signed link in a guest's mail
EXCERPT_LENGTH = 300  # characters of a comment in a mail
MAX_HIGHLIGHTS = 5  # in a mail


@dataclass(frozen=True)
class DecisionNotice:
    """A notice to the author of a comment about the last decision on it."""

    comment: Comment
    kind: DecisionKind
    title: str
    sentences: list[str]  # what was decided, why, whether it was reported, who decided
    options: AuthorOptions
    appeal_status: str  # whether an appeal of a removal is open or was answered; may be empty
    next_step: str  # the appeal's status; without an appeal, how to appeal or why that is impossible; or ""
    body: SafeString  # HTML of the comment with the findings highlighted; empty if it must not be shown
    highlights: list[str]  # the highlighted words
    excerpt: str
    at: datetime  # of the decision
    url: str  # of the author's page about the decision, for mails


def author_options(comment: Comment, last: Transition | None, appeals: Sequence[Appeal]) -> AuthorOptions:
    """Return the author's possible answers to the last decision on a comment.

    `last`: the last transition of its state. `appeals`: all appeals about it.

    A removal can be appealed once, within APPEAL_WITHIN. An edited text can be resubmitted once, before the
    appeal, also for a pending comment. A restricted or erased comment allows neither.
    """
    if last is None or comment.state_reason == Reason.RESTRICTED or comment.erased_at:
        return AuthorOptions(can_appeal=False, can_resubmit=False)
    has_appealed = any(not appeal.is_edit for appeal in appeals)
    removed = comment.state in REMOVED_BY_MODERATION and timezone.now() - last.at < APPEAL_WITHIN
    return AuthorOptions(
        can_appeal=removed and not has_appealed,
        can_resubmit=(removed or comment.state == State.PENDING) and not appeals,
    )


def render_notices(comments: Sequence[Comment]) -> dict[int, DecisionNotice]:
    """Return the notice about the last decision on each comment, by comment id.

    It takes seven statements, and those for stories, authors and guests that are not loaded yet.
    """
    ids = [comment.pk for comment in comments]
    histories = state_history.read_histories(ids)
    cases = defaultdict(list)
    for case in Case.objects.filter(comment__in=ids):
        cases[case.comment_id].append(case)
    appeals = defaultdict(list)
    for appeal in Appeal.objects.filter(comment__in=ids).select_related("appealed_transition", "case"):
        appeals[appeal.comment_id].append(appeal)
    findings = defaultdict(list)
    for finding in Finding.objects.of_current_texts(ids):
        findings[finding.comment_id].append(finding)
    # Each reason is looked up once: outside of a request each lookup queries the site's version.
    removals = {c.state_reason for c in comments if c.state in REMOVED_BY_MODERATION}
    proposed = removal_counts.confirmed_proposals(
        [c.pk for c in comments if c.state in REMOVED_BY_MODERATION]
    )
    reasons = {code: (removal_reasons.label(code), removal_reasons.author_message(code)) for code in removals}
    return {
        comment.pk: _notice(
            comment,
            reasons.get(comment.state_reason, ("", "")),
            histories[comment.pk],
            cases[comment.pk],
            appeals[comment.pk],
            findings[comment.pk],
            is_proposed=comment.pk in proposed,
        )
        for comment in comments
        if comment.pk in histories
    }


@dataclass(frozen=True)
class RemovalMessage:
    """The message to the author if the comment is removed, before and after the moderator's own lines."""

    code: str  # of the reason
    label: str
    before: list[str]
    after: list[str]


def preview_removals(
    comment: Comment, user: User, cases: list[Case], findings: Sequence[Finding]
) -> list[RemovalMessage]:
    """Return the message for each reason, in the order of the reasons and in the language of the author.

    `findings` are those in the current text of the comment. The labels are for the moderator.
    """
    labels = dict(removal_reasons.choices())
    with in_language_of(comment.author, current_site()):
        return [
            replace(message, label=labels[message.code])
            for message in _removal_messages(comment, user, cases, findings)
        ]


def _removal_messages(
    comment: Comment, user: User, cases: list[Case], findings: Sequence[Finding]
) -> list[RemovalMessage]:
    is_final = any(case.is_appealed for case in cases)
    options = AuthorOptions(can_appeal=not is_final, can_resubmit=not is_final)
    transition = Transition(comment=comment, actor=user, from_state=comment.state, to_state=State.REJECTED)
    reported = decision_kinds.report_sentence(DecisionKind.REMOVED, cases)
    next_step = decision_kinds.next_step(DecisionKind.REMOVED, options, [])
    previews = []
    for code, label in removal_reasons.choices():
        proposing = [finding for finding in findings if registry.proposes_removal(finding, code)]
        reason = (label, removal_reasons.author_message(code))
        before = decision_kinds.decision_sentences(DecisionKind.REMOVED, reason, transition, None)
        decider = decision_kinds.decider_sentence(
            DecisionKind.REMOVED, transition, is_proposed=bool(proposing)
        )
        after = [*registry.author_sentences(proposing), reported, decider, next_step]
        previews.append(RemovalMessage(code, label, list(filter(None, before)), list(filter(None, after))))
    return previews


def report_outcome(case: Case, comment: Comment) -> str:
    """Return one sentence about the outcome of a report, for the person who reported the comment."""
    if case.closed_at is None:
        return _("Not reviewed yet.")
    if comment.state in REMOVED_BY_MODERATION:
        return _("A moderator reviewed the comment and removed it.")
    if comment.state == State.DELETED:
        if comment.state_reason in AUTHOR_DELETION_REASONS:
            return _("The comment was deleted by its author.")
        return _("The comment is gone: its import was undone.")
    if comment.state == State.PENDING:
        return _("The comment is hidden while it is being reviewed.")
    # By this action, not by an earlier one.
    if comment.is_redacted and _shows_other_text(case.closing_action_id, comment.pk):
        return _("A moderator reviewed the comment and removed words from it.")
    return _("A moderator reviewed the comment and kept it.")


def is_decided(case: Case, comment: Comment) -> bool:
    """Return whether a person took the decision that `report_outcome` states.

    If not, the author deleted the comment first, for example.
    """
    return case.closed_at is not None and comment.state in [*REMOVED_BY_MODERATION, State.PUBLISHED]


def _shows_other_text(action_id: UUID | None, comment: int) -> bool:
    """Return whether this action made another revision of the comment its current text."""
    changes = SettingChange.objects.filter(
        target=SettingChange.Target.COMMENT, target_id=comment, field="revision"
    )
    return changes.filter(action=action_id).exists()


def decision_url(comment: Comment) -> str:
    """Return the absolute URL of the author's page about the decision.

    For a guest it has a signed key, since a mail may be opened in another browser.
    """
    url = settings.SITE_URL + reverse("decision", args=[comment.pk])
    if comment.guest_id is None:
        return url
    key = signing.dumps([comment.pk, comment.guest_id], salt="decision", compress=False)
    return f"{url}?{urlencode({'key': key})}"


def guest_of_key(key: str, comment: int) -> Guest | None:
    """Return the guest whose mailed link for this comment has this key; None if it is forged or too old."""
    try:
        signed_comment, guest = signing.loads(key, salt="decision", max_age=LINK_MAX_AGE)
    except signing.BadSignature:
        return None
    return Guest.objects.filter(pk=guest).first() if signed_comment == comment else None


def _notice(
    comment: Comment,
    reason: tuple[str, str],
    history: state_history.StateHistory,
    cases: list[Case],
    appeals: list[Appeal],
    findings: list[Finding],
    *,
    is_proposed: bool,  # the checks had proposed the removal
) -> DecisionNotice:
    transition = history.notified_transition
    answered = next(
        (a for a in appeals if transition.action_id and a.case.closing_action_id == transition.action_id),
        None,
    )
    causes = [found for found in findings if found.holds]
    kind = _kind(comment, history, answered, causes)
    shown = causes if kind in decision_kinds.NOT_REVIEWED else []
    if kind in decision_kinds.REMOVED_KINDS and (is_proposed or not decision_kinds.is_by_person(transition)):
        shown = [found for found in findings if removal_counts.explains_removal(found, comment)]
    options = author_options(comment, history.last, appeals)
    hidden = kind == DecisionKind.RESTRICTED or bool(comment.erased_at)
    spans = [] if hidden else excerpts.merge_spans(span for found in shown for span in found.spans)
    highlights = dict.fromkeys(Truncator(comment.body[start:end]).chars(100) for start, end in spans)
    earlier_cases = [case for case in cases if case.opened_at <= transition.at]
    return DecisionNotice(
        comment=comment,
        kind=kind,
        title=decision_kinds.title(kind),
        sentences=[
            sentence
            for sentence in [
                *decision_kinds.decision_sentences(kind, reason, transition, answered),
                *(history.message.splitlines() if kind == DecisionKind.REMOVED else []),
                *registry.author_sentences(shown),
                decision_kinds.report_sentence(kind, earlier_cases),
                decision_kinds.decider_sentence(kind, transition, is_proposed=is_proposed),
            ]
            if sentence
        ],
        options=options,
        appeal_status=decision_kinds.appeal_status(kind, appeals),
        next_step=decision_kinds.next_step(kind, options, appeals),
        body=SafeString("") if hidden else _highlighted_body(comment, spans),
        highlights=list(highlights)[:MAX_HIGHLIGHTS],
        excerpt="" if hidden else make_comment_excerpt(comment.body_html, EXCERPT_LENGTH),
        at=transition.at,
        url=decision_url(comment),
    )


def _highlighted_body(comment: Comment, spans: Sequence[tuple[int, int]]) -> SafeString:
    """Return the HTML of a comment with these spans of its typed text in <mark>.

    If one is not found in the HTML, such as one with a mark of Markdown, the typed text is returned instead.
    """
    if not spans:
        return mark_safe(comment.body_html)  # noqa: S308  # sanitized when it was stored
    unnumbered = [(start, end, 0) for start, end in spans]
    body, found_all = highlight_html(comment.body, comment.body_html, unnumbered)
    return body if found_all else format_html("<p>{}</p>", excerpts.highlight_text(comment.body, spans))


def _kind(
    comment: Comment, history: state_history.StateHistory, answered: Appeal | None, findings: list[Finding]
) -> DecisionKind:
    if comment.state == State.PENDING:
        return _pending_kind(history.notified_transition, findings, is_rewritten=history.is_rewritten)
    if comment.state == State.PUBLISHED:
        if history.is_rewritten and comment.is_redacted:
            return DecisionKind.REDACTED
        was = known[0] if (known := history.known_before()) else ""
        if was in REMOVED_BY_MODERATION:
            return DecisionKind.RESTORED
        return DecisionKind.PUBLISHED if was == State.PENDING else DecisionKind.NONE
    if comment.state_reason == Reason.RESTRICTED:
        return DecisionKind.RESTRICTED
    if comment.state in REMOVED_BY_MODERATION:
        if answered and not answered.is_edit:
            return DecisionKind.UPHELD
        return DecisionKind.SPAM if comment.state == State.SPAM else DecisionKind.REMOVED
    return DecisionKind.NONE


def _pending_kind(transition: Transition, findings: list[Finding], *, is_rewritten: bool) -> DecisionKind:
    if decision_kinds.is_by_person(transition) and not is_rewritten:
        return DecisionKind.PENDING_MODERATOR
    if transition.from_state and not is_rewritten:
        return DecisionKind.PENDING_EDITED
    return registry.pending_kind(finding.check_name for finding in findings)
