"""What the pages of similar comments show, in a bounded number of statements for a group of any size."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString

from accounts.models import User
from comments.models import Comment, State
from moderation.models import Group, Member
from moderation.queue import explanations as words
from moderation.rules import replay
from moderation.rules.matching import Spans
from moderation.similar import SCAN_KINDS, explanations, finished_scans, text_features
from moderation.similar.clues import Clue
from moderation.similar.grouping import MIN_MEMBERS, MIN_SIMILAR

LISTED = 20  # groups on a page
MEMBERS_PER_PAGE = 50  # members on a page
UNLIKELY_SHOWN = 2  # members shown first, the least like the others; of a large group
UNLIKELY_SHOWN_IN_LARGE = 6
LARGE_GROUP = 40
TYPICAL_SHOWN = 3  # from the middle
SAMPLE_SIZE = 200  # members by which the shared words are found again
EXCERPT_LENGTH = 700  # characters of a member's text
MAX_ILLEGAL_LISTED = 20  # of those that were reported as illegal

IN_ARTICLES = "(%(articles)s::bigint[] IS NULL OR c.discussion_id = ANY(%(articles)s))"
UNDECIDED_STATE = f"c.state IN ('pending', 'published') AND {IN_ARTICLES}"
# What was reported as illegal is decided on by itself, whatever list it is in.
ILLEGAL = """EXISTS (
    SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL AND k.is_illegal)"""
# A member is there as long as nobody has decided on it: not any more if it is gone, or was approved since.
STILL_MEMBER = f"""{UNDECIDED_STATE} AND NOT {ILLEGAL}
  AND NOT (c.state_reason = 'approved' AND EXISTS (
    SELECT FROM comments_transition t
    WHERE t.comment_id = c.id AND t.kind = 'state' AND t.reason = 'approved' AND t.actor_id IS NOT NULL
      AND t.id > m.seen))"""
COUNT = f"""
SELECT m.group_id, count(*), count(*) FILTER (WHERE c.state = 'published'), count(DISTINCT c.discussion_id)
FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = ANY(%(groups)s::uuid[]) AND {STILL_MEMBER} GROUP BY 1"""
MOST_TYPICAL = f"""
SELECT g.id, e.comment_id FROM unnest(%(groups)s::uuid[]) g(id) CROSS JOIN LATERAL (
  SELECT m.comment_id FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
  WHERE m.group_id = g.id AND {STILL_MEMBER} ORDER BY m.likeness DESC, m.comment_id LIMIT %(many)s) e"""
# The last line that gave back what the look saw (an undo's) is as good as that one.
EXPECTED = f"""
SELECT m.comment_id, CASE WHEN b.undoes_id IS NOT NULL AND l.revision = s.revision THEN l.id ELSE m.seen END
FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
LEFT JOIN comments_transition s ON s.id = m.seen
LEFT JOIN LATERAL (
  SELECT t.id, t.batch, t.revision FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) l ON true
LEFT JOIN moderation_batch b ON b.id = l.batch
WHERE m.group_id = %(group)s AND {STILL_MEMBER}"""
DECIDED = f"""
SELECT m.comment_id FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
CROSS JOIN LATERAL (
  SELECT t.id, t.actor_id FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) l
WHERE m.group_id = %(group)s AND {IN_ARTICLES}
  AND l.id > greatest(m.seen, %(since)s) AND l.actor_id IS NOT NULL
  AND NOT {ILLEGAL} AND NOT ({STILL_MEMBER}) ORDER BY 1"""
MEMBERS_PAGE = f"""
SELECT m.comment_id, m.likeness, m.clues
FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND {STILL_MEMBER} AND m.comment_id <> ALL(%(without)s::bigint[])
  AND (m.likeness, m.comment_id) > (%(likeness)s::float8, %(after)s)
