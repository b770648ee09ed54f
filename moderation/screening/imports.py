"""Screening of imported comments by the checks and the filter."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from articles.models import Article
from comments.duplicates import fold
from comments.models import Comment, Discussion, Reason, State
from comments.policy import Draft
from moderation.checks import registry
from moderation.checks.base import Context, Duplicate
from moderation.checks.results import CheckResult
from moderation.features.site_facts import THREAD_COMMENT_LENGTH, THREAD_COMMENTS
from moderation.features.text_reading import ParsedComment
from moderation.rules import active_rules
from moderation.screening import flags
from moderation.screening.duplicates import find_exact_duplicates, find_near_duplicates
from moderation.spam_filter import scoring
from moderation.spam_filter.active_model import ActiveFilter, usable_filter


def screen_import(*, article: Article, ids: Sequence[int]) -> int:
    """Screen imported comments, each at its own time, store new findings and return how many there are.

    Changes no state. Takes a bounded number of statements for any number of comments.
    """
    rows = Comment.objects.filter(pk__in=ids).order_by("created_at", "pk")
    ordered = list(rows.values_list("pk", flat=True))
    return screen_block(article, ordered, slice(None), find_near_duplicates(article, ids))


def screen_block(
    article: Article, ids: Sequence[int], block: slice, near_duplicates: Mapping[int, Duplicate]
) -> int:
    """Screen a block of imported comments. `ids` are all comments of the import, by time.

    The findings are the same as if all were screened at once. Erased and restricted comments have no text;
    those of an undone import are screened when they return.
    """
    return flags.store_findings(_check_block(article, ids, block, near_duplicates))


def _check_block(
    article: Article, ids: Sequence[int], block: slice, near_duplicates: Mapping[int, Duplicate]
) -> dict[tuple[int, int], list[CheckResult]]:
    """Return the results of a block by comment and revision."""
    start, stop, _step = block.indices(len(ids))
    discussion = Discussion(article=article)
    every_rule = active_rules.load_active_rules()
    topics = article.topics.values_list("pk", flat=True) if every_rule.is_scoped else ()
    rules = every_rule.for_place(article.pk, topics)
    duplicates = {**near_duplicates, **find_exact_duplicates(ids[start:stop])}
    rows = Comment.objects.filter(pk__in=ids[start:stop], erased_at=None).exclude(
        state_reason__in=[Reason.RESTRICTED, Reason.IMPORT_UNDONE]
    )
    comments = list(rows.order_by("created_at", "pk").defer("body_html"))
    thread, active = _ImportedThread(article, ids[:start], comments), usable_filter()
    if active:
        active = active._replace(topics=tuple(article.topics.order_by("pk").values_list("pk", flat=True)))
    found = {}
    for comment in comments:
        draft = Draft(
            discussion=discussion,
            name=comment.author_name,
            body=comment.body,
            at=comment.created_at,
            comment=comment,
        )
        context = Context(
            duplicate=duplicates.get(comment.pk), rules=rules, text_missing=comment.text_missing
        )
        results = registry.run_checks(draft, context, is_import=True)
        results += thread.score(draft, None if comment.text_missing else active, results)
        thread.add(comment)
        found[comment.pk, comment.revision] = results
    return found


class _ImportedThread:
    """The thread before each imported comment, as SITE_FACTS_SQL would read it, but kept in memory.

    `before` are the comments of the import that precede `comments`, by time.
    """

    def __init__(self, article: Article, before: Sequence[int], comments: Sequence[Comment]) -> None:
        self.article_text = f"{article.standfirst}\n{article.body}"
        self.latest: deque[str] = deque(maxlen=THREAD_COMMENTS)
        self.texts: dict[int, str] = {}
        if before:
            answered = {comment.parent_id for comment in comments if comment.parent_id}.intersection(before)
            # The latest ones, and as many more in case that some of these are not published any more.
            recent = set(before[-2 * THREAD_COMMENTS :])
            rows = Comment.objects.filter(pk__in=answered.union(recent)).order_by("created_at", "pk")
            for comment in rows.only("body", "state"):
                self.add(comment, is_recent=comment.pk in recent)

    def add(self, comment: Comment, *, is_recent: bool = True) -> None:
        folded = fold(comment.body)
        if is_recent and comment.state == State.PUBLISHED:
            self.latest.append(folded[:THREAD_COMMENT_LENGTH])
        self.texts[comment.pk] = folded[: THREAD_COMMENT_LENGTH * 4]

    def score(
        self, draft: Draft, active: ActiveFilter | None, results: Sequence[CheckResult]
    ) -> list[CheckResult]:
        """Return the results of the signals, and of the filter if one is active."""
        assert draft.comment
        if active is None:
            return registry.find_unweighted(ParsedComment(scoring.draft_data(draft)))
        parsed = ParsedComment(
            replace(
                scoring.draft_data(draft),
                article_text=self.article_text,
                parent=self.texts.get(draft.comment.parent_id or 0),
                thread="\n".join(self.latest) or None,
            )
        )
        return scoring.score_comment(parsed, active, scoring.site_results(results))[1]
