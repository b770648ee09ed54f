"""Reading a discussion: one SQL statement per page, which returns rows instead of model instances.

A page holds consecutive top-level comments, each with the first replies of its tree in preorder. A prefix of
a preorder always contains the ancestors of its comments. docs/decisions.md has the measurements.
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
from articles.markup.markdown import make_excerpt
from articles.models import Article, BylineAuthor, Topic
from comments.models import REMOVED, Comment, Discussion, Reason, Recommendation, State
from comments.policy import policy
from core.sql import execute_prepared

COMMENTS_PER_PAGE = 200  # comments on a page; the last tree may exceed it
REPLIES_PER_TREE = 20  # replies of each tree, before "Show more replies"
MAX_PICKS = 3  # editor's picks above the thread; the others are only marked in the thread
PICK_LENGTH = 280  # characters of each
MAX_LOG_ROWS = 1_000  # latest log entries that are searched for new comments
MAX_NEW_IDS = 20  # new comments whose ids are returned
MAX_COUNTED_REPLIES = 1_000  # upper limit of the count in "Show more replies" deep in a tree


class Order(TextChoices):
    """The order of the top-level comments. Replies are always oldest first."""

    NEWEST = "newest", _("Newest first")
    OLDEST = "oldest", _("Oldest first")
    RECOMMENDED = "recommended", _("Most recommended")
    DISCUSSED = "discussed", _("Most discussed")


ORDER_COLUMNS = {  # the sort column of each order; the id decides between equal values
    Order.NEWEST: "created_at",
    Order.OLDEST: "created_at",
    Order.RECOMMENDED: "recommend_count",
    Order.DISCUSSED: "reply_count",
}


class Cursor(NamedTuple):
    """The position of a top-level comment in an order. It stays valid if that comment is removed.

    `key` is a count, or in an order by time the microseconds since 1970.
    """

    key: int
    id: int

    def __str__(self) -> str:
        return f"{self.key}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Parse a cursor. Raises ValueError for anything but two integers within bounds."""
        if not (match := re.fullmatch(r"(-?\d{1,17})\.(\d{1,18})", text, re.ASCII)):
            raise ValueError(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, key: datetime | int, pk: int) -> "Cursor":
        """Return the cursor of a comment by its sort value and id."""
        return cls((key - EPOCH) // timedelta(microseconds=1) if isinstance(key, datetime) else key, pk)

    def value(self, order: Order) -> datetime | int:
        """Return the sort value. Raises OverflowError for a time that datetime can't represent."""
        return EPOCH + timedelta(microseconds=self.key) if ORDER_COLUMNS[order] == "created_at" else self.key


class PageStart(NamedTuple):
    """The start of a page of the discussion: after a cursor, or at it (`is_included`)."""

    cursor: Cursor
    is_included: bool


class Location(NamedTuple):
    """The position of a comment in an order."""

    root_id: int  # the top-level comment above it, or itself
    cursor: Cursor  # of that comment
    root_on_first_page: bool
    is_among_first_replies: bool  # a page shows it, and not only after "Show more replies"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reader:
    """The reader of a page, who may see comments of their own or pending ones besides the public ones."""

    user: User | None = None
    guest: Guest | None = None
    moderates: bool = False

    @property
    def visible(self) -> str:
        """Return an SQL condition over `c`: comments that this reader sees."""
        return f"(c.shown OR {self.private})" if self.private else "c.shown"

    @property
    def private(self) -> str:
        """Return an SQL condition over `c`: comments that this reader sees and the public does not.

        These are the reader's own, unless deleted, and for moderators those that are pending. Returns "" for
        an anonymous reader.
        """
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
        """Return whether the reader is a member, or a guest whose e-mail address is confirmed."""
        return self.user is not None or (self.guest is not None and self.guest.confirmed_at is not None)

    def wrote(self, row: "ThreadRow") -> bool:
        if self.user:
            return row.author_id == self.user.pk
        return self.guest is not None and row.guest_id == self.guest.pk


class ThreadRow(NamedTuple):
    """A comment as comments/thread.jinja renders it. `level` counts the ancestors that are on the page."""

    id: int
    author_id: int | None
    guest_id: int | None
    author_name: str
    role: str  # "", "author", "editor", "moderator"
    body_html: str  # empty unless published or pending
    text_missing: str
    state: str
    state_reason: str
    created_at: datetime
    edited_at: datetime | None
    recommend_count: int
    is_pick: bool
    is_locked: bool
    is_redacted: bool
    duplicate_of_id: int | None  # if removed as a duplicate: the original, if readers can open it
    duplicate_of_slug: str | None  # and the slug of that comment's article
    replied_to_id: int | None  # None also if that comment was removed, so that its author is not named
    replied_to_name: str | None
    replied_to_on_page: bool
    level: int
    omitted_replies: int  # published replies of this tree that the page leaves out
    last_id: int  # the last comment of this tree on the page


@dataclass(frozen=True)
class ThreadPage:
    rows: list[ThreadRow]
    next: Cursor | None = None


@dataclass(frozen=True)
class ViewerContext:
    """The data that comments/thread.jinja shows to one person only. Sets and keys are comment ids."""

    moderates: bool
    mine: set[int] = field(default_factory=set)
    editable: set[int] = field(default_factory=set)
    reasons: dict[int, list[str]] = field(default_factory=dict)  # why pending comments wait
    decisions: dict[int, list[str]] = field(default_factory=dict)  # explanations of their own removed ones
    decision_urls: dict[int, str] = field(default_factory=dict)  # of their own pending or removed comments
    usual_delay: str = ""
    recommended: set[int] = field(default_factory=set)
    may_recommend: bool = False


class EditorPick(NamedTuple):
    """A comment picked by an editor, with the beginning of its text."""

    id: int
    author_name: str
    excerpt: str


@dataclass(frozen=True)
class Story:
    """A published article with its discussion and the other data of its page."""

    article: Article
    discussion: Discussion  # unsaved if there are no comments yet
    topics: list[Topic]  # visible ones, by name
    authors: list[BylineAuthor]  # staff authors, in the order of the byline
    days: list[tuple[date, int]]  # in order, each with its number of visible comments
    seq: int  # of the last log entry of the discussion
    picks: list[EditorPick]  # newest first


def read_story(slug: str, now: datetime) -> Story | None:
    """Return the published article of this slug with its discussion, in one statement; None if there is none.

    The article's `body` and `vector` are deferred.
    """
    with connection.cursor() as cursor:
        execute_prepared(cursor, STORY_QUERY, {"slug": slug, "now": now})
        row = cursor.fetchone()
    if row is None:
        return None
    split = len(ARTICLE_COLUMNS) + len(DISCUSSION_COLUMNS)
    article = Article.from_db("default", ARTICLE_COLUMNS, row[: len(ARTICLE_COLUMNS)])
    stored = row[len(ARTICLE_COLUMNS) : split]
    is_stored = stored[0] is not None
    if is_stored:
        discussion = Discussion.from_db("default", DISCUSSION_COLUMNS, stored)
        discussion.tally = json.loads(stored[DISCUSSION_COLUMNS.index("tally")])
        discussion.article = article
    else:
        discussion = Discussion.default_for(article)
    names, slugs, signed, signed_slugs, days, counts, seq, ids, picked, beginnings = row[split:]
    vars(article)["author_names"] = signed or []
    picks = zip(ids or [], picked or [], beginnings or [], strict=True)
    return Story(
        article,
        discussion,
        [Topic(name=name, slug=slug) for name, slug in zip(names or [], slugs or [], strict=True)],
        [BylineAuthor(name, slug) for name, slug in zip(signed or [], signed_slugs or [], strict=True)],
        list(zip(days or [], counts or [], strict=True)),
        seq or 0,
        [EditorPick(pk, name, make_excerpt(beginning, PICK_LENGTH)) for pk, name, beginning in picks],
    )


ARTICLE_COLUMNS = [f.attname for f in Article._meta.concrete_fields if f.name not in {"body", "vector"}]
DISCUSSION_COLUMNS = [f.attname for f in Discussion._meta.concrete_fields]
# Raw SQL, because the ORM would take longer to compile the query than the database to run it.
STORY_QUERY = f"""
SELECT {", ".join(f"a.{name}" for name in ARTICLE_COLUMNS)},
       {", ".join(f"d.{name}" for name in DISCUSSION_COLUMNS)},
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
         array_agg(left(body_html, {4 * PICK_LENGTH + 1}) ORDER BY created_at DESC, id DESC) AS beginnings
  FROM (SELECT id, author_name, body_html, created_at FROM comments_comment c
        WHERE c.discussion_id = a.id AND c.is_pick AND c.state = 'published'
        ORDER BY created_at DESC, id DESC LIMIT {MAX_PICKS}) c) picks
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s"""


def read_page(article: Article, reader: Reader, order: Order, start: PageStart | None = None) -> ThreadPage:
    """Return a page of the discussion, from its beginning or from `start`."""
    statement = f"""
WITH {_roots_query(reader, order, start)}
SELECT {ROW_COLUMNS}, (SELECT count(*) FROM root) > max(root.n) OVER ()
FROM root
CROSS JOIN LATERAL (SELECT * FROM comments_comment c
                    WHERE c.tree_id = root.tree_id AND ({reader.visible} OR c.id = root.id)
                    ORDER BY c.lft LIMIT {REPLIES_PER_TREE + 1}) c
{REPLIED_TO_JOIN}
WHERE root.used < {COMMENTS_PER_PAGE} ORDER BY root.n, c.lft"""
    values: dict[str, Any] = {"discussion": article.pk, **reader.parameters}
    if start:
        values |= {"key": start.cursor.value(order), "id": start.cursor.id}
    records = _fetch_records(statement, values, is_planned=not reader.private)
    shown = Counter(r.tree_id for r in records if r.parent_id and r.state == State.PUBLISHED)
    omitted = {r.id: r.reply_count - shown[r.tree_id] for r in records if not r.parent_id}
    last = next((r for r in reversed(records) if not r.parent_id), None)
    next_cursor = Cursor.of(getattr(last, ORDER_COLUMNS[order]), last.id) if last and last.rest else None
    return ThreadPage(list(_build_rows(records, omitted)), next_cursor)


def locate_comment(comment: Comment, reader: Reader, order: Order) -> Location:
    """Return where this reader finds a comment. Reads only the first roots, and not all their replies."""
    statement = f"""
WITH {_roots_query(reader, order)}
SELECT r.id, r.{ORDER_COLUMNS[order]},
       EXISTS (SELECT FROM root WHERE root.id = r.id AND root.used < {COMMENTS_PER_PAGE}),
       (SELECT count(*) FROM (
          SELECT FROM comments_comment c
          WHERE c.tree_id = r.tree_id AND c.lft <= x.lft AND ({reader.visible} OR c.id = r.id)
          ORDER BY c.lft LIMIT {REPLIES_PER_TREE + 2}) before) <= {REPLIES_PER_TREE + 1}
FROM comments_comment x JOIN comments_comment r ON r.tree_id = x.tree_id AND r.parent_id IS NULL
WHERE x.id = %(comment)s"""
    values = {"discussion": comment.discussion_id, "comment": comment.pk, **reader.parameters}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        root, key, root_on_first_page, is_among_first_replies = cursor.fetchone()
    return Location(root, Cursor.of(key, root), root_on_first_page, is_among_first_replies)


def _roots_query(reader: Reader, order: Order, start: PageStart | None = None) -> str:
    """Return a query named `root`: the top-level comments that may be on a page, in order.

    Its column `n` numbers them, and `used` is the part of the budget that the comments before each one take.
    """
    key = ORDER_COLUMNS[order]
    direction, comparison = ("ASC", ">") if order == Order.OLDEST else ("DESC", "<")
    after = f"AND (c.{key}, c.id) {comparison}{'=' * start.is_included} (%(key)s, %(id)s)" if start else ""
    order_by = f"ORDER BY key {direction}, id {direction}"

    def first(condition: str) -> str:
        return f"""
  (SELECT c.id, c.tree_id, c.{key} AS key, c.reply_count FROM comments_comment c
   WHERE c.discussion_id = %(discussion)s AND c.parent_id IS NULL AND {condition} {after}
   ORDER BY c.{key} {direction}, c.id {direction} LIMIT {COMMENTS_PER_PAGE + 1})"""

    roots = first("c.shown")
    if reader.private:
        # A comment that only this reader sees may be below a removed top-level comment, which then gets a
        # placeholder. This is a query of its own, as an OR would prevent the use of both indexes.
        has_private = f"""c.tree_id IN (
      SELECT c.tree_id FROM comments_comment c
      WHERE c.discussion_id = %(discussion)s AND NOT c.shown AND ({reader.private}))"""
        roots = f"""
  (SELECT * FROM ({roots} UNION ALL {first(f"NOT c.shown AND {has_private}")}) AS found
   {order_by} LIMIT {COMMENTS_PER_PAGE + 1})"""
    return f"""
root AS MATERIALIZED (
  SELECT id, tree_id, row_number() OVER w AS n,
         sum(1 + least(reply_count, {REPLIES_PER_TREE})) OVER w
         - (1 + least(reply_count, {REPLIES_PER_TREE})) AS used
  FROM {roots} first
  WINDOW w AS ({order_by} ROWS UNBOUNDED PRECEDING))"""


def read_branch(comment: Comment, reader: Reader, after: int | None = None) -> list[ThreadRow]:
    """Return a comment with its ancestors and its replies.

    To continue a long branch, `after` is the id of a reply; the result is then that reply with its ancestors
    and the replies that follow it. Returns an empty list if `after` is not in the branch.
    """
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
                            AND c.state = 'published'
                          LIMIT {COMMENTS_PER_PAGE + MAX_COUNTED_REPLIES}) first) END AS n
  FROM b, x),
