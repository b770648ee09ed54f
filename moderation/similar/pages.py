"""Data for the pages of similar comments, in a bounded number of statements for groups of any size."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import BooleanField, Exists, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.models import User
from comments.models import Comment, State, moderatable_article_ids
from core.database.sql import fetch_column, fetch_rows
from moderation import excerpts
from moderation.actions.state_history import approved_by_person
from moderation.features.words import lowercase_words, phrase_hashes, shared_phrase_spans
from moderation.models import CommentGroup, CommentGroupMember
from moderation.rules import rule_replay
from moderation.rules.matching import Spans
from moderation.similar import SCAN_KINDS, explanations, finished_scans
from moderation.similar.clues import Clue, promotional_spans
from moderation.similar.grouping import MIN_SIMILAR

GROUPS_PER_PAGE = 20  # groups on a page
MEMBERS_PER_PAGE = 50  # members on a page
MISTAKES_SHOWN = 2  # most likely mistakes shown first
MISTAKES_SHOWN_IN_LARGE = 6
LARGE_GROUP = 40
TYPICAL_SHOWN = 3  # typical examples
SAMPLE_SIZE = 200  # members from which shared phrases are computed
EXCERPT_LENGTH = 700  # characters of a member's text
MAX_EXCEPTIONS = 400  # deselected members that fit into a URL
MAX_ILLEGAL_LISTED = 20  # members reported as illegal that are listed

IN_ARTICLES = "(%(article_ids)s::bigint[] IS NULL OR c.discussion_id = ANY(%(article_ids)s))"
IS_UNDECIDED = f"c.state IN ('pending', 'published') AND {IN_ARTICLES}"
# Comments reported as illegal need a decision of their own and are left out of every group.
IS_REPORTED_ILLEGAL = """EXISTS (
    SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL AND k.is_illegal)"""
# A comment is an open member until a person decides on it, that is, until it is removed or approved.
IS_OPEN_MEMBER = f"""{IS_UNDECIDED} AND NOT {IS_REPORTED_ILLEGAL}
  AND NOT {approved_by_person("t.id > m.last_transition_id")}"""
# Stops at the first open member. EXISTS would join all members of all groups first: 6 ms for 3,000.
# The two parameters have no names, because RawSQL takes none.
HAS_OPEN_MEMBER = f"""(
  SELECT true FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
  WHERE m.group_id = moderation_commentgroup.id AND {IS_OPEN_MEMBER % {"article_ids": "%s"}} LIMIT 1)"""
CLUE_COUNTS = ", ".join(f"count(*) FILTER (WHERE m.clues & {int(clue)} <> 0)" for clue in Clue)
MEMBER_COUNTS_SQL = f"""
SELECT m.group_id, count(*), count(*) FILTER (WHERE c.state = 'published'), count(DISTINCT c.discussion_id),
       ARRAY[{CLUE_COUNTS}]
FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = ANY(%(groups)s::uuid[]) AND m.comment_id IS DISTINCT FROM %(exclude)s::bigint
  AND {IS_OPEN_MEMBER} GROUP BY 1"""
TYPICAL_MEMBERS_SQL = f"""
SELECT g.id, e.comment_id FROM unnest(%(groups)s::uuid[]) g(id) CROSS JOIN LATERAL (
  SELECT m.comment_id FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
  WHERE m.group_id = g.id AND {IS_OPEN_MEMBER} ORDER BY m.similarity DESC, m.comment_id LIMIT %(many)s) e"""
OPEN_MEMBERS_SQL = f"""
SELECT m.comment_id FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND m.comment_id = ANY(%(ids)s) AND {IS_OPEN_MEMBER}"""
# The expected transition is the one that the scan saw, or the last one if an undo restored that state.
EXPECTED_TRANSITIONS_SQL = f"""
SELECT m.comment_id,
       CASE WHEN b.undoes_id IS NOT NULL AND l.revision = s.revision THEN l.id ELSE m.last_transition_id END
FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
LEFT JOIN comments_transition s ON s.id = m.last_transition_id
LEFT JOIN LATERAL (
  SELECT t.id, t.batch, t.revision FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) l ON true
