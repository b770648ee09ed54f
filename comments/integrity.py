"""What is stored, computed again from what it follows from.

Damage comes in two sorts. Trees, counters, rendered HTML and what is searched are derived, and `repair`
writes them anew, as it blanks what was left of words that were deleted for good. A state, a parent or a role
that the log does not tell, a time or a name that no verb wrote, a text without its number, the number of a
tree and a broken chain are for a person to explain: they are reported and left as they are. What follows from
moderation is asked of the policy.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from articles.images import integrity as images
from articles.markup.markdown import render_story
from articles.models import Article
from articles.services import save_article
from comments import tree
from comments.duplicates import fold
from comments.models import Comment, CommentText, Discussion, Reason, Recommendation
from comments.policy import policy
from comments.services import lock
from comments.text_changes import blank, render

# By kind, in order: ids of comments, discussions, transitions, articles, images or accounts.
Damage = dict[str, list[Any]]

# A discussion at a time, each in one statement and so in one snapshot: the site may go on meanwhile.
TREES = f"""
WITH {tree.numbers(tree.BY_PLACE, "c.discussion_id = %(discussion)s")}
SELECT c.id, (c.tree_id, c.lft, c.rght, c.level) IS DISTINCT FROM
             (want.tree_id, want.lft, want.rght, want.level) AS tree,
       c.reply_count IS DISTINCT FROM want.reply_count AS replies
FROM comments_comment c LEFT JOIN want USING (id) WHERE c.discussion_id = %(discussion)s ORDER BY c.id"""

VISIBLE = """
SELECT d.article_id FROM comments_discussion d
WHERE d.visible_count <> (SELECT count(*) FROM comments_comment c
                          WHERE c.discussion_id = d.article_id AND c.state = 'published')
ORDER BY d.article_id"""

DAYS = """
SELECT DISTINCT discussion_id FROM (
  SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS visible_count
  FROM comments_comment WHERE state = 'published' GROUP BY 1, 2) want
FULL JOIN (SELECT discussion_id, day, visible_count FROM comments_discussionday WHERE visible_count <> 0) have
  USING (discussion_id, day)
WHERE want.visible_count IS DISTINCT FROM have.visible_count ORDER BY discussion_id"""

REPAIR_DAYS = """
WITH want AS (
  SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS visible_count
  FROM comments_comment WHERE discussion_id = %(discussion)s AND state = 'published' GROUP BY 1),
gone AS (DELETE FROM comments_discussionday
         WHERE discussion_id = %(discussion)s AND day NOT IN (SELECT day FROM want))
INSERT INTO comments_discussionday (discussion_id, day, visible_count)
SELECT %(discussion)s, day, visible_count FROM want
ON CONFLICT (discussion_id, day) DO UPDATE SET visible_count = excluded.visible_count"""

RECOMMENDED = """
SELECT c.id FROM comments_comment c
LEFT JOIN (SELECT comment_id, count(*) AS counted FROM comments_recommendation WHERE counted GROUP BY 1) r
  ON r.comment_id = c.id
WHERE c.recommend_count <> coalesce(r.counted, 0) ORDER BY c.id"""

STATES = """
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL
  (SELECT t.to_state, t.reason FROM comments_transition t
   WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) t ON true
WHERE (c.state, c.state_reason) IS DISTINCT FROM (t.to_state, t.reason) ORDER BY c.id"""

# What a comment hangs from is told by its last move or else by its first line.
PARENTS = """
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL
  (SELECT t.new_parent_id FROM comments_transition t
   WHERE t.comment_id = c.id AND (t.kind = 'move' OR t.from_state = '') ORDER BY t.id DESC LIMIT 1) t ON true
WHERE c.parent_id IS DISTINCT FROM t.new_parent_id ORDER BY c.id"""

# Each line against the one before it, so that only the first line after a gap or a forgery is named.
CHAIN = """
SELECT id FROM (
  SELECT t.id, t.seq - coalesce(lag(t.seq) OVER w, 0) AS step, t.hash,
         comments_transition_digest(t, lag(t.hash) OVER w) AS digest
  FROM comments_transition t WINDOW w AS (PARTITION BY t.discussion_id ORDER BY t.seq)) line
WHERE step <> 1 OR hash <> digest ORDER BY id"""

# The body that a comment shows has a number of its own; the others are kept beside it, none is missing.
REVISIONS = """
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL (
  SELECT count(*) AS count, max(r.revision) AS last, bool_or(r.revision = c.revision) AS twice
  FROM comments_commentrevision r WHERE r.comment_id = c.id) r ON true
