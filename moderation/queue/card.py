"""The card of one comment in the queue, with everything that a decision needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.emails import EMAIL_IS_CONFIRMED
from accounts.models import Guest, User
from articles.models import Article
from comments.models import LAST_TRANSITION_ID, Comment, CommentRevision, State
from comments.reply_target import COMMENT_COLUMNS, GUEST_COLUMNS
from comments.thread.story import ARTICLE_COLUMNS, DISCUSSION_COLUMNS, build_discussion
from core.database.sql import (
    build_instance,
    build_joined_instance,
    column_names,
    fetch_prepared,
    fetch_together,
    list_columns,
    split_row,
)
from moderation import excerpts, explanations, similar
from moderation.actions import cases
from moderation.actions.comment_menus import page_actions
from moderation.actions.state_history import expected_transition_value
from moderation.checks import registry
from moderation.models import Action, Case, CommentGroup, CommentGroupMember, Finding, Rule, SavedLine
from moderation.models.findings import load_originals
from moderation.notifications.notices import RemovalMessage, preview_removals
from moderation.people.author_records import AuthorRecord, parse_record, record_queries
from moderation.people.profiles import Person
from moderation.queue import highlights
from moderation.reports import reporting
from moderation.similar import explanations as similar_explanations
from moderation.similar import pages
from moderation.similar.clues import Clue
from moderation.spam_filter import explanations as spam_explanations
from moderation.spam_filter import stored_scores

MAX_LISTED = 20  # earlier decisions and versions on a card


@dataclass(frozen=True)
class CardSignal:
    """A reason to review the comment."""

    sentence: str
    strength: int  # 1 weak, 2 medium, 3 strong
    original: Comment | None  # the other comment, if it has a public page
    always_opens_case: bool = False  # as Check.always_opens_case: for harm to people, which is no spam

    @property
    def strength_name(self) -> str:
        return {1: _("weak"), 2: _("medium"), 3: _("strong")}[self.strength]


@dataclass(frozen=True)
class EarlierDecision:
    """An earlier decision on the comment."""

    description: str  # "Removed: off-topic"
    actor: str  # "" for the system
    at: datetime
    url: str  # page of the action, or "" if this person may not open it


@dataclass(frozen=True)
class SimilarGroup:
    """The group of similar comments that this comment belongs to."""

    group: CommentGroup
    sentence: str  # "36 similar comments, 27 of them published."


class SignalWithSpans(NamedTuple):
    """A signal with its exact strength (0 to 1) and the spans of the text that it is about."""

    strength: float
    signal: CardSignal
    spans: Sequence[Sequence[int]]
    is_about_shared_text: bool  # also about the text that it shares with other comments


@dataclass(frozen=True)
class Card:
    """One comment with everything that a moderator needs to decide on it."""

    comment: Comment
    case: Case | None  # the open case
    expected_transition: str  # state_history.expected_transition_value, which the decision form sends back
    body: SafeString  # the HTML of its page, with highlights
    typed_body: SafeString | None  # the typed text, if the HTML does not show every highlight
    signals: list[CardSignal]  # the strongest first
    has_holding_signal: bool  # whether one of them sent the comment to review
    summary: str  # the number of signals by strength
    person_key: str  # the key of the author in URLs: u12
    record: AuthorRecord
    review_requests: list[reporting.ReviewRequest]
    similar: SimilarGroup | None
    decisions: list[EarlierDecision]  # the latest first
    earlier_versions: list[CommentRevision]  # texts before edits, the latest first
    is_claimed: bool  # a colleague has it open: case.claimed_by, until case.claimed_until
    score: str  # the filter's score in words, also one that is no signal; "" if it has none
    score_parts: list[spam_explanations.PartText]  # the largest first; none if its version is gone
    scored_body: SafeString  # the typed text, with the words of these parts highlighted
    removals: list[RemovalMessage]  # one for each reason; an imported comment's have no text
    saved_lines: list[SavedLine]  # lines that can be added to such a message
    # Other actions than decisions, which have buttons; as from Policy.list_actions.
    menu: list[dict[str, Any]]

    @property
    def claim_text(self) -> str:
        """Return a sentence about the colleague who has the comment open, and the end of the claim, or ""."""
        if not self.case or not self.case.claimed_until:
            return ""
        text = _(
            "%(name)s is reviewing this comment until %(until)s. You can still decide on it;"
            " the first decision counts."
        )
        until = timezone.localtime(self.case.claimed_until)
        return text % {"name": self.case.claimed_by, "until": f"{until:%H:%M}"}

    @property
    def suggested(self) -> str:
        """Return the decision to highlight while the comment is pending.

        It is "spam" for strong signals, else "approved". None is highlighted if a check found harm to people.
        """
        if self.comment.state != State.PENDING or any(signal.always_opens_case for signal in self.signals):
            return ""
        return "spam" if any(signal.strength == 3 for signal in self.signals) else "approved"


# The tables of a comment by alias, with their columns. The card does not show the other texts.
_TABLES = {
    "c": COMMENT_COLUMNS,
    "d": DISCUSSION_COLUMNS,
    "a": [name for name in ARTICLE_COLUMNS if name != "body_html"],
    "p": [name for name in COMMENT_COLUMNS if name != "body"],
    "g": GUEST_COLUMNS,
    "u": column_names(User),
}
COMMENT_SQL = f"""
SELECT {list_columns(_TABLES)},
       {LAST_TRANSITION_ID}
