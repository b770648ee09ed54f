"""Checks of the stored data: recompute what is derived and compare it with what is stored.

There are two kinds of damage. Trees, counters, rendered HTML and search texts are derived, so `repair` writes
them again; it also deletes remaining data of erased texts. States, parents and roles that differ from the
log, times and names that no operation can have written, missing revisions, wrong tree numbers and a broken
hash chain need a person to explain them: they are only reported. The policy checks the data of moderation.
"""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from articles.images import integrity as images
from articles.markup.markdown import render_document
from articles.models import Article
from articles.site.cached_pages import increment_site_version
from comments.duplicates import normalize_text
from comments.models import Comment, CommentSearchText, Discussion, Reason, Recommendation
from comments.policy import policy
from comments.services import sql
from comments.services.discussions import increment_versions, lock_discussions_of
from comments.services.text_changes import delete_content, render_body, store_search_texts
from core.database.sql import execute, fetch_column, fetch_rows

# Ids of comments, discussions, transitions, articles, images or accounts, by kind of damage.
Damage = dict[str, list[Any]]

# One discussion at a time, each in one statement and so in one snapshot: the site stays in use meanwhile.
TREES = f"""
WITH {sql.compute_numbers(sql.BY_STORED_ORDER, "c.discussion_id = %(discussion)s")}
SELECT c.id, (c.tree_id, c.lft, c.rght, c.level) IS DISTINCT FROM
             (computed.tree_id, computed.lft, computed.rght, computed.level) AS tree,
       c.reply_count IS DISTINCT FROM computed.reply_count AS replies
FROM comments_comment c LEFT JOIN computed USING (id) WHERE c.discussion_id = %(discussion)s ORDER BY c.id"""

# The statements that find each kind of damage. They return ids of comments, unless a comment says otherwise.
CHECKS_SQL = {
    # Returns ids of discussions.
    "visible_count": """
SELECT d.article_id FROM comments_discussion d
WHERE d.visible_count <> (SELECT count(*) FROM comments_comment c
                          WHERE c.discussion_id = d.article_id AND c.state = 'published')
ORDER BY d.article_id""",
    # Returns ids of discussions.
    "day": """
SELECT DISTINCT discussion_id FROM (
  SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS visible_count
  FROM comments_comment WHERE state = 'published' GROUP BY 1, 2) computed
FULL JOIN (
  SELECT discussion_id, day, visible_count FROM comments_discussionday WHERE visible_count <> 0) stored
  USING (discussion_id, day)
WHERE computed.visible_count IS DISTINCT FROM stored.visible_count ORDER BY discussion_id""",
    "recommend_count": """
SELECT c.id FROM comments_comment c
LEFT JOIN (SELECT comment_id, count(*) AS counted FROM comments_recommendation WHERE counted GROUP BY 1) r
  ON r.comment_id = c.id
WHERE c.recommend_count <> coalesce(r.counted, 0) ORDER BY c.id""",
    "state": """
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL
  (SELECT t.to_state, t.reason FROM comments_transition t
   WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) t ON true
WHERE (c.state, c.state_reason) IS DISTINCT FROM (t.to_state, t.reason) ORDER BY c.id""",
    # The log names a comment's parent in its last move, or else in its first entry.
    "parent": """
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL
  (SELECT t.new_parent_id FROM comments_transition t
   WHERE t.comment_id = c.id AND (t.kind = 'move' OR t.from_state = '') ORDER BY t.id DESC LIMIT 1) t ON true
WHERE c.parent_id IS DISTINCT FROM t.new_parent_id ORDER BY c.id""",
    # Returns ids of transitions. Each is compared with the one before it, so only the first one after a gap
    # or a forgery is reported.
    "chain": """
SELECT id FROM (
  SELECT t.id, t.seq - coalesce(lag(t.seq) OVER w, 0) AS step, t.hash,
         comments_transition_digest(t, lag(t.hash) OVER w) AS digest
  FROM comments_transition t WINDOW w AS (PARTITION BY t.discussion_id ORDER BY t.seq)) entry
WHERE step <> 1 OR hash <> digest ORDER BY id""",
    # Returns ids of transitions. The database sets the time of each, and none is older than its comment, if
    # that was written here. A minute of tolerance: a statement's time is set before it waits for the lock,
    # and clocks may differ. The check does not use now(), which is the start of its transaction and may be
    # long ago.
    "log_time": """
SELECT id FROM (
  SELECT t.id, t.at, lag(t.at) OVER (PARTITION BY t.discussion_id ORDER BY t.seq) AS before,
         CASE WHEN c.source = '' THEN c.created_at END AS written
  FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id) entry
WHERE at > statement_timestamp() + interval '1 minute' OR at < written - interval '1 minute'
   OR at < before - interval '1 minute' AND before < statement_timestamp() + interval '1 minute'
ORDER BY id""",
    "comment_time": """
SELECT id FROM comments_comment WHERE created_at > statement_timestamp() + interval '1 minute' ORDER BY id""",
    # Names are not in the log, so that they can be erased. A second copy of each is with the search text.
    "name": """
SELECT c.id FROM comments_comment c JOIN comments_commenttext search_text ON search_text.comment_id = c.id
WHERE c.author_name <> search_text.author_name AND c.erased_at IS NULL ORDER BY c.id""",
    # A tree that was never moved got its number and its root's id under one lock, so in each discussion both
    # have the same order. No number may be greater than the last one of the sequence.
    "tree_number": """
SELECT id FROM (
  SELECT c.id, c.tree_id, sequence.last_value, moves.is_moved,
         lag(c.tree_id, 1, 0) OVER w AS before, lead(c.tree_id) OVER w AS after
  FROM comments_tree_seq sequence, comments_comment c CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM comments_transition t
                   WHERE t.comment_id = c.id AND t.kind = 'move') AS is_moved) moves
  WHERE c.parent_id IS NULL WINDOW w AS (PARTITION BY c.discussion_id, moves.is_moved ORDER BY c.id)) root
WHERE tree_id NOT BETWEEN 1 AND last_value
   OR NOT is_moved AND before < coalesce(after, last_value + 1)
      AND tree_id NOT BETWEEN before + 1 AND coalesce(after - 1, last_value) ORDER BY id""",
    # Returns ids of accounts whose roles differ from the log of role changes.
    "role": """
SELECT DISTINCT coalesce(logged.user_id, stored.user_id) AS id FROM (
  SELECT DISTINCT ON (user_id, role_id) user_id, role_id, is_granted
  FROM accounts_rolechange ORDER BY user_id, role_id, id DESC) logged
FULL JOIN accounts_user_groups stored ON stored.user_id = logged.user_id AND stored.group_id = logged.role_id
WHERE coalesce(logged.is_granted, false) <> (stored.user_id IS NOT NULL) ORDER BY id""",
    # The shown body of a comment has a revision number; all other numbers must be stored as revisions.
    "revision": f"""
SELECT c.id FROM comments_comment c LEFT JOIN LATERAL (
  SELECT count(*) AS count, max(r.revision) AS last, bool_or(r.revision = c.revision) AS twice
  FROM comments_commentrevision r WHERE r.comment_id = c.id) r ON true
WHERE c.erased_at IS NULL AND c.state_reason <> '{Reason.RESTRICTED}'
  AND (r.twice OR r.count + 1 <> greatest(c.revision, r.last)) ORDER BY c.id""",
    "erased": """
SELECT c.id FROM comments_comment c
WHERE c.erased_at IS NOT NULL AND (
  c.body || c.body_html || c.author_name || c.author_email <> '' OR c.state IN ('published', 'pending')
  OR EXISTS (SELECT FROM comments_commentrevision r WHERE r.comment_id = c.id)) ORDER BY c.id""",
}

