"""What the desk shows: a card for each comment, with all that a decision needs, and acts for the history.

A page of cards takes the same few statements whatever its length; each is fetched once for all cards.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Comment, CommentRevision, State, Transition
from comments.models import CommentQuerySet as Comments
from comments.policy import policy
from moderation import cases, changes, marks, people, reports, similar, words
from moderation.models import Batch, Case, Change, Finding, Group, Member, Seal, has_page
from moderation.policy import last_decisions
from moderation.similar import alone

PAGE = 25  # acts in the history


@dataclass(frozen=True)
class Why:
    sentence: str
    strength: int  # 1 to 3
    twin: Comment | None  # the other one, if it can be read


@dataclass(frozen=True)
class Decided:
    """An earlier decision on the comment."""

    what: str  # "Removed: off topic"
    who: str  # nothing: nobody
    at: datetime
    url: str  # of the act, for those who may open it


@dataclass(frozen=True)
class Alike:
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
    why: list[Why]  # the strongest first
    score: str  # what they come to, in a sentence
    person: str  # the key of its writer, as in URLs: u12
    record: people.Record
    asked: list[reports.Asked]
    alike: Alike | None
    decisions: list[Decided]  # the latest first
    has_page: bool  # whether it can be read in its place
    earlier: list[CommentRevision]  # what it said before it was edited, the latest first
    taken: bool  # a colleague is looking at it now: case.claimed_by, until case.claimed_until
    acts: list[dict[str, Any]]  # what else can be done with it, as Policy.actions gives it

    @property
    def likely(self) -> str:
        """Which of its acts is told apart while it waits: "spam" for strong reasons, else "approved"."""
        if self.comment.state != State.PENDING:
            return ""
        return "spam" if any(why.strength == 3 for why in self.why) else "approved"


def with_all(comments: Comments) -> Comments:
    """With all that a card reads of them and around them."""
    return comments.select_related("discussion__article", "parent", "guest", "author").defer(
        "parent__body",
        *("discussion__article__body", "discussion__article__body_html", "discussion__article__vector"),
    )


def cards(comments: Sequence[Comment], user: User) -> list[Card]:
    """In the same number of statements for any number of comments (with_all)."""
    ids = [comment.pk for comment in comments]
    seen = last_decisions(ids)
    findings = defaultdict(list)
    for finding in Finding.objects.of_now(ids):
        findings[finding.comment_id].append(finding)
    twins = [found.twin_id for some in findings.values() for found in some if found.twin_id]
    own = set(Comment.objects.moderated_by(user).filter(pk__in=twins).values_list("pk", flat=True))
    earlier = defaultdict(list)
    for version in CommentRevision.objects.filter(comment__in=ids).order_by("-revision"):
        earlier[version.comment_id].append(version)
    opened = {
        case.comment_id: case
        for case in Case.objects.open().filter(comment__in=ids).select_related("claimed_by")
    }
    asked = reports.asked([case.pk for case in opened.values()], user)
    records = people.records(comments)
    decisions = _decisions(ids, user)
    alike = _alike(comments) if user.is_moderator else {}
    acts = policy().actions(comments, user)
    now = timezone.now()
    found_cards = []
    for comment in comments:
        found = findings[comment.pk]
        signs = alone.signs(comment.author_name, comment.body)
        spans = [span for finding in found for span in finding.spans]
        spans += [span for sign in signs for span in sign.spans]
        why = [(f.strength, _why(f, own)) for f in found]
        why += [(sign.strength, Why(sign.sentence, _class(sign.strength), None)) for sign in signs]
        why.sort(key=lambda one: -one[0])
        body, all_marked = marks.marked(comment.body, comment.body_html, spans)
        case = opened.get(comment.pk)
        found_cards.append(
            Card(
                comment=comment,
                case=case,
                seen=f"{comment.pk}.{seen.get(comment.pk, 0)}",
                body=body,
                typed=None if all_marked else words.marked(comment.body, spans),
                why=[one for _strength, one in why],
                score=_in_a_sentence([strength for strength, _one in why]),
                person=people.Person.of(comment).key,
                record=records[comment.pk],
                asked=asked.get(case.pk, []) if case else [],
                alike=alike.get(comment.pk),
                decisions=decisions[comment.pk],
                has_page=has_page(comment),
                earlier=earlier[comment.pk],
                taken=bool(
                    case and case.claimed_until and case.claimed_until > now and case.claimed_by_id != user.pk
                ),
                acts=[act for act in acts.get(comment.pk, []) if not _is_on_the_card(act)],
            )
        )
    return found_cards


def comes_back(url: str, here: str) -> str:
    """The URL of an act of Policy.actions that comes back here rather than to the story."""
    parts = urlsplit(url)
    query = [(key, here if key == "next" else value) for key, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()


def _is_on_the_card(act: dict[str, Any]) -> bool:
    """Its three main acts have buttons of their own."""
    return bool(urlsplit(act["url"]).path == reverse("moderation:decide"))


def _why(found: Finding, own: set[int]) -> Why:
    """`own`: ids of other comments that this person decides on, and so may know of before they are public."""
    twin = found.twin if found.twin_id in own else found.public_twin
    sentence = words.why(found, to_moderator=True, twin=twin)
    return Why(sentence, _class(found.strength), twin if twin and has_page(twin) else None)


def _class(strength: float) -> int:
    return 3 if strength >= cases.STRONG else 2 if strength >= cases.MIDDLING else 1


def _in_a_sentence(strengths: Sequence[float]) -> str:
    """What the reasons come to. No probability: nothing has been learned from decisions yet."""
    counts = [sum(_class(strength) == which for strength in strengths) for which in (3, 2, 1)]
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


def _decisions(ids: Sequence[int], user: User) -> dict[int, list[Decided]]:
    """What people decided on these, the latest first; two statements."""
    rows = (
        Transition.objects.filter(comment__in=ids)
        .exclude(actor=None, batch=None)
        .exclude(from_state="", kind=Transition.Kind.STATE)
        .select_related("actor")
        .order_by("-id")
    )
    lines = list(rows)
    batches = Batch.objects.select_related("undoes__undoes").in_bulk({line.batch for line in lines})
    found: dict[int, list[Decided]] = defaultdict(list)
    for line in lines:
        batch = batches.get(line.batch)
        what = words.done(batch) if batch else words.decided(line.to_state, line.reason)
        opens = batch and (user.is_moderator or batch.actor_id == user.pk)
        url = reverse("moderation:batch", args=[line.batch]) if opens else ""
        found[line.comment_id].append(Decided(what, str(line.actor or ""), line.at, url))
    return found


def _alike(comments: Sequence[Comment]) -> dict[int, Alike]:
    """Two statements."""
    groups = similar.groups_of(comment.pk for comment in comments)
    members = Member.objects.filter(group__in=list(groups.values()), comment__state=State.PUBLISHED)
    published = dict(members.order_by().values_list("group").annotate(n=Count("pk")))
    found = {}
    for comment in comments:
        if group := groups.get(comment.pk):
            count = published.get(group.pk, 0) - (comment.state == State.PUBLISHED)
            said = ngettext(
                "%(n)s comment looks like this one, %(published)s of them published.",
                "%(n)s comments look like this one, %(published)s of them published.",
                group.size - 1,
            ) % {"n": f"{group.size - 1:,}", "published": f"{count:,}" if count > 0 else _("none")}
            found[comment.pk] = Alike(group, said)
    return found


@dataclass(frozen=True)
class Act:
    """One line of the history. `is_undone`: somebody took it back since, and nobody took that back."""

    batch: Batch
    done: str
    about: str  # what it was done to, where that is one thing with a name: a story, the whole site, a rule
    count: int  # comments
    is_undone: bool
    part: str  # "undone for 1 of 2", where that is so of some of its comments alone
    last: UUID  # of the act and its undos, the last: the one to undo now


# An act, the undo of it, the undo of that …, down to the last, and how many undos that makes.
LAST = """
WITH RECURSIVE chain AS (
  SELECT id AS act, id, at, 0 AS undos FROM moderation_batch WHERE id = ANY(%s)
  UNION ALL
  SELECT chain.act, b.id, b.at, undos + 1 FROM chain JOIN moderation_batch b ON b.undoes_id = chain.id)
