"""Reading a discussion: one statement a page, rows and not model instances.

A page is a run of first-level comments, each with the first replies of its tree in preorder; a prefix of a
preorder always holds the ancestors of what is in it. docs/decisions.md has the figures.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User
from articles.markup.markdown import first_words
from articles.models import Article, Signed, Topic
from comments.models import REMOVED, Comment, Discussion, Reason, Recommendation, State
from comments.policy import policy
from core.sql import execute_planned

BUDGET = 200  # comments on a page; the last tree may exceed it
REPLIES = 20  # of each tree, before "Show more replies"
PICKS = 3  # above the thread; the others are told apart in their places
PICK_WORDS = 280  # characters of each
LINES_MOST = 1_000  # of the log, among which new comments are looked for
LINKED_MOST = 20  # new comments that are named
MORE_MOST = 1_000  # replies that are counted for that link deep in a tree; beyond them it says so many


class Order(TextChoices):
    """Of the first-level comments; replies stand as they were written."""

    NEWEST = "newest", _("Newest first")
    OLDEST = "oldest", _("Oldest first")
    RECOMMENDED = "recommended", _("Most recommended")
    DISCUSSED = "discussed", _("Most discussed")


KEYS = {  # what each order compares; between equals, the later one counts for more
    Order.NEWEST: "created_at",
    Order.OLDEST: "created_at",
    Order.RECOMMENDED: "recommend_count",
    Order.DISCUSSED: "reply_count",
}


class Cursor(NamedTuple):
    """The place of a first-level comment in an order: its own values, so it may go without a hole.

    `key` is a count, or for an order by time the microseconds since 1970.
    """

    key: int
    id: int

    def __str__(self) -> str:
        return f"{self.key}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises ValueError for anything but two whole numbers within bounds."""
        if not (found := re.fullmatch(r"(-?\d{1,17})\.(\d{1,18})", text, re.ASCII)):
            raise ValueError(text)
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, key: datetime | int, pk: int) -> "Cursor":
        return cls((key - EPOCH) // timedelta(microseconds=1) if isinstance(key, datetime) else key, pk)

    def value(self, order: Order) -> datetime | int:
        """What the order compares. Raises OverflowError for a time that no calendar has."""
        return EPOCH + timedelta(microseconds=self.key) if KEYS[order] == "created_at" else self.key


class Start(NamedTuple):
    """Where a page of the discussion starts: behind this place, or with it."""

    cursor: Cursor
    is_included: bool


class Place(NamedTuple):
    """Where a comment stands in an order: under which first-level comment, and whether that is on the first
    page and it itself among the replies that a page shows of one tree."""

    root_id: int
    cursor: Cursor
    root_is_first: bool
    is_early: bool


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reader:
    """Who reads, and hence which comments are there besides those that everybody sees."""

    user: User | None = None
    guest: Guest | None = None
    moderates: bool = False

    @property
    def visible(self) -> str:
        """SQL over `c`: what all see and what only this reader does."""
        return f"(c.shown OR {self.private})" if self.private else "c.shown"

    @property
    def private(self) -> str:
        """SQL over `c`: one's own unless one deleted it, what waits for those who decide; "" for others."""
        conditions = []
        if self.user:
            conditions.append("(c.author_id = %(user)s AND c.state <> 'deleted')")
        elif self.guest:
            conditions.append("(c.guest_id = %(guest)s AND c.state <> 'deleted')")
        if self.moderates:
            conditions.append("c.state = 'pending'")
        return " OR ".join(conditions)

    @property
    def parameters(self) -> dict[str, int | None]:
        return {
            "user": self.user.pk if self.user else None,
            "guest": self.guest.pk if self.guest else None,
        }

    @property
    def may_recommend(self) -> bool:
        """Whoever has an account, and a guest whose e-mail is proved."""
        return self.user is not None or (self.guest is not None and self.guest.confirmed_at is not None)

    def wrote(self, row: "Row") -> bool:
        if self.user:
            return row.author_id == self.user.pk
        return self.guest is not None and row.guest_id == self.guest.pk


class Row(NamedTuple):
    """A comment as comments/thread.jinja takes it. `level` counts the ancestors that are on the page."""

    id: int
    author_id: int | None
    guest_id: int | None
    author_name: str
    role: str  # "", "author", "editor", "moderator"
    body_html: str  # empty unless published or waiting
    text_missing: str
    state: str
    state_reason: str
    created_at: datetime
    edited_at: datetime | None
    recommend_count: int
    is_pick: bool
    is_locked: bool
    is_redacted: bool
    repeat_id: int | None  # of a removed one: the comment that it says again, if it can be read
    repeat_slug: str | None  # … and that one's story
    answers_id: int | None  # None also where that one was removed: its name is gone with it
    answers_name: str | None
    answers_here: bool  # the answered comment is on this page
    level: int
    more: int  # published replies of this tree that the page leaves out
    last: int  # the last comment of this tree that is on the page


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    next: Cursor | None = None


@dataclass(frozen=True)
class Viewer:
    """What comments/thread.jinja shows to one person only; sets and keys are ids of comments."""

    moderates: bool
    mine: set[int] = field(default_factory=set)
    editable: set[int] = field(default_factory=set)
    why: dict[int, list[str]] = field(default_factory=dict)
    decided: dict[int, list[str]] = field(default_factory=dict)  # of their own that were removed
    pages: dict[int, str] = field(default_factory=dict)  # URLs, of their own that wait or were removed
    usual: str = ""
    recommended: set[int] = field(default_factory=set)
    may_recommend: bool = False


class Pick(NamedTuple):
    """An editor's pick: the beginning of it."""

    id: int
    author_name: str
    words: str


@dataclass(frozen=True)
class Story:
    """A published article with its discussion, stored or not, and what its page tells besides."""

    article: Article
    discussion: Discussion
    topics: list[Topic]  # those shown, by name
    authors: list[Signed]  # of the staff, in their order
    days: list[tuple[date, int]]  # in order, with the number of visible comments
    seq: int  # of the last line in the discussion's log
    picks: list[Pick]  # what stands above the thread, the last first


def read_story(slug: str, now: datetime) -> Story | None:
    """One statement. `body` and `vector` are left out, and read when asked for."""
    with connection.cursor() as cursor:
        execute_planned(cursor, STORY, {"slug": slug, "now": now})
        row = cursor.fetchone()
    if row is None:
        return None
    split = len(ARTICLE) + len(DISCUSSION)
    article = Article.from_db("default", ARTICLE, row[: len(ARTICLE)])
    stored = row[len(ARTICLE) : split]
    is_stored = stored[0] is not None
    if is_stored:
        discussion = Discussion.from_db("default", DISCUSSION, stored)
        discussion.tally = json.loads(stored[DISCUSSION.index("tally")])
        discussion.article = article
    else:
        discussion = Discussion.not_stored(article)
    names, slugs, signed, signed_slugs, days, counts, seq, ids, picked, beginnings = row[split:]
    vars(article)["author_names"] = signed or []
    picks = zip(ids or [], picked or [], beginnings or [], strict=True)
    return Story(
        article,
        discussion,
        [Topic(name=name, slug=slug) for name, slug in zip(names or [], slugs or [], strict=True)],
        [Signed(name, slug) for name, slug in zip(signed or [], signed_slugs or [], strict=True)],
        list(zip(days or [], counts or [], strict=True)),
        seq or 0,
        [Pick(pk, name, first_words(beginning, PICK_WORDS)) for pk, name, beginning in picks],
    )


ARTICLE = [f.attname for f in Article._meta.concrete_fields if f.name not in {"body", "vector"}]
DISCUSSION = [f.attname for f in Discussion._meta.concrete_fields]
# Written out: Django would spend more on making it than the database on answering it.
STORY = f"""
SELECT {", ".join(f"a.{name}" for name in ARTICLE)}, {", ".join(f"d.{name}" for name in DISCUSSION)},
       topics.names, topics.slugs, authors.names, authors.slugs, days.days, days.counts,
       (SELECT seq FROM comments_transition t WHERE t.discussion_id = a.id ORDER BY seq DESC LIMIT 1),
       picks.ids, picks.names, picks.beginnings
FROM articles_article a
LEFT JOIN comments_discussion d ON d.article_id = a.id
CROSS JOIN LATERAL (
  SELECT array_agg(t.name ORDER BY t.name) AS names, array_agg(t.slug ORDER BY t.name) AS slugs
  FROM articles_article_topics m JOIN articles_topic t ON t.id = m.topic_id
  WHERE m.article_id = a.id AND t.shown) topics
CROSS JOIN LATERAL (
  SELECT array_agg(u.name ORDER BY b.place, b.id) AS names, array_agg(w.slug ORDER BY b.place, b.id) AS slugs
  FROM articles_byline b JOIN articles_author w ON w.id = b.author_id JOIN accounts_user u ON u.id = w.user_id
  WHERE b.article_id = a.id AND u.name <> '') authors
CROSS JOIN LATERAL (
  SELECT array_agg(day ORDER BY day) AS days, array_agg(visible_count ORDER BY day) AS counts
  FROM comments_discussionday WHERE discussion_id = a.id AND visible_count > 0) days
CROSS JOIN LATERAL (
  SELECT array_agg(id ORDER BY created_at DESC, id DESC) AS ids,
         array_agg(author_name ORDER BY created_at DESC, id DESC) AS names,
         array_agg(left(body_html, {4 * PICK_WORDS + 1}) ORDER BY created_at DESC, id DESC) AS beginnings
  FROM (SELECT id, author_name, body_html, created_at FROM comments_comment c
        WHERE c.discussion_id = a.id AND c.is_pick AND c.state = 'published'
        ORDER BY created_at DESC, id DESC LIMIT {PICKS}) c) picks
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s"""


def read_page(article: Article, reader: Reader, order: Order, start: Start | None = None) -> Page:
    """The discussion from its start, or from another place, in the order of the first-level comments."""
    statement = f"""
WITH {_roots(reader, order, start)}
SELECT {COLUMNS}, (SELECT count(*) FROM root) > max(root.n) OVER ()
FROM root
CROSS JOIN LATERAL (SELECT * FROM comments_comment c
                    WHERE c.tree_id = root.tree_id AND ({reader.visible} OR c.id = root.id)
                    ORDER BY c.lft LIMIT {REPLIES + 1}) c
{ANSWERED}
WHERE root.used < {BUDGET} ORDER BY root.n, c.lft"""
    values: dict[str, Any] = {"discussion": article.pk, **reader.parameters}
    if start:
        values |= {"key": start.cursor.value(order), "id": start.cursor.id}
    records = _fetch(statement, values, is_planned=not reader.private)
    shown = Counter(r.tree_id for r in records if r.parent_id and r.state == State.PUBLISHED)
    more = {r.id: r.reply_count - shown[r.tree_id] for r in records if not r.parent_id}
    last = next((r for r in reversed(records) if not r.parent_id), None)
    following = Cursor.of(getattr(last, KEYS[order]), last.id) if last and last.rest else None
    return Page(list(_place(records, more)), following)


def find_place(comment: Comment, reader: Reader, order: Order) -> Place:
    """Where this reader finds a comment: read from the first roots alone and not from all their replies."""
    statement = f"""
WITH {_roots(reader, order)}
SELECT r.id, r.{KEYS[order]},
       EXISTS (SELECT FROM root WHERE root.id = r.id AND root.used < {BUDGET}),
       (SELECT count(*) FROM (
          SELECT FROM comments_comment c
          WHERE c.tree_id = r.tree_id AND c.lft <= x.lft AND ({reader.visible} OR c.id = r.id)
          ORDER BY c.lft LIMIT {REPLIES + 2}) before) <= {REPLIES + 1}
FROM comments_comment x JOIN comments_comment r ON r.tree_id = x.tree_id AND r.parent_id IS NULL
WHERE x.id = %(comment)s"""
    values = {"discussion": comment.discussion_id, "comment": comment.pk, **reader.parameters}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        root, key, root_is_first, is_early = cursor.fetchone()
    return Place(root, Cursor.of(key, root), root_is_first, is_early)


def _roots(reader: Reader, order: Order, start: Start | None = None) -> str:
    """A query named `root`: in their order the first-level comments that a page may take, `n` counting them
    and `used` being how much of the budget is taken before each."""
    key = KEYS[order]
    direction, beyond = ("ASC", ">") if order == Order.OLDEST else ("DESC", "<")
    if start:
        beyond = f"AND (c.{key}, c.id) {beyond}{'=' * start.is_included} (%(key)s, %(id)s)"
    by_place = f"ORDER BY key {direction}, id {direction}"

    def first(condition: str) -> str:
        return f"""
  (SELECT c.id, c.tree_id, c.{key} AS key, c.reply_count FROM comments_comment c
   WHERE c.discussion_id = %(discussion)s AND c.parent_id IS NULL AND {condition} {beyond if start else ""}
   ORDER BY c.{key} {direction}, c.id {direction} LIMIT {BUDGET + 1})"""

    roots = first("c.shown")
    if reader.private:
        # What this reader alone sees may hang below a first-level comment that was removed: its place is
        # shown. Asked for apart, since an OR would keep both from their indexes.
        alone = f"""c.tree_id IN (
      SELECT c.tree_id FROM comments_comment c
      WHERE c.discussion_id = %(discussion)s AND NOT c.shown AND ({reader.private}))"""
        roots = f"""
  (SELECT * FROM ({roots} UNION ALL {first(f"NOT c.shown AND {alone}")}) AS found
   {by_place} LIMIT {BUDGET + 1})"""
    return f"""
root AS MATERIALIZED (
  SELECT id, tree_id, row_number() OVER w AS n,
         sum(1 + least(reply_count, {REPLIES})) OVER w - (1 + least(reply_count, {REPLIES})) AS used
  FROM {roots} first
  WINDOW w AS ({by_place} ROWS UNBOUNDED PRECEDING))"""


def read_branch(comment: Comment, reader: Reader, after: int | None = None) -> list[Row]:
    """A comment with what it answers and its replies; or, to go on in a long branch, the reply `after` with
    what it answers and what follows. Empty if `after` is not in the branch."""
    statement = f"""
WITH RECURSIVE b AS (SELECT * FROM comments_comment WHERE id = %(branch)s),
x AS (SELECT c.* FROM b JOIN comments_comment c
        ON c.id = %(after)s AND c.tree_id = b.tree_id AND c.lft BETWEEN b.lft AND b.rght),
up AS (SELECT x.* FROM x
       UNION ALL SELECT c.* FROM up JOIN comments_comment c ON c.id = up.parent_id),
rest AS MATERIALIZED (
  SELECT CASE WHEN x.id = b.id THEN b.reply_count ELSE (
    SELECT count(*) FROM (SELECT FROM comments_comment c
                          WHERE c.tree_id = b.tree_id AND c.lft > x.lft AND c.lft < b.rght
                            AND c.state = 'published' LIMIT {BUDGET + MORE_MOST}) first) END AS n
  FROM b, x),
page AS (
  SELECT c.id, NULL AS rest FROM up c WHERE {reader.visible} OR c.id = %(branch)s
  UNION ALL
  SELECT c.id, (SELECT n FROM rest)
  FROM b CROSS JOIN x CROSS JOIN LATERAL (
    SELECT c.id FROM comments_comment c
    WHERE c.tree_id = b.tree_id AND c.lft > x.lft AND c.lft < b.rght AND {reader.visible}
    ORDER BY c.lft LIMIT {BUDGET}) c)
SELECT {COLUMNS}, page.rest
FROM page JOIN comments_comment c ON c.id = page.id
{ANSWERED}
ORDER BY c.lft"""
    values = {"branch": comment.pk, "after": comment.pk if after is None else after, **reader.parameters}
    records = _fetch(statement, values)
    following = [r for r in records if r.rest is not None]
    shown = sum(r.state == State.PUBLISHED for r in following)
    more = {records[0].id: following[-1].rest - shown} if following else {}
    return list(_place(records, more))


def find_new(
    slug: str, since: int, user: User | None, guest: Guest | None, *, now: datetime, most: int
) -> tuple[int, list[int]] | None:
    """How many comments are published that were not when the log of this story's discussion ended with line
    `since`, the reader's own not counted and at most `most`, among the log's last LINES_MOST lines; and the
    ids of the last LINKED_MOST of them, in their order. None where there is no such discussion.

    By the log and not by the time they were written: one that waited for days is as new as any.
    """
    values: dict[str, Any] = {"slug": slug, "since": since, "now": now, "most": most}
    values |= {"user": user and user.pk, "guest": guest and guest.pk}
    with connection.cursor() as cursor:
        cursor.execute(NEW, values)
        row = cursor.fetchone()
    return (row[0], (row[1] or [])[::-1]) if row else None


SITE_SHOWS = "(SELECT comment_status FROM articles_site WHERE id = 1) <> 'hidden'"

# A comment's first line since then tells what it was before. Only the log's last lines are read: anybody may
# ask, and a flood that was cleared leaves tens of thousands. Without a bound the planner reads all comments.
NEW = f"""
SELECT first.count, first.ids
FROM articles_article a LEFT JOIN comments_discussion d ON d.article_id = a.id
CROSS JOIN LATERAL (
  SELECT count(*), (array_agg(id ORDER BY seq DESC))[:{LINKED_MOST}] AS ids
  FROM (SELECT c.id, t.seq
        FROM (SELECT * FROM comments_transition t
              WHERE t.discussion_id = a.id AND t.seq > %(since)s
              ORDER BY t.seq DESC LIMIT {LINES_MOST}) t
        JOIN comments_comment c ON c.id = t.comment_id
        WHERE t.kind = 'state' AND t.from_state <> 'published' AND c.state = 'published'
          AND (c.author_id = %(user)s OR c.guest_id = %(guest)s) IS NOT TRUE
          AND NOT EXISTS (SELECT FROM comments_transition b
                          WHERE b.comment_id = t.comment_id AND b.kind = 'state' AND b.id < t.id
                            AND b.seq > %(since)s)
        ORDER BY t.seq DESC LIMIT %(most)s) found) first
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s AND d.status IS DISTINCT FROM 'hidden'
  AND {SITE_SHOWS}"""


def repeated(rows: list[Row]) -> list[tuple[int, int, int]]:
    """Where the comments stand that removed ones of these say again, whether a reader can go there or not:
    the article, its version and that of its discussion. A page without such a row asks nothing."""
    ids = [row.id for row in rows if row.state_reason == Reason.REPEAT]
    found = Comment.objects.filter(pk__in=ids, repeat_of__isnull=False)
    there = "repeat_of__discussion"
    return list(found.values_list(there, f"{there}__article__version", f"{there}__version"))


def look_at(rows: list[Row], reader: Reader) -> tuple[list[Row], Viewer | None]:
    """What the reader alone is told about these comments (None for somebody unknown), and the rows with the
    reader's own recommendations counted, which the job may not have got to yet."""
    if not (reader.user or reader.guest):
        return rows, None
    mine = [row for row in rows if reader.wrote(row)]
    waiting = {r.id for r in (rows if reader.moderates else mine) if r.state == State.PENDING}
    # Two findings of one check are told in the same words.
    held = policy().reasons(waiting, {row.id for row in mine}) if waiting else {}
    why = {pk: list(dict.fromkeys(said)) for pk, said in held.items()}
    removed = {r.id: [gettext("You wrote it.")] for r in mine if r.state in REMOVED}
    decided = policy().told(removed) if removed else {}
    own_pages = {pk: policy().decision_url(pk) for pk in [*decided, *(r.id for r in mine if r.id in waiting)]}
    votes = _votes([row.id for row in rows], reader) if reader.may_recommend else {}
    viewer = Viewer(
        moderates=reader.moderates,
        mine={row.id for row in mine},
        editable={row.id for row in mine if _is_editable(row, reader)},
        why=why | removed,
        decided=decided,
        pages={pk: url for pk, url in own_pages.items() if url},
        usual=policy().usual() if waiting else "",
        recommended={pk for pk, (given, _counted) in votes.items() if given},
        may_recommend=reader.may_recommend,
    )
    uncounted = {pk: given - counted for pk, (given, counted) in votes.items() if given != counted}
    if uncounted:
        rows = [
            row._replace(recommend_count=max(0, row.recommend_count + uncounted.get(row.id, 0)))
            for row in rows
        ]
    return rows, viewer


def _votes(ids: list[int], reader: Reader) -> dict[int, tuple[bool, bool]]:
    """By comment, whether this reader recommends it, and whether its count says so."""
    own = Recommendation.objects.given_by(reader.user, reader.guest).filter(comment__in=ids)
    return {pk: (given, counted) for pk, given, counted in own.values_list("comment", "given", "counted")}


def _is_editable(row: Row, reader: Reader) -> bool:
    comment = Comment(
        author_id=row.author_id, guest_id=row.guest_id, state=row.state, created_at=row.created_at
    )
    return comment.can_be_edited_by(reader.user, reader.guest)


# The comment that a removed one says again, where a reader can go to it.
REPEATED = """
CASE WHEN c.state = 'rejected' AND c.state_reason = 'repeat' THEN (
  SELECT {} FROM comments_comment r
  JOIN comments_discussion d ON d.article_id = r.discussion_id
  JOIN articles_article s ON s.id = r.discussion_id
  WHERE r.id = c.repeat_of_id AND r.state = 'published'
    AND d.status <> 'hidden' AND s.published_at <= now()) END"""
# The last column is the statement's own: whether there are more roots, or how many replies there are.
COLUMNS = f"""
c.tree_id, c.lft, c.rght, c.parent_id, c.reply_count, c.id, c.author_id, c.guest_id, c.author_name,
CASE WHEN c.author_id IS NULL THEN ''
     WHEN EXISTS (SELECT FROM articles_article_editors e
                  WHERE e.article_id = c.discussion_id AND e.user_id = c.author_id)
       OR EXISTS (SELECT FROM articles_byline b JOIN articles_author w ON w.id = b.author_id
                  WHERE b.article_id = c.discussion_id AND w.user_id = c.author_id) THEN 'author'
     ELSE coalesce((SELECT min(lower(g.name))
                    FROM accounts_user_groups m JOIN auth_group g ON g.id = m.group_id
                    WHERE m.user_id = c.author_id AND g.name IN ('Editor', 'Moderator')), '') END,
CASE WHEN c.state IN ('published', 'pending') THEN c.body_html ELSE '' END,
c.text_missing, c.state, c.state_reason, c.created_at, c.edited_at, c.recommend_count,
c.is_pick, c.is_locked, c.is_redacted,
{REPEATED.format("r.id")}, {REPEATED.format("s.slug")}, a.id, a.author_name"""
# At the deepest level that is a sibling; once either was moved away, what the comment hangs from counts.
ANSWERED = """
LEFT JOIN comments_comment a ON a.state = 'published' AND a.id = coalesce(
  (SELECT s.id FROM comments_comment s WHERE s.id = c.in_reply_to_id AND s.parent_id = c.parent_id),
  c.parent_id)"""


class _Record(NamedTuple):
    """What a statement gives: five numbers for the reading, a Row as far as one comment tells it, `rest`."""

    tree_id: int
    lft: int
    rght: int
    parent_id: int | None
    reply_count: int
    id: int
    author_id: int | None
    guest_id: int | None
    author_name: str
    role: str
    body_html: str
    text_missing: str
    state: str
    state_reason: str
    created_at: datetime
    edited_at: datetime | None
    recommend_count: int
    is_pick: bool
    is_locked: bool
    is_redacted: bool
    repeat_id: int | None
    repeat_slug: str | None
    answers_id: int | None
    answers_name: str | None
    rest: Any


# For this transaction, or this statement alone: take the plan that was made for any discussion. Made while
# there are few comments it might read and sort them all, and soon there may be 100,000: so it follows the
# indexes.
_ANY_DISCUSSION = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true); """


def _fetch(statement: str, values: dict[str, Any], *, is_planned: bool = False) -> list[_Record]:
    """`is_planned`: the statement is one of few, and is planned once (core/sql.py)."""
    with connection.cursor() as cursor:
        if is_planned:
            execute_planned(cursor, statement, values, before=_ANY_DISCUSSION)
        else:
            cursor.execute(statement, values)
        return [_Record._make(row) for row in cursor.fetchall()]


def _place(records: list[_Record], more: dict[int, int]) -> Iterator[Row]:
    """Rows with their levels, counted from the ancestors that are here: a parent that is not shown to this
    reader (removed, its only reply the reader's own) leaves no gap in the nested lists."""
    last = {r.tree_id: r.id for r in records}
    here = {r.id for r in records}
    tree, ends = 0, list[int]()
    for r in records:
        if r.tree_id != tree:
            tree, ends = r.tree_id, []
        while ends and ends[-1] < r.lft:
            ends.pop()
        yield Row(*r[5:-1], r.answers_id in here, len(ends), max(0, more.get(r.id, 0)), last[r.tree_id])
        ends.append(r.rght)
