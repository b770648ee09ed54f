"""The open case of the desk: a card with all that a decision on one comment needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Comment, CommentRevision, State, Transition
from comments.policy import policy
from moderation import similar
from moderation.actions import cases
from moderation.models import Batch, Case, Finding, Group, Member, has_page
from moderation.people import profiles
from moderation.policy import last_decisions
from moderation.queue import explanations, highlights
from moderation.reports import reporting
from moderation.similar import pages, single_comment
from moderation.similar.clues import Clue
from moderation.spam_filter import explanations as say
from moderation.spam_filter import scoring, stored_scores

MAX_FILTER_SIGNAL = 0.35  # the most that a signal of the filter says by itself
MAX_LISTED = 20  # earlier decisions and texts that a card has


@dataclass(frozen=True)
class Signal:
    sentence: str
    strength: int  # 1 to 3
    twin: Comment | None  # the other one, if it can be read


@dataclass(frozen=True)
class EarlierDecision:
    """An earlier decision on the comment."""

    what: str  # "Removed: off topic"
    who: str  # nothing: nobody
    at: datetime
    url: str  # of the act, for those who may open it


@dataclass(frozen=True)
class SimilarGroup:
    """The group of similar comments that holds this one."""

    group: Group
    sentence: str  # "36 comments look like this one, 27 of them published."


@dataclass(frozen=True)
class Card:
    comment: Comment
    case: Case | None  # the open one
    seen: str  # what a decision is made upon: the comment and the last line of the log about it
    body: SafeString  # as its page shows it, marked
    typed: SafeString | None  # as it was typed, where the page does not show all that is marked
    why: list[Signal]  # the strongest first
    score: str  # what they come to, in a sentence
    person: str  # the key of its writer, as in URLs: u12
    record: profiles.Record
    asked: list[reporting.Asked]
    alike: SimilarGroup | None
    decisions: list[EarlierDecision]  # the latest first
    has_page: bool  # whether it can be read in its place
    earlier: list[CommentRevision]  # what it said before it was edited, the latest first
    taken: bool  # a colleague is looking at it now: case.claimed_by, until case.claimed_until
    parts: list[say.PartSaid]  # what made the score that the filter gave it, the heaviest first
    weighed: SafeString  # its words as they were typed, with those marked that are among these
    acts: list[dict[str, Any]]  # what else can be done with it, as Policy.actions gives it

    @property
    def likely(self) -> str:
        """Which of its acts is told apart while it waits: "spam" for strong reasons, else "approved"."""
        if self.comment.state != State.PENDING:
            return ""
        return "spam" if any(why.strength == 3 for why in self.why) else "approved"


def load_card(pk: int, user: User) -> Card | None:
    """Nothing where there is no such comment."""
    around = Comment.objects.select_related("discussion__article", "parent", "guest", "author").defer(
        "parent__body",
        *("discussion__article__body", "discussion__article__body_html", "discussion__article__vector"),
    )
    comment = around.filter(pk=pk).first()
    if comment is None:
        return None
    findings = list(Finding.objects.of_now([comment.pk]))
    twins = [found.twin_id for found in findings if found.twin_id]
    own = set(Comment.objects.moderated_by(user).filter(pk__in=twins).values_list("pk", flat=True))
    member = similar.members_of([comment.pk]).get(comment.pk)
    told = reduce(
        or_, [CLUES_OF_CHECKS[f.check_name] for f in findings if f.check_name in CLUES_OF_CHECKS], Clue(0)
    )
    compared = _compared_clues(comment, member) & ~told
    signs = single_comment.find_signals(comment.author_name, comment.body, compared, told)
    why = [(_finding_strength(f), _finding_signal(f, own)) for f in findings]
    why += [(sign.strength, Signal(sign.sentence, _strength_class(sign.strength), None)) for sign in signs]
    why.sort(key=lambda one: -one[0])
    spans = [span for finding in findings for span in finding.spans]
    spans += [span for sign in signs for span in sign.spans]
    if member and Clue.SPUN in compared:
        spans += pages.shared_spans(member.group, comment)
    body, all_marked = highlights.highlight_html(comment.body, comment.body_html, spans)
    weighed = stored_scores.parts_of(comment, findings)
    case = Case.objects.open().filter(comment=comment).select_related("claimed_by").first()
    until = case.claimed_until if case and case.claimed_by_id != user.pk else None
    acts = policy().actions([comment], user).get(comment.pk, [])
    return Card(
        comment=comment,
        case=case,
        seen=f"{comment.pk}.{last_decisions([comment.pk]).get(comment.pk, 0)}",
        body=body,
        typed=None if all_marked else explanations.marked(comment.body, spans),
        why=[one for _strength, one in why],
        score=_strengths_text([strength for strength, _one in why]),
        person=profiles.Person.of(comment).key,
        record=profiles.records([comment], user)[comment.pk],
        asked=reporting.asked([case.pk], user).get(case.pk, []) if case else [],
        alike=_similar_group(comment, member) if user.is_moderator else None,
        decisions=_earlier_decisions(comment, user),
        has_page=has_page(comment),
        earlier=list(comment.revisions.order_by("-revision")[:MAX_LISTED]),
        taken=until is not None and until > timezone.now(),
        parts=say.parts(weighed, comment.body, comment.author_name),
        weighed=explanations.marked(comment.body, [span for part in weighed for span in part["spans"]]),
        acts=[act for act in acts if not _is_main_action(act)],
    )


def _is_main_action(act: dict[str, Any]) -> bool:
    """Its three main acts have buttons of their own."""
    return bool(urlsplit(act["url"]).path == reverse("moderation:decide"))


def _finding_signal(found: Finding, own: set[int]) -> Signal:
    """`own`: ids of other comments that this person decides on, and so may know of before they are public."""
    twin = found.twin if found.twin_id in own else found.public_twin
    sentence = explanations.why(found, to_moderator=True, twin=twin)
    return Signal(
        sentence, _strength_class(_finding_strength(found)), twin if twin and has_page(twin) else None
    )


def _strength_class(strength: float) -> int:
    return 3 if strength >= cases.STRONG else 2 if strength >= cases.MEDIUM else 1


def _strengths_text(strengths: Sequence[float]) -> str:
    """What the reasons come to; the filter's probability is one of them, in its own words."""
    counts = [sum(_strength_class(strength) == which for strength in strengths) for which in (3, 2, 1)]
    said = [
        ngettext("%(n)s strong reason", "%(n)s strong reasons", counts[0]) % {"n": counts[0]},
        ngettext("%(n)s middling one", "%(n)s middling ones", counts[1]) % {"n": counts[1]},
        ngettext("%(n)s weak one", "%(n)s weak ones", counts[2]) % {"n": counts[2]},
    ]
    match [bool(count) for count in counts]:
        case [False, False, False]:
            return _("The checks found nothing in it.")
        case [False, False, True]:
            return ngettext(
                "One weak reason to look, and no strong one.",
                "%(n)s weak reasons to look, and no strong one.",
                counts[2],
            ) % {"n": counts[2]}
        case [False, True, weak]:
            reasons = ngettext("%(n)s middling reason", "%(n)s middling reasons", counts[1])
            said = [reasons % {"n": counts[1]}, *([said[2]] if weak else [])]
        case [True, middling, weak]:
            said = [said[0], *([said[1]] if middling else []), *([said[2]] if weak else [])]
    if len(said) == 1:
        return _("%(reasons)s to look.") % {"reasons": said[0]}
    listed = ", ".join(said[:-1])
    return _("%(reasons)s and %(last)s to look.") % {"reasons": listed, "last": said[-1]}