SELECT DISTINCT ON (act) act, id, undos FROM chain ORDER BY act, undos DESC, at DESC"""


# How many comments such acts were about, and for how many of them each is undone now: an undo leaves alone
# what was decided on since, and seals are lifted one by one.
PARTS = """
WITH RECURSIVE chain AS (
  SELECT id AS act, id, 0 AS undos FROM moderation_batch WHERE id = ANY(%s)
  UNION ALL
  SELECT chain.act, b.id, undos + 1 FROM chain JOIN moderation_batch b ON b.undoes_id = chain.id),
lines AS (
  SELECT chain.act, t.comment_id, count(*) FILTER (WHERE undos > 0) %% 2 AS undone
  FROM chain JOIN comments_transition t ON t.batch = chain.id GROUP BY 1, 2)
SELECT act, count(*), sum(undone)::int FROM lines GROUP BY 1"""


def acts(batches: Sequence[Batch]) -> list[Act]:
    counts = dict(
        Transition.objects.filter(batch__in=[batch.pk for batch in batches])
        .order_by()
        .values_list("batch")
        .annotate(count=Count("pk"))
    )
    about, marked = _about(batches)
    with connection.cursor() as cursor:
        cursor.execute(LAST, [[batch.pk for batch in batches]])
        last = {act: (pk, undos % 2 == 1) for act, pk, undos in cursor.fetchall()}
        parts = {}
        if touched := [act for act, (pk, _is_undone) in last.items() if pk != act]:
            cursor.execute(PARTS, [touched])
            counted = [(act, {"k": f"{k:,}", "n": f"{n:,}"}) for act, n, k in cursor.fetchall() if 0 < k < n]
            parts = {act: _("undone for %(k)s of %(n)s") % part for act, part in counted}
    # Seals are lifted one by one: such an act is in force, and to be undone, until the last of its own is.
    if lifted := [b.pk for b in batches if b.kind == Batch.Kind.SEAL and last[b.pk][0] != b.pk]:
        here = Seal.objects.filter(batch__in=lifted, lifted_at=None, comment__erased_at=None)
        last |= {act: (act, False) for act in here.order_by().values_list("batch", flat=True)}
    return [
        Act(
            batch=batch,
            done=words.done(batch),
            about=about.get(batch.pk, ""),
            count=counts.get(batch.pk, 0) or marked.get(batch.pk, 0),
            is_undone=last[batch.pk][1],
            part=parts.get(batch.pk, ""),
            last=last[batch.pk][0],
        )
        for batch in batches
    ]


def _about(batches: Sequence[Batch]) -> tuple[dict[UUID, str], dict[UUID, int]]:
    """Of acts that changed settings: the name of the one thing changed, and how many comments; and of an
    import, its story."""
    rows = Change.objects.filter(batch__in=batches).order_by().values_list("batch", "target")
    found = list(rows.annotate(things=Count("target_id", distinct=True), one=Min("target_id")))
    marked = {batch: things for batch, target, things, _one in found if target == Change.Target.COMMENT}
    single = {
        batch: Change(target=target, target_id=one)
        for batch, target, things, one in found
        if things == 1 and target != Change.Target.COMMENT
    }
    names = changes.named(single.values())
    about = {batch: names.get((change.target, change.target_id), "") for batch, change in single.items()}
    # The story of an import, which stands in none of its parameters.
    brought = [batch.pk for batch in batches if batch.kind == Batch.Kind.IMPORT]
    if brought:
        lines = Transition.objects.filter(batch__in=brought).order_by("batch", "id").distinct("batch")
        about |= dict(lines.values_list("batch", "discussion__article__title"))
    return about, marked
