"""Screening of imported comments by the checks and the filter."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from articles.models import Article
from comments.duplicates import fold
from comments.models import Comment, Discussion, State
from comments.policy import Draft
from moderation.checks import registry
from moderation.checks.base import Context
from moderation.checks.results import CheckResult
from moderation.features.site_facts import THREAD_COMMENT_LENGTH, THREAD_COMMENTS
from moderation.features.text_reading import ParsedComment
from moderation.models import Finding
from moderation.rules import active_rules
from moderation.screening.duplicates import find_duplicates
from moderation.spam_filter import scoring
from moderation.spam_filter.active_model import ActiveFilter, usable_filter


def screen_import(*, article: Article, ids: Sequence[int]) -> int:
    """Screen imported comments, each at its own time, store the findings and return how many there are.

    Changes no state. Takes a bounded number of statements for any number of comments.
    """
    discussion = Discussion(article=article)
    every_rule = active_rules.load_active_rules()
    topics = article.topics.values_list("pk", flat=True) if every_rule.is_scoped else ()
    rules = every_rule.for_place(article.pk, topics)
    duplicates = find_duplicates(article=article, ids=ids)
    thread, active = _ImportedThread(article), usable_filter()
    if active:
        active = active._replace(topics=tuple(article.topics.order_by("pk").values_list("pk", flat=True)))
    findings = []
    for comment in Comment.objects.filter(pk__in=ids).order_by("created_at", "pk").defer("body_html"):
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
        findings += [Finding.of(comment, result) for result in results]
    Finding.objects.bulk_create(findings, batch_size=2_000)
    return len(findings)


class _ImportedThread:
    """The thread before each imported comment, as load_site_facts would read it, but kept in memory."""

    def __init__(self, article: Article) -> None:
        self.article_text = f"{article.standfirst}\n{article.body}"
        self.latest: deque[str] = deque(maxlen=THREAD_COMMENTS)
        self.texts: dict[int, str] = {}

    def add(self, comment: Comment) -> None:
        folded = fold(comment.body)
        if comment.state == State.PUBLISHED:
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
                thread=" ".join(self.latest) or None,
            )
        )
        return scoring.score_comment(parsed, active, scoring.site_results(results))[1]
