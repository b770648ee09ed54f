"""Screening of imported comments by the checks and the filter."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from articles.models import Article
from comments.models import Comment, Discussion, Reason
from comments.policy import Submission
from moderation.checks import registry
from moderation.checks.base import Context, Duplicate
from moderation.checks.results import CheckResult
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
    return screen_batch(article, ordered, slice(None), find_near_duplicates(article, ids))


def screen_batch(
    article: Article, ids: Sequence[int], batch: slice, near_duplicates: Mapping[int, Duplicate]
) -> int:
    """Screen a batch of imported comments. `ids` are all comments of the import, by time.

    The findings are the same as if all were screened at once. Erased and restricted comments are left out, as
    they have no text, and so are those of an undone import, which are screened when the undo is undone.
    """
    start, stop, _step = batch.indices(len(ids))
    discussion = Discussion(article=article)
    all_rules = active_rules.load_active_rules()
    topics = article.topics.values_list("pk", flat=True) if all_rules.is_scoped else ()
    rules = all_rules.for_article(article.pk, topics)
    duplicates = {**near_duplicates, **find_exact_duplicates(ids[start:stop])}
    rows = Comment.objects.filter(pk__in=ids[start:stop], erased_at=None).exclude(
        state_reason__in=[Reason.RESTRICTED, Reason.IMPORT_UNDONE]
    )
    comments = rows.order_by("created_at", "pk").values_list(
        "pk", "revision", "author_name", "body", "created_at", "text_missing"
    )
    article_text, active = article.full_text, usable_filter()
    if active:
        active = active._replace(topics=tuple(article.topics.order_by("pk").values_list("pk", flat=True)))
    results_by_revision = {}  # by comment and number of the revision
    for pk, revision, name, body, at, text_missing in comments:
        submission = Submission(discussion=discussion, name=name, body=body, at=at)
        context = Context(duplicate=duplicates.get(pk), rules=rules, text_missing=text_missing)
        results = registry.run_checks(submission, context, is_import=True)
        results += _score(submission, article_text, None if text_missing else active, results)
        results_by_revision[pk, revision] = results
    return flags.store_findings(results_by_revision)


def _score(
    submission: Submission, article_text: str, active: ActiveFilter | None, results: Sequence[CheckResult]
) -> list[CheckResult]:
    """Return the results of the signals, and of the filter if one is active."""
    parsed = ParsedComment(replace(scoring.submission_data(submission), article_text=article_text))
    if active is None:
        return registry.find_unweighted(parsed)
    return scoring.score_comment(parsed, active, scoring.to_site_results(results))[1]