LEFT JOIN moderation_batch b ON b.id = l.batch
WHERE m.group_id = %(group)s AND {IS_OPEN_MEMBER}"""
DECIDED_SINCE_SQL = f"""
SELECT m.comment_id FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
CROSS JOIN LATERAL (
  SELECT t.id, t.actor_id FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) l
WHERE m.group_id = %(group)s AND {IN_ARTICLES}
  AND l.id > greatest(m.last_transition_id, %(since)s) AND l.actor_id IS NOT NULL
  AND NOT {IS_REPORTED_ILLEGAL} AND NOT ({IS_OPEN_MEMBER}) ORDER BY 1"""
MEMBERS_PAGE_SQL = f"""
SELECT m.comment_id, m.similarity, m.clues
FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND {IS_OPEN_MEMBER} AND m.comment_id <> ALL(%(exclude)s::bigint[])
  AND (m.similarity, m.comment_id) > (%(similarity)s::float8, %(after)s)
ORDER BY m.similarity, m.comment_id LIMIT %(many)s"""

ILLEGAL_MEMBERS_SQL = f"""
SELECT m.comment_id FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND {IS_UNDECIDED} AND {IS_REPORTED_ILLEGAL} ORDER BY 1"""


@dataclass(frozen=True)
class GroupRow:
    """One group in the list of groups."""

    group: CommentGroup
    title: str
    counts: str  # in words
    shared_features: list[str]
    distinctive_words: list[str]  # words much more common in the group than elsewhere
    example: SafeString | None
    example_comment: Comment | None


@dataclass(frozen=True)
class MemberRow:
    """One member of a group as its page shows it."""

    comment: Comment
    body: SafeString
    clues: list[str]
    is_selected: bool


class MemberPlace(NamedTuple):
    """A member with its position in the order of its group."""

    comment: int
    similarity: float
    clues: int


def open_groups(user: User) -> QuerySet[CommentGroup]:
    """Return the open groups of the latest scan with an open comment on which this person may decide.

    A group is open until all its members are decided on, together or one by one. The largest come first.
    The query for an editor holds the stories that they may edit now, so it must not be cached.
    """
    article_ids = moderatable_article_ids(user)
    has_open_member = RawSQL(HAS_OPEN_MEMBER, (article_ids, article_ids), BooleanField())  # noqa: S611  # a constant
    found = CommentGroup.objects.select_related("original__discussion__article").filter(
        has_open_member,
        scan_id__in=finished_scans().values("pk")[:1],
        kind__in=SCAN_KINDS,
        resolved_at=None,
    )
    first = CommentGroupMember.objects.filter(group=OuterRef("pk")).order_by("comment").values("comment")[:1]
    # Group keys are random in each scan; ordering by the first comment keeps the order stable between scans.
    return found.order_by("-size", "kind", Subquery(first))


def groups_visible_to(user: User) -> QuerySet[CommentGroup]:
    """Return all groups, open or resolved, with a comment on which this person may decide."""
    found = CommentGroup.objects.select_related("original__discussion__article")
    if user.is_moderator:
        return found
    moderatable = Comment.objects.moderatable_by(user).filter(pk=OuterRef("comment"))
    return found.filter(Exists(CommentGroupMember.objects.filter(Exists(moderatable), group=OuterRef("pk"))))


def group_url(group: CommentGroup, without: Iterable[int], after: str = "", since: int = 0) -> str:
    """Return the URL of a group with these comments deselected, starting after a position."""
    path = reverse("moderation:group", args=[group.pk])
    query = {"after": after, "without": exceptions_value(without), "since": since}
    encoded = urlencode({key: value for key, value in query.items() if value})
    return f"{path}?{encoded}" if encoded else path


def exceptions_value(without: Iterable[int]) -> str:
    """Return the ?without= value for these comments."""
    return ".".join(map(str, sorted(without)))


def group_rows(groups: Sequence[CommentGroup], user: User) -> list[GroupRow]:
    """Return the rows of these groups in four statements, without groups in which nothing is open."""
    keys = [group.pk for group in groups]
    article_ids = moderatable_article_ids(user)
    numbers = count_members(keys, article_ids)
    samples = _typical_members(keys, article_ids, SAMPLE_SIZE // 10)
    bodies = _load_comments(
        {pk for sample in samples.values() for pk in sample} | set(_comments_with_words(groups))
    )
    rows = []
    for group in groups:
        counts = numbers.get(group.pk, explanations.MemberCounts())
        if not counts.members:
            continue
        sample = [bodies[pk] for pk in samples.get(group.pk, []) if pk in bodies]
        example = next((comment for comment in sample if comment.body), None)
        shared = _shared_phrases(sample)
        rows.append(
            GroupRow(
                group=group,
                title=explanations.title(group, counts.members),
                counts=explanations.describe_counts(counts),
                shared_features=explanations.describe_shared_features(
                    group, counts, is_whole=article_ids is None
                ),
                distinctive_words=_read_distinctive_words(group, bodies, article_ids),
                example=_highlighted_excerpt(example, shared) if example else None,
                example_comment=example,
            )
        )
    return rows


def count_members(
    keys: list[Any], article_ids: list[int] | None, *, exclude: int | None = None
) -> dict[Any, explanations.MemberCounts]:
    """Return the counts of open members by group, without groups that have none.

    `exclude` is a comment that is not counted.
    """
    rows = fetch_rows(MEMBER_COUNTS_SQL, {"groups": keys, "article_ids": article_ids, "exclude": exclude})
    return {key: explanations.MemberCounts(*rest) for key, *rest in rows}


def open_members(group: CommentGroup, article_ids: list[int] | None, ids: Collection[int]) -> list[int]:
    """Return those of these comments that are open members of the group."""
    return (
        fetch_column(OPEN_MEMBERS_SQL, {"group": group.pk, "article_ids": article_ids, "ids": list(ids)})
        if ids
        else []
    )


def expected_transitions(group: CommentGroup, user: User) -> dict[int, int]:
    """Return the open members, each with the transition on which a decision must be based."""
    return dict(
        fetch_rows(
            EXPECTED_TRANSITIONS_SQL, {"group": group.pk, "article_ids": moderatable_article_ids(user)}
        )
    )


def decided_since(group: CommentGroup, user: User, since: int) -> list[int]:
    """Return the former members on which a person has decided after this transition."""
    return fetch_column(
        DECIDED_SINCE_SQL, {"group": group.pk, "article_ids": moderatable_article_ids(user), "since": since}
    )


def reported_as_illegal(group: CommentGroup, article_ids: list[int] | None) -> list[int]:
    """Return the members that are left out because they were reported as illegal."""
    return fetch_column(ILLEGAL_MEMBERS_SQL, {"group": group.pk, "article_ids": article_ids})


@dataclass(frozen=True)
class Page:
    """One page of a group."""

    likely_mistakes: list[MemberRow]
    typical: list[MemberRow]
    others: list[MemberRow]
    after: str  # the position of the last member, for the next page; "" on the last page


def load_page(
    group: CommentGroup,
    article_ids: list[int] | None,
    *,
    after: tuple[float, int] | None = None,
    without: Collection[int] = (),
) -> Page:
    """Return one page of a group, the least similar members first.

    The first page begins with the most likely mistakes and typical examples; later pages start after `after`.
    `article_ids` are from moderatable_article_ids, `without` are the deselected comments.
    """
    sample = _typical_members([group.pk], article_ids, SAMPLE_SIZE).get(group.pk, [])
    mistake_count = MISTAKES_SHOWN if len(sample) <= LARGE_GROUP else MISTAKES_SHOWN_IN_LARGE
    typical = [] if len(sample) <= mistake_count + TYPICAL_SHOWN else sample[:TYPICAL_SHOWN]
    similarity, last = after or (-1.0, 0)
    wanted = MEMBERS_PER_PAGE if after else MEMBERS_PER_PAGE - len(typical)
    values: dict[str, Any] = {"group": group.pk, "article_ids": article_ids, "exclude": typical}
    values |= {"similarity": similarity, "after": last, "many": wanted + 1}
    rows = [MemberPlace(*row) for row in fetch_rows(MEMBERS_PAGE_SQL, values)]
    clues_of_typical = dict(
        CommentGroupMember.objects.filter(group=group, comment__in=typical).values_list("comment", "clues")
    )
    more, rows = len(rows) > wanted, rows[:wanted]
    likely_mistakes = [] if after else rows[:mistake_count]
    others = rows[len(likely_mistakes) :]
    bodies = _load_comments({row.comment for row in rows} | set(sample))
    shared = _shared_phrases([bodies[pk] for pk in sample if pk in bodies])
    rule = rule_replay.span_finder(group.details["rule"]) if group.kind == CommentGroup.Kind.RULE else None

    def member_row(pk: int, clues: int) -> MemberRow:
        comment = bodies[pk]
        body = _highlighted_excerpt(comment, shared, rule)
        return MemberRow(comment, body, explanations.describe_clues(Clue(clues), comment), pk not in without)

    return Page(
        likely_mistakes=[member_row(row.comment, row.clues) for row in likely_mistakes],
        typical=[] if after else [member_row(pk, clues_of_typical[pk]) for pk in typical],
        others=[member_row(row.comment, row.clues) for row in others],
        after=f"{rows[-1].similarity!r}.{rows[-1].comment}" if more else "",
    )


def shared_spans(group: CommentGroup, comment: Comment) -> Spans:
    """Return the spans of phrases in a member's text that several members share. Runs two statements."""
    sample = _typical_members([group.pk], None, SAMPLE_SIZE).get(group.pk, [])
    shared = _shared_phrases(list(Comment.objects.filter(pk__in=sample).only("body")))
    return excerpts.merge_spans(shared_phrase_spans(comment.body, shared))