def _earlier_decisions(comment: Comment, user: User) -> list[EarlierDecision]:
    """What people decided on it, the latest first and LISTED at most; two statements."""
    lines = list(
        comment.transitions.exclude(actor=None, batch=None)
        .exclude(from_state="", kind=Transition.Kind.STATE)
        .select_related("actor")
        .order_by("-id")[:MAX_LISTED]
    )
    batches = Batch.objects.select_related("root").in_bulk({line.batch for line in lines})
    found = []
    for line in lines:
        batch = batches.get(line.batch)
        what = explanations.done(batch) if batch else explanations.decided(line.to_state, line.reason)
        opens = batch and (user.is_moderator or batch.actor_id == user.pk)
        url = reverse("moderation:batch", args=[line.batch]) if opens else ""
        found.append(EarlierDecision(what, str(line.actor or ""), line.at, url))
    return found


# What a check says as well as a clue of similar comments does.
CLUES_OF_CHECKS = {
    "late": Clue.LATE,
    "links": Clue.LINK,
    "domain": Clue.LINK,
    "repeat": Clue.EXACT,
    "padded": Clue.PADDED,
    "name_phrase": Clue.NAME,
    "name_domain": Clue.NAME,
    "site_talk": Clue.PAGE | Clue.PAGE_TWICE,
    "praise": Clue.PRAISE,
    "wares": Clue.PROMOTION,
    "drift": Clue.STRANGE,
}


def _compared_clues(comment: Comment, member: Member | None) -> Clue:
    """What a look found by comparing this very text."""
    if member is None or member.revision != comment.revision:  # type: ignore[attr-defined]
        return Clue(0)
    return Clue(member.clues)


def _finding_strength(finding: Finding) -> float:
    """How much it says by itself. What a signal found is a part of what the filter says, and little alone."""
    if finding.check_name in scoring.KEPT and not finding.holds:
        return min(finding.strength, MAX_FILTER_SIGNAL)
    return finding.strength


def _similar_group(comment: Comment, member: Member | None) -> SimilarGroup | None:
    """One statement."""
    if not member:
        return None
    group = member.group
    count = Member.objects.filter(group=group, comment__state=State.PUBLISHED).count()
    count -= comment.state == State.PUBLISHED
    said = ngettext(
        "%(n)s comment looks like this one, %(published)s of them published.",
        "%(n)s comments look like this one, %(published)s of them published.",
        group.size - 1,
    ) % {"n": f"{group.size - 1:,}", "published": f"{count:,}" if count > 0 else _("none")}
    return SimilarGroup(group, said)