page AS (
  SELECT c.id, NULL AS rest FROM up c WHERE {reader.visible} OR c.id = %(branch)s
  UNION ALL
  SELECT c.id, (SELECT n FROM rest)
  FROM b CROSS JOIN x CROSS JOIN LATERAL (
    SELECT c.id FROM comments_comment c
    WHERE c.tree_id = b.tree_id AND c.lft > x.lft AND c.lft < b.rght AND {reader.visible}
    ORDER BY c.lft LIMIT {COMMENTS_PER_PAGE}) c)
SELECT {ROW_COLUMNS}, page.rest
FROM page JOIN comments_comment c ON c.id = page.id
{REPLIED_TO_JOIN}
ORDER BY c.lft"""
    values = {"branch": comment.pk, "after": comment.pk if after is None else after, **reader.parameters}
    records = _fetch_records(statement, values)
    following = [r for r in records if r.rest is not None]
    shown = sum(r.state == State.PUBLISHED for r in following)
    omitted = {records[0].id: following[-1].rest - shown} if following else {}
    return list(_build_rows(records, omitted))


def find_new_comments(
    slug: str, since: int, user: User | None, guest: Guest | None, *, now: datetime, most: int
) -> tuple[int, list[int]] | None:
    """Return how many comments were published since the log entry with number `since`, and the last ids.

    Counts at most `most` comments of others than the reader, among the last MAX_LOG_ROWS entries. The ids are
    at most MAX_NEW_IDS, in order of publication. Returns None if there is no such discussion.

    The log decides, not the time of writing: a comment that waited for days is new once it is published.
    """
    values: dict[str, Any] = {"slug": slug, "since": since, "now": now, "most": most}
    values |= {"user": user and user.pk, "guest": guest and guest.pk}
    with connection.cursor() as cursor:
        cursor.execute(NEW_COMMENTS_QUERY, values)
        row = cursor.fetchone()
    return (row[0], (row[1] or [])[::-1]) if row else None


SITE_NOT_HIDDEN = "(SELECT comment_status FROM articles_site WHERE id = 1) <> 'hidden'"

# A comment's first log entry since then tells its state before. Only the last entries are read: anybody may
# send this request, and a removed spam flood leaves tens of thousands of entries. Without a LIMIT the planner
# would read all comments.
NEW_COMMENTS_QUERY = f"""
SELECT first.count, first.ids
FROM articles_article a LEFT JOIN comments_discussion d ON d.article_id = a.id
CROSS JOIN LATERAL (
  SELECT count(*), (array_agg(id ORDER BY seq DESC))[:{MAX_NEW_IDS}] AS ids
  FROM (SELECT c.id, t.seq
        FROM (SELECT * FROM comments_transition t
              WHERE t.discussion_id = a.id AND t.seq > %(since)s
              ORDER BY t.seq DESC LIMIT {MAX_LOG_ROWS}) t
        JOIN comments_comment c ON c.id = t.comment_id
        WHERE t.kind = 'state' AND t.from_state <> 'published' AND c.state = 'published'
          AND (c.author_id = %(user)s OR c.guest_id = %(guest)s) IS NOT TRUE
          AND NOT EXISTS (SELECT FROM comments_transition b
                          WHERE b.comment_id = t.comment_id AND b.kind = 'state' AND b.id < t.id
                            AND b.seq > %(since)s)
        ORDER BY t.seq DESC LIMIT %(most)s) found) first
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s AND d.status IS DISTINCT FROM 'hidden'
  AND {SITE_NOT_HIDDEN}"""


def find_duplicate_targets(rows: list[ThreadRow]) -> list[tuple[int, int, int]]:
    """Return (article id, article version, discussion version) for the originals of removed duplicates.

    A cached page depends on them, whether readers can open the originals now or not.
    """
    ids = [row.id for row in rows if row.state_reason == Reason.DUPLICATE]
    found = Comment.objects.filter(pk__in=ids, repeat_of__isnull=False)
    original = "repeat_of__discussion"
    return list(found.values_list(original, f"{original}__article__version", f"{original}__version"))


def personalize(rows: list[ThreadRow], reader: Reader) -> tuple[list[ThreadRow], ViewerContext | None]:
    """Return the rows for this reader, and what only this reader is shown (None for anonymous readers).

    The counts in the rows include the reader's own recommendations, even if the job has not counted them yet.
    """
    if not (reader.user or reader.guest):
        return rows, None
    mine = [row for row in rows if reader.wrote(row)]
    pending = {r.id for r in (rows if reader.moderates else mine) if r.state == State.PENDING}
    reasons = policy().explain_waiting(pending, {row.id for row in mine}) if pending else {}
    # Two findings of one check may give the same sentence.
    reasons = {pk: list(dict.fromkeys(sentences)) for pk, sentences in reasons.items()}
    removed = {r.id: [gettext("You wrote it.")] for r in mine if r.state in REMOVED}
    decisions = policy().explain_decisions(removed) if removed else {}
    explained = [*decisions, *(r.id for r in mine if r.id in pending)]
    decision_urls = {pk: policy().get_decision_url(pk) for pk in explained}
    own = _own_recommendations([row.id for row in rows], reader) if reader.may_recommend else {}
    viewer = ViewerContext(
        moderates=reader.moderates,
        mine={row.id for row in mine},
        editable={row.id for row in mine if _is_editable(row, reader)},
        reasons=reasons | removed,
        decisions=decisions,
        decision_urls={pk: url for pk, url in decision_urls.items() if url},
        usual_delay=policy().describe_usual_delay() if pending else "",
        recommended={pk for pk, (given, _counted) in own.items() if given},
        may_recommend=reader.may_recommend,
    )
    uncounted = {pk: given - counted for pk, (given, counted) in own.items() if given != counted}
    if uncounted:
        rows = [
            row._replace(recommend_count=max(0, row.recommend_count + uncounted.get(row.id, 0)))
            for row in rows
        ]
    return rows, viewer


def _own_recommendations(ids: list[int], reader: Reader) -> dict[int, tuple[bool, bool]]:
    """Return {comment id: (whether this reader recommends it, whether that is counted)}."""
    own = Recommendation.objects.given_by(reader.user, reader.guest).filter(comment__in=ids)
    return {pk: (given, counted) for pk, given, counted in own.values_list("comment", "given", "counted")}


def _is_editable(row: ThreadRow, reader: Reader) -> bool:
    comment = Comment(
        author_id=row.author_id, guest_id=row.guest_id, state=row.state, created_at=row.created_at
    )
    return comment.can_be_edited_by(reader.user, reader.guest)


# The original of a comment that was removed as a duplicate, if readers can open it.
DUPLICATE_TARGET = """
CASE WHEN c.state = 'rejected' AND c.state_reason = 'repeat' THEN (
  SELECT {} FROM comments_comment r
  JOIN comments_discussion d ON d.article_id = r.discussion_id
  JOIN articles_article s ON s.id = r.discussion_id
  WHERE r.id = c.repeat_of_id AND r.state = 'published'
    AND d.status <> 'hidden' AND s.published_at <= now()) END"""
# Each statement adds a last column, `rest`: whether there are more roots, or how many replies there are.
ROW_COLUMNS = f"""
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
{DUPLICATE_TARGET.format("r.id")}, {DUPLICATE_TARGET.format("s.slug")}, a.id, a.author_name"""
# The comment that was replied to: at the deepest level a sibling, else, or once either was moved, the parent.
REPLIED_TO_JOIN = """
LEFT JOIN comments_comment a ON a.state = 'published' AND a.id = coalesce(
  (SELECT s.id FROM comments_comment s WHERE s.id = c.in_reply_to_id AND s.parent_id = c.parent_id),
  c.parent_id)"""


class _CommentRecord(NamedTuple):
    """A row of ROW_COLUMNS: five tree columns, the fields of ThreadRow up to replied_to_name, and `rest`."""

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
    duplicate_of_id: int | None
    duplicate_of_slug: str | None
    replied_to_id: int | None
    replied_to_name: str | None
    rest: Any


# Makes Postgres use one generic plan for all discussions, in this transaction or statement only. A plan made
# while there are few comments might read and sort all of them, and later there may be 100,000; without
# sequential scans and sorts it uses the indexes.
_GENERIC_PLAN = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true); """