REPAIR_DAYS = """
WITH computed AS (
  SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS visible_count
  FROM comments_comment WHERE discussion_id = %(discussion)s AND state = 'published' GROUP BY 1),
gone AS (DELETE FROM comments_discussionday
         WHERE discussion_id = %(discussion)s AND day NOT IN (SELECT day FROM computed))
INSERT INTO comments_discussionday (discussion_id, day, visible_count)
SELECT %(discussion)s, day, visible_count FROM computed
ON CONFLICT (discussion_id, day) DO UPDATE SET visible_count = excluded.visible_count"""


def check() -> Damage:
    """Return all damage on the site by kind. Kinds without any are left out, so the result may be {}."""
    damage: Damage = {"tree": [], "reply_count": []}
    for discussion in Discussion.objects.order_by("pk").values_list("pk", flat=True):
        for pk, misplaced, miscounted in fetch_rows(TREES, {"discussion": discussion}):
            damage["tree"] += [pk] if misplaced else []
            damage["reply_count"] += [pk] if miscounted else []
    damage |= {kind: fetch_column(statement) for kind, statement in CHECKS_SQL.items()}
    damage["comment_html"], damage["search"] = _stale_comments()
    damage["article_html"] = [article.pk for article in _stale_articles()]
    damage["image_file"] = images.find_damaged_files()
    damage["image_size"] = images.find_missing_sizes(without=damage["image_file"])
    damage["image_use"] = images.find_wrong_uses()
    damage |= policy().find_damage()
    return {kind: ids for kind, ids in damage.items() if ids}