WHERE c.erased_at IS NULL AND c.state_reason <> 'sealed'
  AND (r.twice OR r.count + 1 <> greatest(c.revision, r.last)) ORDER BY c.id"""

# The database dates each line, and a comment that was written here has none before it was. A statement has
# its moment before it waits for the lock that puts the lines in order: a minute, as with clocks.
LINE_TIMES = """
SELECT id FROM (
  SELECT t.id, t.at, lag(t.at) OVER (PARTITION BY t.discussion_id ORDER BY t.seq) AS before,
         CASE WHEN c.source = '' THEN c.created_at END AS written
  FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id) line
WHERE at > now() + interval '1 minute' OR at < written - interval '1 minute'
   OR at < before - interval '1 minute' AND before < now() + interval '1 minute' ORDER BY id"""

COMMENT_TIMES = "SELECT id FROM comments_comment WHERE created_at > now() + interval '1 minute' ORDER BY id"

# Names are in no log, which must be forgettable: each stands a second time beside what is searched.
NAMES = """
SELECT c.id FROM comments_comment c JOIN comments_commenttext x ON x.comment_id = c.id
WHERE c.author_name <> x.author_name AND c.erased_at IS NULL ORDER BY c.id"""

# A tree that was never moved has got its number and its root's id under one lock: in each discussion they
# grow together. No number is one that is still to be given.
TREE_NUMBERS = """
SELECT id FROM (
  SELECT c.id, c.tree_id, s.last_value, m.is_moved,
         lag(c.tree_id, 1, 0) OVER w AS before, lead(c.tree_id) OVER w AS after
  FROM comments_tree_seq s, comments_comment c CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM comments_transition t
                   WHERE t.comment_id = c.id AND t.kind = 'move') AS is_moved) m
  WHERE c.parent_id IS NULL WINDOW w AS (PARTITION BY c.discussion_id, m.is_moved ORDER BY c.id)) root
WHERE tree_id NOT BETWEEN 1 AND last_value
   OR NOT is_moved AND before < coalesce(after, last_value + 1)
      AND tree_id NOT BETWEEN before + 1 AND coalesce(after - 1, last_value) ORDER BY id"""

# Whose roles are not what the log of them tells.
ROLES = """
SELECT DISTINCT coalesce(told.user_id, has.user_id) AS id FROM (
  SELECT DISTINCT ON (user_id, role_id) user_id, role_id, is_granted
  FROM accounts_rolechange ORDER BY user_id, role_id, id DESC) told