def _fetch_records(
    statement: str, values: dict[str, Any], *, is_planned: bool = False
) -> list[_CommentRecord]:
    """Run a statement. With `is_planned` it is planned once (core/sql.py), which is for few variants."""
    with connection.cursor() as cursor:
        if is_planned:
            execute_prepared(cursor, statement, values, before=_GENERIC_PLAN)
        else:
            cursor.execute(statement, values)
        return [_CommentRecord._make(row) for row in cursor.fetchall()]


def _build_rows(records: list[_CommentRecord], omitted: dict[int, int]) -> Iterator[ThreadRow]:
    """Yield the rows with their levels, counted from the ancestors that are on the page.

    So a parent that this reader does not see (removed, with only the reader's own reply) leaves no gap in the
    nested lists. `omitted` maps root ids to the number of replies that the page leaves out.
    """
    last = {r.tree_id: r.id for r in records}
    on_page = {r.id for r in records}
    tree, ends = 0, list[int]()
    for r in records:
        if r.tree_id != tree:
            tree, ends = r.tree_id, []
        while ends and ends[-1] < r.lft:
            ends.pop()
        omitted_replies = max(0, omitted.get(r.id, 0))
        yield ThreadRow(
            *r[5:-1], r.replied_to_id in on_page, len(ends), omitted_replies, last_id=last[r.tree_id]
        )
        ends.append(r.rght)
