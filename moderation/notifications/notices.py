"""What authors and those who reported read of a decision: in other words for each kind of it.

The same words stand on the page and in mails. Of a rule they tell its kind and which of the own words it
found, and nothing else that is in it; never who reported it. A page of comments takes the same few statements
whatever its length.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Guest
from comments import removal_reasons
from comments.models import REMOVED, Comment, Reason, State, Transition
from moderation.actions import state_history
from moderation.models import Appeal, Case, Change, Finding
from moderation.notifications import decision_kinds
from moderation.notifications.decision_kinds import LOOK_WITHIN, Kind, Ways
from moderation.queue import explanations
from moderation.transparency import removal_counts

KEY_AGE = LOOK_WITHIN + timedelta(days=2)  # of the link that a guest is mailed
EXCERPT = 300  # characters of a comment in a mail
MARKED = 5  # places that a mail names


@dataclass(frozen=True)
class Told:
    comment: Comment
    kind: Kind
    title: str
    sentences: list[str]  # what was done, why, whether somebody reported it, who decided
    ways: Ways
    way: str  # how to ask for another look, or why that is over; may be empty
    body: SafeString  # the comment with what was found in it marked; empty where it must not be seen
    marked: list[str]  # these words
    excerpt: str
    at: datetime  # of the decision
    url: str  # of the author's page about it, as it is mailed


def ways(comment: Comment, last: Transition | None, appeals: Sequence[Appeal]) -> Ways:
    """`last`: the last line of the log about its state; `appeals`: all there are about it.

    Another look once, for what was removed, within LOOK_WITHIN. An edited text once, before that: also of
    what waits because a check asked for a look. What is sealed or erased has neither.
    """
    if last is None or comment.state_reason == Reason.SEALED or comment.erased_at:
        return Ways(ask=False, send_again=False)
    asked = any(not appeal.is_edit for appeal in appeals)
    removed = comment.state in REMOVED and timezone.now() - last.at < LOOK_WITHIN
    return Ways(
        ask=removed and not asked,
        send_again=(removed or comment.state == State.PENDING) and not appeals,
    )


def tell(comments: Sequence[Comment]) -> dict[int, Told]:
    """By comment, what its author reads about the last decision; seven statements, and those that `comments`
    lack of their stories, authors and guests."""
    ids = [comment.pk for comment in comments]
    logs = state_history.read(ids)
    cases = defaultdict(list)
    for case in Case.objects.filter(comment__in=ids):
        cases[case.comment_id].append(case)
    appeals = defaultdict(list)
    for appeal in Appeal.objects.filter(comment__in=ids).select_related("against", "case"):
        appeals[appeal.comment_id].append(appeal)
    findings = defaultdict(list)
    for finding in Finding.objects.of_now(ids):
        findings[finding.comment_id].append(finding)
    # Looked up once for each reason: each time asks for the site's version outside of a request.
    removals = {c.state_reason for c in comments if c.state in REMOVED}
    proposed = removal_counts.proposed([c.pk for c in comments if c.state in REMOVED])
    said = {code: (removal_reasons.label(code), removal_reasons.told(code)) for code in removals}
    return {
        comment.pk: _told(
            comment,
            said.get(comment.state_reason, ("", "")),
            logs[comment.pk],
            cases[comment.pk],
            appeals[comment.pk],
            findings[comment.pk],
            is_proposed=comment.pk in proposed,
        )
        for comment in comments
        if comment.pk in logs
    }


def outcome(case: Case, comment: Comment) -> str:
    """One sentence for those who reported it, about how it stands."""
    if case.closed_at is None:
        return _("Nobody has decided yet.")
    if comment.state in REMOVED:
        return _("A moderator has read it and removed the comment.")
    if comment.state == State.DELETED:
        if comment.state_reason == Reason.AUTHOR:
            return _("Its author has deleted the comment.")
        return _("The comment is gone: what was brought in with it was taken back.")
    if comment.state == State.PENDING:
        return _("The comment is not shown while it is being looked at.")
    if comment.is_redacted and _rewritten([case.closed_by], [comment.pk]):  # by this act, and not before
        return _("A moderator has read it and taken words out of the comment.")
    return _("A moderator has read it and left the comment where it is.")


def is_decided(case: Case, comment: Comment) -> bool:
    """Whether a person decided what `outcome` says: its author may have deleted it before anybody could."""
    return case.closed_at is not None and comment.state in [*REMOVED, State.PUBLISHED]


def _rewritten(batches: Iterable[Any], ids: Sequence[int]) -> set[tuple[Any, int]]:
    """(batch, comment) of each of these acts that shows another text of one of these comments."""
    shown = Change.objects.filter(target=Change.Target.COMMENT, target_id__in=ids, field="revision")
    return set(shown.filter(batch__in=batches).values_list("batch", "target_id"))


def mailed_url(comment: Comment) -> str:
    """Of the author's page, with the host. A guest's has a key, since a mail is read in any browser."""
    url = settings.SITE_URL + reverse("decision", args=[comment.pk])
    if comment.guest_id is None:
        return url
    key = signing.dumps([comment.pk, comment.guest_id], salt="decision", compress=False)
    return f"{url}?{urlencode({'key': key})}"


def read_key(key: str, comment: int) -> Guest | None:
    """The guest whose mail has this key for this comment; None for a forged or an old one."""
    try:
        about, guest = signing.loads(key, salt="decision", max_age=KEY_AGE)
    except signing.BadSignature:
        return None
    return Guest.objects.filter(pk=guest).first() if about == comment else None


def _told(
    comment: Comment,
    reason: tuple[str, str],
    log: state_history.Log,
    cases: list[Case],
    appeals: list[Appeal],
    findings: list[Finding],
    *,
    is_proposed: bool,  # the checks had proposed the removal
) -> Told:
    line = log.telling
    looked = next((a for a in appeals if line.batch and a.case.closed_by == line.batch), None)
    holding = [found for found in findings if found.holds]
    kind = _kind(comment, log, looked, holding)
    why = holding if kind in decision_kinds.WAITS else []
    if kind in decision_kinds.REMOVED and (is_proposed or not decision_kinds.by_person(line)):
        why = [found for found in findings if removal_counts.proposes(found, comment)]
    may = ways(comment, log.last, appeals)
    hidden = kind == Kind.SEALED or bool(comment.erased_at)
    spans = [] if hidden else explanations.merged(span for found in why for span in found.spans)
    return Told(
        comment=comment,
        kind=kind,
        title=decision_kinds.title(kind),
        sentences=[
            sentence
            for sentence in [
                *decision_kinds.what(kind, reason, line, looked),
                # Two findings of one check are told in the same words.
                *dict.fromkeys(finding(found) for found in why),
                decision_kinds.reported(kind, [case for case in cases if case.opened_at <= line.at]),
                decision_kinds.who(kind, line, is_proposed=is_proposed),
            ]
            if sentence
        ],
        ways=may,
        way=decision_kinds.way(kind, may, appeals),
        body=SafeString("") if hidden else explanations.marked(comment.body, spans),
        marked=list(dict.fromkeys(Truncator(comment.body[a:z]).chars(100) for a, z in spans))[:MARKED],
        excerpt="" if hidden else Truncator(comment.body).chars(EXCERPT),
        at=line.at,
        url=mailed_url(comment),
    )


def _kind(comment: Comment, log: state_history.Log, looked: Appeal | None, findings: list[Finding]) -> Kind:
    if comment.state == State.PENDING:
        return _kind_of_wait(log.telling, findings, is_rewritten=log.is_rewritten)
    if comment.state == State.PUBLISHED:
        if log.is_rewritten and comment.is_redacted:
            return Kind.REDACTED
        was = known[0] if (known := log.known()) else ""
        if was in REMOVED:
            return Kind.RESTORED
        return Kind.PUBLISHED if was == State.PENDING else Kind.NONE
    if comment.state_reason == Reason.SEALED:
        return Kind.SEALED
    if comment.state in REMOVED:
        if looked and not looked.is_edit:
            return Kind.STAYS
        return Kind.SPAM if comment.state == State.SPAM else Kind.REMOVED
    return Kind.NONE


def _kind_of_wait(line: Transition, findings: list[Finding], *, is_rewritten: bool) -> Kind:
    if decision_kinds.by_person(line) and not is_rewritten:
        return Kind.HELD
    if line.from_state and not is_rewritten:
        return Kind.CHANGED
    checks = {finding.check_name for finding in findings}
    if "sanctioned" in checks:
        return Kind.WATCHED
    if checks and checks <= {"new_person"}:
        return Kind.NEW
    return Kind.ALL if checks and checks <= {"new_person", "reviewed_first"} else Kind.CHECKED


def finding(found: Finding) -> str:
    """As its author reads it who alone reads this page; words.why is for moderators as well."""
    if found.check_name != "new_person":
        return explanations.why(found, to_moderator=False, twin=found.public_twin)
    if found.number is not None:
        return _("Nothing of yours was approved here yet.")
    if found.is_proved:  # type: ignore[attr-defined]
        return _("You confirmed your e-mail only after you wrote it.")
    return _("Your e-mail is not confirmed yet: open the link that we mailed you.")