def repair(damage: Damage) -> None:
    """Write derived data again where `check` found it damaged. Trees are numbered by time.

    In a discussion with a damaged parent, trees and reply counts stay as they are: until a person corrects
    the parent, the old numbers still show where the comment was.
    """
    unsafe = Comment.objects.filter(pk__in=damage.get("parent", [])).values("discussion")
    misnumbered = Comment.objects.filter(pk__in=[*damage.get("tree", []), *damage.get("reply_count", [])])
    _renumber(list(misnumbered.exclude(discussion__in=unsafe).values_list("pk", flat=True)))
    _recount(damage.get("visible_count", []))
    _recount_days(damage.get("day", []))
    _recount_recommendations(damage.get("recommend_count", []))
    images.remake_sizes(damage.get("image_size", []))
    images.repair_uses(damage.get("image_use", []))
    for comment in Comment.objects.filter(pk__in=damage.get("comment_html", [])):
        with transaction.atomic():
            lock_discussions_of([comment.pk])
            comment.refresh_from_db()
            Comment.objects.filter(pk=comment.pk).update(
                body_html=render_body(comment.body, is_plain_text=comment.is_plain_text)
            )
            increment_versions([comment.discussion_id])
    for key in damage.get("article_html", []):
        with transaction.atomic():
            rows = Article.objects.filter(pk=key)
            for article in rows.only("body").select_for_update(no_key=True):  # none if it was deleted
                rows.update(body_html=render_document(article.body), version=F("version") + 1)
                increment_site_version()
    _rebuild_search_texts(damage.get("search", []))
    _delete_rest_of_erased(damage.get("erased", []))
    policy().repair_damage(damage)


def _renumber(ids: list[int]) -> None:
    with transaction.atomic():
        lock_discussions_of(ids)
        discussions = set(Comment.objects.filter(pk__in=ids).values_list("discussion_id", flat=True))
        roots = Comment.objects.filter(discussion__in=discussions, parent=None)
        execute(sql.NUMBER_TREES, {"trees": list(roots.order_by().values_list("tree_id", flat=True))})
        increment_versions(discussions)


def _recount(discussions: list[int]) -> None:
    for discussion in discussions:
        with transaction.atomic():
            execute(sql.LOCK_DISCUSSION, {"discussion": discussion})
            Discussion.objects.filter(pk=discussion).update(
                visible_count=Comment.objects.visible().filter(discussion=discussion).count()
            )
            increment_versions([discussion])


def _recount_days(discussions: list[int]) -> None:
    for discussion in discussions:
        with transaction.atomic():
            execute(sql.LOCK_DISCUSSION, {"discussion": discussion})
            execute(REPAIR_DAYS, {"discussion": discussion})
            increment_versions([discussion])


def _recount_recommendations(ids: list[int]) -> None:
    for comment in Comment.objects.filter(pk__in=ids):
        with transaction.atomic():
            lock_discussions_of([comment.pk])
            counted = Recommendation.objects.filter(comment=comment, is_counted=True).count()
            Comment.objects.filter(pk=comment.pk).update(recommend_count=counted)
            increment_versions([comment.discussion_id])


def _stale_comments() -> tuple[list[int], list[int]]:
    """Return the ids of comments with wrong HTML, and of those with a wrong or missing search text.

    Erased and restricted comments must not have a search text, and those of a large import get it later. All
    texts are read once.
    """
    html, search = [], []
    unscreened = policy().list_unscreened_discussions()
    rows = Comment.objects.only(
        "body", "body_html", "is_plain_text", "state_reason", "erased_at", "discussion_id"
    )
    rows = rows.annotate(normalized_body=F("search_text__normalized_body")).order_by("pk")
    for comment in rows.iterator(2_000):
        if comment.body_html != render_body(comment.body, is_plain_text=comment.is_plain_text):
            html.append(comment.pk)
        has_no_text = comment.erased_at or comment.state_reason == Reason.RESTRICTED
        normalized: str | None = vars(comment)["normalized_body"]  # annotated above
        may_have_none = has_no_text or comment.discussion_id in unscreened
        if normalized is None and may_have_none:
            continue
        if has_no_text or normalized != normalize_text(comment.body):
            search.append(comment.pk)
    return html, search


def _rebuild_search_texts(ids: list[int]) -> None:
    for comment in Comment.objects.filter(pk__in=ids):
        with transaction.atomic():
            lock_discussions_of([comment.pk])
            comment.refresh_from_db()
            if comment.erased_at or comment.state_reason == Reason.RESTRICTED:
                CommentSearchText.objects.filter(comment=comment).delete()
            else:
                store_search_texts([comment])


def _delete_rest_of_erased(ids: list[int]) -> None:
    """Delete remaining data of erased comments, except of a published one, which a person has to look at."""
    with transaction.atomic():
        lock_discussions_of(ids)
        removed = Comment.objects.filter(
            ~Q(state__in=["published", "pending"]), pk__in=ids, erased_at__isnull=False
        )
        delete_content(list(removed.values_list("pk", flat=True)))


def _stale_articles() -> Iterator[Article]:
    rows = Article.objects.only("body", "body_html").order_by("pk")
    return (article for article in rows.iterator(100) if article.body_html != render_document(article.body))