ORDER BY m.likeness, m.comment_id LIMIT %(many)s"""

ILLEGAL_MEMBERS = f"""
SELECT m.comment_id FROM moderation_member m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND {UNDECIDED_STATE} AND {ILLEGAL} ORDER BY 1"""


@dataclass(frozen=True)
class GroupRow:
    """One group in the list."""

    group: Group
    title: str
    numbers: str
    shares: list[str]
    words: list[str]  # that are much more common in it than elsewhere
    example: SafeString | None
    example_of: Comment | None


@dataclass(frozen=True)
class MemberRow:
    """One member."""

    comment: Comment
    body: SafeString
    is_cut: bool
    clues: list[str]
    is_member: bool  # the box is ticked


class MemberPlace(NamedTuple):
    comment: int
    likeness: float
    clues: int


def decided_discussions(user: User) -> list[int] | None:
    """The discussions in which somebody decides; None: all."""
    if user.is_moderator:
        return None
    return list(Comment.objects.moderated_by(user).order_by().values_list("discussion", flat=True).distinct())


def groups(user: User, kind: str = "") -> QuerySet[Group]:
    """The open groups of the latest look that hold a comment on which this person decides; largest first."""
    found = groups_visible_to(user).filter(
        run__in=finished_scans().values("pk")[:1], kind__in=[kind] if kind else SCAN_KINDS, settled_at=None
    )
    first = Member.objects.filter(group=OuterRef("pk")).order_by("comment").values("comment")[:1]
    # The same comments in the same order after each look, whose keys are random.
    return found.order_by("-size", "kind", Subquery(first))


def groups_visible_to(user: User) -> QuerySet[Group]:
    """Those that hold a comment on which this person decides, of whatever look or rule, also when settled."""
    found = Group.objects.select_related("original__discussion__article")
    if user.is_moderator:
        return found
    mine = Comment.objects.moderated_by(user).filter(pk=OuterRef("comment"))
    return found.filter(Exists(Member.objects.filter(Exists(mine), group=OuterRef("pk"))))


def lines(found: Sequence[Group], user: User) -> list[GroupRow]:
    """Four statements. Groups of which less than two are left are left out."""
    keys = [group.pk for group in found]
    articles = decided_discussions(user)
    numbers = count_members(keys, articles)
    samples = _typical_members(keys, articles, SAMPLE_SIZE // 10)
    bodies = _load_comments(
        {pk for sample in samples.values() for pk in sample} | set(_comments_with_words(found))
    )
    shown = []
    for group in found:
        of = numbers.get(group.pk, explanations.MemberCounts())
        if of.members < MIN_MEMBERS:
            continue
        sample = [bodies[pk] for pk in samples.get(group.pk, []) if pk in bodies]
        example = next((comment for comment in sample if comment.body), None)
        hot = _shared_runs(sample)
        shown.append(
            GroupRow(
                group=group,
                title=explanations.title(group, of.members),
                numbers=explanations.describe_counts(of),
                shares=explanations.describe_shared_features(group, is_whole=articles is None),
                words=_cut_words(group, bodies, articles),
                example=_highlighted_excerpt(example, hot)[0] if example else None,
                example_of=example,
            )
        )
    return shown


def count_members(keys: list[Any], articles: list[int] | None) -> dict[Any, explanations.MemberCounts]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"groups": keys, "articles": articles})
        return {key: explanations.MemberCounts(*rest) for key, *rest in cursor.fetchall()}


def expected_transitions(group: Group, user: User) -> dict[int, int]:
    """The members that are there, each with the line of the log upon which a decision on it is taken."""
    with connection.cursor() as cursor:
        cursor.execute(EXPECTED, {"group": group.pk, "articles": decided_discussions(user)})
        return dict(cursor.fetchall())


def decided_since(group: Group, user: User, since: int) -> list[int]:
    """The members that are there no more as somebody has decided on them after this line of the log."""
    with connection.cursor() as cursor:
        cursor.execute(DECIDED, {"group": group.pk, "articles": decided_discussions(user), "since": since})
        return [row[0] for row in cursor.fetchall()]


def reported_as_illegal(group: Group, articles: list[int] | None) -> list[int]:
    """The members that are left out, as somebody has reported them as illegal."""
    with connection.cursor() as cursor:
        cursor.execute(ILLEGAL_MEMBERS, {"group": group.pk, "articles": articles})
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True)
class Page:
    edges: list[MemberRow]
    middle: list[MemberRow]
    others: list[MemberRow]
    after: str  # the place behind the last one; "" at the end


def page(
    group: Group,
    articles: list[int] | None,
    *,
    after: tuple[float, int] | None = None,
    without: Collection[int] = (),
) -> Page:
    """The first page begins with the edges and some from the middle, and goes on with all others, the least
    alike first; those behind `after` follow. `articles`: articles_of; `without`: the exceptions."""
    sample = _typical_members([group.pk], articles, SAMPLE_SIZE).get(group.pk, [])
    edge_count = UNLIKELY_SHOWN if group.size <= LARGE_GROUP else UNLIKELY_SHOWN_IN_LARGE
    middle = [] if group.size <= edge_count + TYPICAL_SHOWN else sample[:TYPICAL_SHOWN]
    likeness, last = after or (-1.0, 0)
    wanted = MEMBERS_PER_PAGE if after else MEMBERS_PER_PAGE - len(middle)
    values: dict[str, Any] = {"group": group.pk, "articles": articles, "without": middle}
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS_PAGE, values | {"likeness": likeness, "after": last, "many": wanted + 1})
        rows = [MemberPlace(*row) for row in cursor.fetchall()]
    clues = dict(Member.objects.filter(group=group, comment__in=middle).values_list("comment", "clues"))
    more, rows = len(rows) > wanted, rows[:wanted]
    edges = [] if after else rows[:edge_count]
    others = rows[len(edges) :]
    bodies = _load_comments({row.comment for row in rows} | set(sample))
    hot = _shared_runs([bodies[pk] for pk in sample if pk in bodies])
    rule = replay.places(group.shared["rule"]) if group.kind == Group.Kind.RULE else None

    def shown(pk: int, found: int) -> MemberRow:
        comment = bodies[pk]
        body, is_cut = _highlighted_excerpt(comment, hot, rule)
        return MemberRow(
            comment, body, is_cut, explanations.describe_clues(Clue(found), comment), pk not in without
        )

    return Page(
        edges=[shown(row.comment, row.clues) for row in edges],
        middle=[] if after else [shown(pk, clues[pk]) for pk in middle],
        others=[shown(row.comment, row.clues) for row in others],
        after=f"{rows[-1].likeness!r}.{rows[-1].comment}" if more else "",
    )


def shared_spans(group: Group, comment: Comment) -> Spans:
    """Where a member's text has runs of words that several others have. Two statements."""
    sample = _typical_members([group.pk], None, SAMPLE_SIZE).get(group.pk, [])
    hot = _shared_runs(list(Comment.objects.filter(pk__in=sample).only("body")))
    return words.merged(text_features.run_spans(comment.body, hot))