def distinctive_words(group: CommentGroup, article_ids: list[int] | None) -> list[str]:
    """Return the distinctive words of a group, read from comments in `article_ids`."""
    return _read_distinctive_words(group, _load_comments(_comments_with_words([group])), article_ids)


def _typical_members(keys: list[Any], article_ids: list[int] | None, many: int) -> dict[Any, list[int]]:
    """Return the most typical open members by group, at most `many` each."""
    found: dict[Any, list[int]] = {}
    for key, pk in fetch_rows(
        TYPICAL_MEMBERS_SQL, {"groups": keys, "article_ids": article_ids, "many": many}
    ):
        found.setdefault(key, []).append(pk)
    return found


def _load_comments(ids: Iterable[int]) -> dict[int, Comment]:
    """Return these comments by id, without the texts of their stories."""
    comments = Comment.objects.with_story().select_related("guest", "author").defer("body_html")
    return comments.in_bulk(list(ids))


def _comments_with_words(groups: Iterable[CommentGroup]) -> list[int]:
    """Return the comments from which distinctive words are read."""
    return [pk for group in groups for pk, *_ in group.details.get("telling", [])]


def _read_distinctive_words(
    group: CommentGroup, bodies: dict[int, Comment], article_ids: list[int] | None
) -> list[str]:
    """Return the distinctive words of a group, read from comments of `article_ids` with unchanged text."""
    states = {State.PENDING, State.PUBLISHED, State.SPAM}
    texts = {
        pk: (c.revision, c.body)
        for pk, c in bodies.items()
        if c.state in states and (article_ids is None or c.discussion_id in article_ids)
    }
    return [
        texts[pk][1][start:end]
        for pk, revision, start, end in group.details.get("telling", [])
        if pk in texts and texts[pk][0] == revision
    ]


def _shared_phrases(sample: Sequence[Comment]) -> set[int]:
    """Return the phrases that several of these comments share."""
    counts = Counter[int]()
    for comment in sample:
        counts.update(set(phrase_hashes(lowercase_words(comment.body))))
    enough = min(MIN_SIMILAR, max(2, len(sample) // 2))
    return {phrase for phrase, n in counts.items() if n >= enough}


def _highlighted_excerpt(
    comment: Comment, shared: set[int], rule: Callable[[Comment], Spans] | None = None
) -> SafeString:
    """Return an excerpt of a comment's text with highlights.

    Highlights are the shared phrases and promotional passages, or what `rule` found.
    """
    found = (
        rule(comment)
        if rule
        else [*shared_phrase_spans(comment.body, shared), *promotional_spans(comment.body)]
    )
    return excerpts.highlighted_excerpt(comment.body, found, EXCERPT_LENGTH)
