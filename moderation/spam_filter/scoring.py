"""Scoring of a submission: its features, the site's facts, external scorers and the filter's prediction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from comments.policy import Submission
from moderation.checks import registry
from moderation.checks.results import CheckResult
from moderation.checks.spam import FILTER, SILENT
from moderation.features import names, text_reading
from moderation.features.signals.site import find_site_signals, linked_hosts
from moderation.features.site_facts import SiteFacts, site_facts_values
from moderation.features.text_reading import CommentData, ParsedComment
from moderation.spam_filter import active_model
from moderation.spam_filter.active_model import ActiveFilter, Prediction
from moderation.spam_filter.external_scorers import ScoreRequest, ask_scorers, configured_scorers


def submission_facts_values(
    submission: Submission, parsed: ParsedComment, ip_hash: bytes | None
) -> dict[str, Any]:
    """Return the parameters of site_facts.SITE_FACTS_SQL for a submission."""
    return site_facts_values(
        article=submission.discussion.article.pk,
        at=submission.at,
        hosts=linked_hosts(parsed),
        name=submission.name,
        is_unusual_name=names.unusual_name_shape(submission.name) is not None,
        author=submission.author.pk if submission.author else None,
        guest=submission.guest.pk if submission.guest else None,
        ip_hash=ip_hash,
        exclude=submission.comment.pk if submission.comment else None,
    )


def score_submission(
    submission: Submission,
    parsed: ParsedComment,
    facts: SiteFacts,
    active: ActiveFilter | None,
    found: Sequence[CheckResult],
) -> tuple[Prediction | None, list[CheckResult]]:
    """Return the filter's prediction for a submission (None without a filter) and the findings to store.

    `parsed`: the submission_data of the submission; `found`: results of the checks. Takes the time of the
    external scorers, if there are any.
    """
    parsed.data = replace(parsed.data, article_text=facts.article)
    of_site = find_site_signals(parsed, facts)
    if active is None:
        return None, registry.stored_check_results(of_site) + registry.find_unweighted(parsed)
    external = list(_external_results(submission)) if submission.ip else []
    of_checks = to_site_results([*found, *(result for result in external if result.strength)])
    return score_comment(parsed, active, [*of_site, *of_checks], external)


def score_comment(
    parsed: ParsedComment,
    active: ActiveFilter,
    site_results: Sequence[text_reading.SignalResult],
    external: Sequence[CheckResult] = (),
) -> tuple[Prediction, list[CheckResult]]:
    """Return the prediction for a parsed comment and the findings to store.

    `site_results`: results of the signals that the filter learns on the site alone (registry.start_weights).
    `external`: results of the external scorers.
    """
    prediction = active_model.predict(parsed, active, site_results)
    own = registry.stored_check_results(prediction.signals) + registry.find_unweighted(parsed)
    filter_finding = CheckResult(
        check=FILTER.name,
        strength=prediction.probability,
        holds=prediction.becomes_pending,
        filter=prediction.version,
    )
    return prediction, [*own, *external, filter_finding]


def to_site_results(found: Iterable[CheckResult]) -> list[text_reading.SignalResult]:
    """Return the results of the signals that the spam filter learns on the site alone."""
    names = registry.start_weights()
    return [
        text_reading.SignalResult(result.strength, signal=result.check)
        for result in found
        if result.check in names
    ]


def submission_data(submission: Submission) -> CommentData:
    """Return the comment data of a submission, without the article's text, which may not be loaded."""
    article = submission.discussion.article
    return CommentData(
        body=submission.body,
        author=submission.name or None,
        article_title=article.title,
        article_date=article.published_at,
        comment_date=submission.at,
        is_reply=submission.parent is not None,
    )


def _external_results(submission: Submission) -> Iterator[CheckResult]:
    if not configured_scorers():
        return
    article = submission.discussion.article
    request = ScoreRequest(
        body=submission.body,
        name=submission.name,
        ip=submission.ip,
        article=settings.SITE_URL + article.get_absolute_url(),
        title=article.title,
    )
    for answer in ask_scorers(request):
        if answer.probability is None:
            yield CheckResult(check=SILENT[answer.name].name, strength=0, holds=False)
        else:
            yield CheckResult(check=answer.name, strength=answer.probability, holds=False)