FULL JOIN accounts_user_groups has ON has.user_id = told.user_id AND has.group_id = told.role_id
WHERE coalesce(told.is_granted, false) <> (has.user_id IS NOT NULL) ORDER BY id"""

ERASED = """
SELECT c.id FROM comments_comment c
WHERE c.erased_at IS NOT NULL AND (
  c.body || c.body_html || c.author_name || c.author_email <> '' OR c.state IN ('published', 'pending')
  OR EXISTS (SELECT FROM comments_commentrevision r WHERE r.comment_id = c.id)) ORDER BY c.id"""


def check() -> Damage:
    """All damage on the site by kind; a kind without any is left out, so a sound site gives {}."""
    found: Damage = {"tree": [], "reply_count": []}
    for discussion in Discussion.objects.order_by("pk").values_list("pk", flat=True):
        for pk, misplaced, miscounted in _trees(discussion):
            found["tree"] += [pk] if misplaced else []
            found["reply_count"] += [pk] if miscounted else []
    found["visible_count"] = _ids(VISIBLE)
    found["day"] = _ids(DAYS)
    found["recommend_count"] = _ids(RECOMMENDED)
    found["state"] = _ids(STATES)
    found["parent"] = _ids(PARENTS)
    found["chain"] = _ids(CHAIN)
    found["line_time"] = _ids(LINE_TIMES)
    found["comment_time"] = _ids(COMMENT_TIMES)
    found["name"] = _ids(NAMES)
    found["tree_number"] = _ids(TREE_NUMBERS)
    found["role"] = _ids(ROLES)
    found["revision"] = _ids(REVISIONS)
    found["erased"] = _ids(ERASED)
    found["comment_html"], found["search"] = _stale_comments()
    found["article_html"] = [article.pk for article in _stale_articles()]
    found["image_file"] = images.damaged_files()
    found["image_size"] = images.missing_sizes(without=found["image_file"])
    found["image_use"] = images.wrong_uses()
    found |= policy().damage()
    return {kind: ids for kind, ids in found.items() if ids}


def repair(damage: Damage) -> None:
    """Write anew what is derived, where `check` found it damaged. Trees are numbered by time.

    Trees and reply counts stay as they are in a discussion with a damaged parent, from which they follow:
    until a person has put it right, the numbers still tell where the comment stood.
    """
    unsafe = Comment.objects.filter(pk__in=damage.get("parent", [])).values("discussion")
    misnumbered = Comment.objects.filter(pk__in=[*damage.get("tree", []), *damage.get("reply_count", [])])
    _renumber(list(misnumbered.exclude(discussion__in=unsafe).values_list("pk", flat=True)))
    _recount(damage.get("visible_count", []))
    _recount_days(damage.get("day", []))
    _recount_recommendations(damage.get("recommend_count", []))
    images.make_sizes_again(damage.get("image_size", []))
    images.use_again(damage.get("image_use", []))
    for comment in Comment.objects.filter(pk__in=damage.get("comment_html", [])):
        with transaction.atomic():
            lock([comment.pk])
            comment.refresh_from_db()
            Comment.objects.filter(pk=comment.pk).update(
                body_html=render(comment.body, is_plain_text=comment.is_plain_text)
            )
            _say_so([comment.discussion_id])
    for article in Article.objects.filter(pk__in=damage.get("article_html", [])):
        save_article(article=article)
    _search_anew(damage.get("search", []))
    _blank_erased(damage.get("erased", []))
    policy().repair(damage)


def _renumber(ids: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        lock(ids)
        discussions = set(Comment.objects.filter(pk__in=ids).values_list("discussion_id", flat=True))
        roots = Comment.objects.filter(discussion__in=discussions, parent=None)
        cursor.execute(tree.NUMBER, {"trees": list(roots.order_by().values_list("tree_id", flat=True))})
        _say_so(discussions)


def _recount(discussions: list[int]) -> None:
    for discussion in discussions:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(tree.LOCK, {"discussion": discussion})
            Discussion.objects.filter(pk=discussion).update(
                visible_count=Comment.objects.visible().filter(discussion=discussion).count()
            )
            _say_so([discussion])


def _recount_days(discussions: list[int]) -> None:
    for discussion in discussions:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(tree.LOCK, {"discussion": discussion})
            cursor.execute(REPAIR_DAYS, {"discussion": discussion})
            _say_so([discussion])


def _recount_recommendations(ids: list[int]) -> None:
    for comment in Comment.objects.filter(pk__in=ids):
        with transaction.atomic():
            lock([comment.pk])
            counted = Recommendation.objects.filter(comment=comment, counted=True).count()
            Comment.objects.filter(pk=comment.pk).update(recommend_count=counted)
            _say_so([comment.discussion_id])


def _say_so(discussions: set[int] | list[int]) -> None:
    Discussion.objects.filter(pk__in=discussions).update(version=F("version") + 1)


def _trees(discussion: int) -> list[tuple[int, bool, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(TREES, {"discussion": discussion})
        return list(cursor.fetchall())


def _ids(statement: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def _stale_comments() -> tuple[list[int], list[int]]:
    """Those with other HTML than their text gives, and those that are searched by another text, or by none;
    of what has no words any more none is right. All texts are read once."""
    html, search = [], []
    rows = Comment.objects.only("body", "body_html", "is_plain_text", "state_reason", "erased_at")
    rows = rows.annotate(folded=F("text__folded")).order_by("pk")
    for comment in rows.iterator(2_000):
        if comment.body_html != render(comment.body, is_plain_text=comment.is_plain_text):
            html.append(comment.pk)
        is_wordless = comment.erased_at or comment.state_reason == Reason.SEALED
        folded: str | None = comment.folded  # type: ignore[attr-defined]  # annotated above
        if folded != (None if is_wordless else fold(comment.body)):
            search.append(comment.pk)
    return html, search


def _search_anew(ids: list[int]) -> None:
    for comment in Comment.objects.filter(pk__in=ids):
        with transaction.atomic():
            lock([comment.pk])
            comment.refresh_from_db()
            if comment.erased_at or comment.state_reason == Reason.SEALED:
                CommentText.objects.filter(comment=comment).delete()
            else:
                beside = {"folded": fold(comment.body)}
                CommentText.objects.update_or_create(
                    comment=comment,
                    defaults=beside,
                    create_defaults=beside | {"author_name": comment.author_name},
                )


def _blank_erased(ids: list[int]) -> None:
    """Not of what is published all the same: its words are read, and a person has to look."""
    with transaction.atomic():
        lock(ids)
        gone = Comment.objects.filter(
            ~Q(state__in=["published", "pending"]), pk__in=ids, erased_at__isnull=False
        )
        blank(list(gone.values_list("pk", flat=True)))


def _stale_articles() -> Iterator[Article]:
    rows = Article.objects.only("body", "body_html").order_by("pk")
    return (article for article in rows.iterator(100) if article.body_html != render_story(article.body))