def distinctive_words(group: Group, articles: list[int] | None) -> list[str]:
    return _cut_words(group, _load_comments(_comments_with_words([group])), articles)


def _typical_members(keys: list[Any], articles: list[int] | None, many: int) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(MOST_TYPICAL, {"groups": keys, "articles": articles, "many": many})
        for key, pk in cursor.fetchall():
            found.setdefault(key, []).append(pk)
    return found


def _load_comments(ids: Iterable[int]) -> dict[int, Comment]:
    told = Comment.objects.select_related("discussion__article", "guest", "author")
    texts_of_story = ["standfirst", "body", "body_html", "vector"]
    return told.defer("body_html", *(f"discussion__article__{text}" for text in texts_of_story)).in_bulk(
        list(ids)
    )


def _comments_with_words(found: Iterable[Group]) -> list[int]:
    return [pk for group in found for pk, *_ in group.shared.get("telling", [])]


def _cut_words(group: Group, bodies: dict[int, Comment], articles: list[int] | None) -> list[str]:
    """The words that tell a group apart, cut out of comments whose text is still the same, in `articles`."""
    states = {State.PENDING, State.PUBLISHED, State.SPAM}
    there = {
        pk: (c.revision, c.body)
        for pk, c in bodies.items()
        if c.state in states and (articles is None or c.discussion_id in articles)
    }
    return [
        there[pk][1][start:end]
        for pk, revision, start, end in group.shared.get("telling", [])
        if pk in there and there[pk][0] == revision
    ]


def _shared_runs(sample: Sequence[Comment]) -> set[int]:
    """Runs of words that several of these have."""
    held = Counter[int]()
    for comment in sample:
        held.update(set(text_features.word_runs(text_features.words(comment.body))))
    enough = min(MIN_SIMILAR, max(2, len(sample) // 2))
    return {run for run, n in held.items() if n >= enough}


def _highlighted_excerpt(
    comment: Comment, hot: set[int], rule: Callable[[Comment], Spans] | None = None
) -> tuple[SafeString, bool]:
    """Its text with what it shares and what tells on it, or what the rule found, marked; and is it cut?"""
    found = (
        rule(comment)
        if rule
        else [*text_features.run_spans(comment.body, hot), *text_features.telling(comment.body)]
    )
    body = comment.body[:EXCERPT_LENGTH]
    kept = [[start, min(end, len(body))] for start, end in found if start < len(body)]
    return words.marked(body, kept), len(body) < len(comment.body)