FROM comments_comment c
JOIN comments_discussion d ON d.article_id = c.discussion_id
JOIN articles_article a ON a.id = d.article_id
LEFT JOIN comments_comment p ON p.id = c.parent_id
LEFT JOIN accounts_guest g ON g.id = c.guest_id
LEFT JOIN accounts_user u ON u.id = c.author_id
WHERE c.id = %(comment)s"""
# FindingQuerySet.of_current_texts without the rule and the other comment, which few findings have. The rows
# come as JSON, where a time is text, so `at` is left out: no card shows it.
_FINDING_COLUMNS = ", ".join(
    f'f.{field.column} AS "{field.attname}"' for field in Finding._meta.concrete_fields if field.name != "at"
)
FINDINGS = f"""
SELECT {_FINDING_COLUMNS}, g.confirmed_at IS NOT NULL OR EXISTS (
  SELECT FROM account_emailaddress e WHERE {EMAIL_IS_CONFIRMED}) AS author_is_confirmed
FROM comments_comment c
JOIN moderation_finding f ON f.comment_id = c.id AND f.revision = c.revision
LEFT JOIN accounts_guest g ON g.id = c.guest_id
LEFT JOIN accounts_user u ON u.id = c.author_id
WHERE c.id = %(comment)s ORDER BY f.id"""
# The earlier decisions on a comment, by people or by actions.
DECISIONS = f"""
SELECT t.to_state, t.reason, t.batch, t.at, t.actor_id, u.name AS actor
FROM comments_transition t LEFT JOIN accounts_user u ON u.id = t.actor_id
WHERE t.comment_id = %(comment)s AND (t.actor_id IS NOT NULL OR t.batch IS NOT NULL)
  AND NOT (t.from_state = '' AND t.kind = 'state')
