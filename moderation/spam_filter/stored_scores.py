"""Explains the score of a stored comment: its parts, by the version that scored it."""

from collections.abc import Sequence

from comments.models import Comment
from moderation.checks import registry
from moderation.checks.spam import FILTER
from moderation.features import text_reading
from moderation.features.text_reading import CommentData
from moderation.models import FilterVersion, Finding
from moderation.spam_filter import active_model, contributions
from moderation.spam_filter.contributions import StoredScorePart

MAX_EXPLAINED_PARTS = 8  # of the score of one comment, on its card


def score_of(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding of the filter's score among those of a comment, if the filter scored it."""
    return next((finding for finding in findings if finding.check_name == FILTER.name), None)


def explain_stored(comment: Comment, findings: Sequence[Finding]) -> list[StoredScorePart]:
    """Return the heaviest parts of a score.

    Returns nothing if the filter did not score the comment, or if the version that did can't be loaded any
    more, such as one of an earlier release. `findings`: of the current text of the comment. Loads the
    version's weights once in each process. The story is read as it is now, so the sum may differ a little
    from the score.
    """
    own = score_of(findings)
    if own is None or own.filter_id is None:
        return []
    site_signals = registry.start_weights()
    site_results = [
        text_reading.SignalResult(
            finding.strength, tuple((a, b) for a, b in finding.spans), finding.number, finding.check_name
        )
        for finding in findings
        if finding.check_name in site_signals and finding.strength
    ]
    try:
        parts = active_model.load_model(own.filter_id).explain(_stored_comment_data(comment), site_results)
    except (FilterVersion.DoesNotExist, active_model.UnusableModelError):
        return []
    return contributions.stored_parts(
        parts, {finding.check_name: finding.number for finding in findings}, MAX_EXPLAINED_PARTS
    )


def _stored_comment_data(comment: Comment) -> CommentData:
    article = comment.discussion.article
    return CommentData(
        body=comment.body,
        author=comment.author_name or None,
        article_title=article.title,
        article_text=article.full_text,
        article_date=article.published_at,
        comment_date=comment.created_at,
        is_reply=comment.parent_id is not None,
    )