ORDER BY t.id DESC LIMIT {MAX_LISTED}"""
# Find a membership in a group of any scan; similar.members_of finds that of the latest one.
MEMBERSHIPS = """
SELECT m.id FROM moderation_commentgroupmember m JOIN moderation_commentgroup g ON g.id = m.group_id
WHERE m.comment_id = %(comment)s AND g.resolved_at IS NULL LIMIT 1"""
REVISIONS = "SELECT id FROM comments_commentrevision WHERE comment_id = %(comment)s LIMIT 1"
SAVED_LINES = "SELECT id, text FROM moderation_savedline WHERE is_active ORDER BY text"


def load_card(pk: int, user: User, claimed: Case | None) -> Card | None:
    """Return the card of a comment as this person may see it, or None if there is no such comment.

    `claimed` is its open case, if this person has just claimed it; else the case is read. Two statements
    read the data that most cards show. Rare data, such as reports or earlier versions, is read only if it
    exists.
    """
    comment = _load_comment(pk)
    if comment is None:
        return None
    case = claimed or Case.objects.open().filter(comment=comment).select_related("claimed_by").first()
    until = case.claimed_until if case and case.claimed_by_id != user.pk else None
    related = _read_related_rows(comment, user)
    findings = _load_findings(related["findings"])
    member = similar.members_of([comment.pk]).get(comment.pk) if related["memberships"] else None
    signals, spans = _find_signals(comment, findings, member, user)
    body, all_highlighted = highlights.highlight_html(comment.body, comment.body_html, spans)
    score, score_parts = stored_scores.score_of(findings), stored_scores.explain_stored(comment, findings)
    has_notice = comment.author_id or comment.guest_id
    return Card(
        comment=comment,
        case=case,
        expected_transition=expected_transition_value(comment.pk, vars(comment)["last_transition_id"]),
        body=body,
        typed_body=None
        if all_highlighted
        else excerpts.highlight_text(comment.body, [span[:2] for span in spans]),
        signals=[item.signal for item in signals],
        has_holding_signal=any(finding.holds for finding in findings),
        summary=_strengths_text([item.strength for item in signals]),
        person_key=Person.of(comment).key,
        record=parse_record(comment, related),
        review_requests=reporting.review_requests(case, user) if case else [],
        similar=_similar_group(comment, member) if user.is_moderator else None,
        decisions=_earlier_decisions(related["decisions"], user),
        earlier_versions=list(comment.revisions.order_by("-revision")[:MAX_LISTED])
        if related["revisions"]
        else [],
        is_claimed=until is not None and until > timezone.now(),
        score=registry.get(score.check_name).explain_to_moderator(score, None) if score else "",
        score_parts=spam_explanations.part_texts(score_parts, comment.body, comment.author_name),
        scored_body=excerpts.highlight_text(
            comment.body, [span for part in score_parts for span in part["spans"]]
        ),
        removals=preview_removals(comment, user, [case] if case else [], findings) if has_notice else [],
        saved_lines=[SavedLine(**line) for line in related["saved_lines"]] if has_notice else [],
        menu=page_actions(comment),
    )


def _load_comment(pk: int) -> Comment | None:
    """Return the comment with its story, parent and author, and `last_transition_id`. Runs one statement."""
    rows = fetch_prepared(COMMENT_SQL, {"comment": pk})
    if not rows:
        return None
    stored, (last_transition_id,) = split_row(rows[0], _TABLES)
    comment = build_instance(Comment, _TABLES["c"], stored["c"])
    article = build_instance(Article, _TABLES["a"], stored["a"])
    comment.discussion = build_discussion(article, stored["d"])
    comment.parent = build_joined_instance(Comment, _TABLES["p"], stored["p"])
    comment.guest = build_joined_instance(Guest, _TABLES["g"], stored["g"])
    comment.author = build_joined_instance(User, _TABLES["u"], stored["u"])
    vars(comment)["last_transition_id"] = last_transition_id
    return comment


def _read_related_rows(comment: Comment, user: User) -> dict[str, list[dict[str, Any]]]:
    """Return rows by kind: rare related data, the findings, the saved lines and the author's record.

    One row of revisions and of memberships is read, to know whether there are any. Runs one statement.
    """
    queries, values = record_queries(comment, user)
    queries |= {
        "decisions": DECISIONS,
        "revisions": REVISIONS,
        "memberships": MEMBERSHIPS,
        "findings": FINDINGS,
        "saved_lines": SAVED_LINES,
    }
    return fetch_together(queries, values | {"comment": comment.pk})


def _load_findings(rows: list[dict[str, Any]]) -> list[Finding]:
    """Return the findings in these rows. If there are rules or duplicates, each kind takes a statement."""
    used = {row["rule_id"] for row in rows if row["rule_id"]}
    rules = Rule.objects.in_bulk(used) if used else {}
    repeated = {row["duplicate_of_id"] for row in rows if row["duplicate_of_id"]}
    originals = load_originals(repeated) if repeated else {}
    findings = []
    for row in rows:
        author_is_confirmed = row.pop("author_is_confirmed")
        finding = Finding.from_db("default", list(row), list(row.values()))
        finding.author_is_confirmed = author_is_confirmed
        finding.rule = rules.get(row["rule_id"])
        finding.duplicate_of = originals.get(row["duplicate_of_id"])
        findings.append(finding)
    return findings


def _find_signals(
    comment: Comment, findings: list[Finding], member: CommentGroupMember | None, user: User
) -> tuple[list[SignalWithSpans], list[tuple[int, int, int]]]:
    """Return the signals of a comment, the strongest first, and the spans of its text to highlight."""
    originals = [finding.duplicate_of_id for finding in findings if finding.duplicate_of_id]
    readable_ids: set[int] = set()
    if originals:
        readable_ids.update(
            Comment.objects.moderatable_by(user).filter(pk__in=originals).values_list("pk", flat=True)
        )
    clues = _compared_clues(comment, member)
    signals = _strongest_first(findings, similar_explanations.compared_signals(clues), readable_ids)
    spans = _numbered_spans(signals, findings)
    if member and Clue.SHARED_PHRASES in clues:
        numbers = [n for n, item in enumerate(signals, start=1) if item.is_about_shared_text]
        shared = pages.shared_spans(member.group, comment)
        spans += [(*span, number) for span in shared for number in numbers or [0]]
    return signals, spans


def _strongest_first(
    findings: list[Finding], compared: list[tuple[Clue, float, str]], readable_ids: set[int]
) -> list[SignalWithSpans]:
    """Return the signals of a comment with their strengths and places in its text, the strongest first.

    `compared` are from compared_signals. A finding of an earlier release may say the same.
    """
    signals = [
        SignalWithSpans(
            registry.shown_strength(f), _finding_signal(f, readable_ids), f.spans, bool(f.duplicate_of_id)
        )
        for f in findings
        if not registry.found_nothing(f)
    ]
    sentences = {item.signal.sentence for item in signals}
    for clue, strength, sentence in compared:
        if sentence not in sentences:
            signal = CardSignal(sentence, _strength_code(strength), None)
            signals.append(SignalWithSpans(strength, signal, [], clue == Clue.SHARED_PHRASES))
    return sorted(signals, key=lambda item: -item.strength)


def _numbered_spans(signals: list[SignalWithSpans], findings: list[Finding]) -> list[tuple[int, int, int]]:
    """Return the spans of text to highlight, each with the number of the signal that is about it, or 0."""
    spans = [
        (span[0], span[1], number) for number, item in enumerate(signals, start=1) for span in item.spans
    ]
    return spans + [(*span, 0) for f in findings if registry.found_nothing(f) for span in f.spans]


def _finding_signal(finding: Finding, readable_ids: set[int]) -> CardSignal:
    """Return the signal of a finding.

    `readable_ids` has the ids of other comments that this person may decide on, and so may read before
    publication.
    """
    original = finding.duplicate_of if finding.duplicate_of_id in readable_ids else finding.public_original
    check = registry.get(finding.check_name)
    return CardSignal(
        check.explain_to_moderator(finding, original),
        _strength_code(registry.shown_strength(finding)),
        original if original and original.discussion.is_readable else None,
        check.always_opens_case,
    )


def _strength_code(strength: float) -> int:
    """Return CardSignal.strength: 1 for a weak signal, 2 for a medium and 3 for a strong one."""
    return 3 if strength >= cases.STRONG else 2 if strength >= cases.MEDIUM else 1


def _strengths_text(strengths: Sequence[float]) -> str:
    """Return the number of signals by strength: 1 strong and 2 weak signals."""
    texts = {3: _("%(n)s strong"), 2: _("%(n)s medium"), 1: _("%(n)s weak")}
    counts = Counter(_strength_code(strength) for strength in strengths)
    listed = [(counts[code], text % {"n": counts[code]}) for code, text in texts.items() if counts[code]]
    if not listed:
        return _("No signals")
    last_count, last = listed.pop()
    if not listed:
        return ngettext("%(numbers)s signal", "%(numbers)s signals", last_count) % {"numbers": last}
    return ngettext("%(numbers)s and %(last)s signal", "%(numbers)s and %(last)s signals", last_count) % {
        "numbers": ", ".join(text for _count, text in listed),
        "last": last,
    }


def _earlier_decisions(rows: list[dict[str, Any]], user: User) -> list[EarlierDecision]:
    """Return the decisions in these rows of DECISIONS. Runs one statement if there are actions."""
    actions = Action.objects.select_related("root").in_bulk(
        {UUID(row["batch"]) for row in rows if row["batch"]}
    )
    decisions = []
    for row in rows:
        action = actions.get(UUID(row["batch"])) if row["batch"] else None
        text = (
            explanations.describe_action(action)
            if action
            else explanations.describe_decision(row["to_state"], row["reason"])
        )
        may_open = action and (user.is_moderator or action.actor_id == user.pk)
        url = reverse("moderation:action", args=[action.pk]) if action and may_open else ""
        actor = str(User(name=row["actor"])) if row["actor_id"] else ""
        decisions.append(EarlierDecision(text, actor, datetime.fromisoformat(row["at"]), url))
    return decisions


def _compared_clues(comment: Comment, member: CommentGroupMember | None) -> Clue:
    """Return the clues that a scan found for the current text of the comment."""
    if member is None or vars(member)["revision"] != comment.revision:  # annotated by members_of
        return Clue(0)
    return Clue(member.clues)


def _similar_group(comment: Comment, member: CommentGroupMember | None) -> SimilarGroup | None:
    """Return the group of similar comments that are still open, or None. Runs one statement."""
    if not member:
        return None
    group = member.group
    others = pages.count_members([group.pk], None, exclude=comment.pk).get(group.pk)
    if not others:
        return None
    if others.published:
        text = ngettext(
            "%(n)s similar comment, which is published.",
            "%(n)s similar comments, %(published)s of them published.",
            others.members,
        )
    else:
        text = ngettext(
            "%(n)s similar comment, which is not published.",
            "%(n)s similar comments, none of them published.",
            others.members,
        )
    numbers = {"n": f"{others.members:,}", "published": f"{others.published:,}"}
    return SimilarGroup(group, text % numbers)
