"""Scoring of a draft: its features, the site's facts, the external scorers and the filter's prediction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.conf import settings

from comments.policy import Draft
from moderation.features import names, signals, site_signals, text_reading
from moderation.features.signals import SITE_SIGNAL_WEIGHTS
from moderation.features.site_facts import load_site_facts
from moderation.features.text_reading import CommentData, ParsedComment
from moderation.screening import external_scorers
from moderation.screening.checks import CheckResult
from moderation.spam_filter import active_model
from moderation.spam_filter.active_model import ActiveFilter, Prediction

# Signals that are stored as findings: those that count against a comment, order the queue or are facts for
# the card, without those that duplicate a check.
STORED_SIGNALS = {
    *(signal.__name__ for signal, weight in signals.WEIGHTS.items() if weight > 0),
    *(signal.__name__ for signal in (*signals.FACT_SIGNALS, *signals.RANKING_SIGNALS)),
    "imitates",
    "spam_host",
    "link_burst",
    "one_address",
    "name_burst",
} - {"late", "links"}
WAITING_SIGNALS = {"imitates"}  # signals that make a comment wait by themselves


def score_draft(
    draft: Draft, active: ActiveFilter | None, found: Sequence[CheckResult], ip_hash: bytes | None
) -> tuple[Prediction | None, list[CheckResult]]:
    """Return the filter's prediction for a draft (None without a filter) and the findings to store.

    `found`: results of the checks. Takes one statement, and the time of the external scorers if there are
    any.
    """
    parsed = ParsedComment(draft_data(draft))
    facts = load_site_facts(
        article=draft.discussion.article.pk,
        at=draft.at,
        hosts=site_signals.linked_hosts(parsed),
        name=draft.name,
        is_unusual_name=names.unusual_name_shape(draft.name) is not None,
        author=draft.author.pk if draft.author else None,
        guest=draft.guest.pk if draft.guest else None,
        parent=draft.parent.pk if draft.parent else None,
        ip_hash=ip_hash,
        exclude=draft.comment.pk if draft.comment else None,
    )
    parsed.data = replace(
        parsed.data,
        article_text=facts.article,
        parent=facts.parent_text or None,
        thread=facts.thread or None,
    )
    more = site_signals.find_site_signals(parsed, facts)
    if active is None:
        return None, _stored_results(parsed, more)
    others = list(_external_results(draft)) if draft.ip else []
    of_checks = [as_signal(one) for one in found if one.check in SITE_SIGNAL_WEIGHTS]
    external_signals = [as_signal(one) for one in others if one.strength]
    return score_comment(parsed, active, [*more, *of_checks, *external_signals], others)


def score_comment(
    parsed: ParsedComment,
    active: ActiveFilter,
    more: Sequence[text_reading.SignalResult],
    others: Sequence[CheckResult] = (),
) -> tuple[Prediction, list[CheckResult]]:
    """Return the prediction for a parsed comment and the findings to store.

    `more`: results of the site's own signals (SITE_SIGNAL_WEIGHTS); `others`: results of the external
    scorers.
    """
    prediction = active_model.predict(parsed, active, more)
    signal_findings = _stored_results(parsed, prediction.signals)
    filter_finding = CheckResult(
        check="filter", strength=prediction.probability, holds=prediction.waits, filter=prediction.version
    )
    return prediction, [*signal_findings, *others, filter_finding]


def _stored_results(parsed: ParsedComment, found: Sequence[text_reading.SignalResult]) -> list[CheckResult]:
    """Return the signals to store, among these and the facts and ranking signals."""
    unweighted = signals.find_signals(parsed, (*signals.FACT_SIGNALS, *signals.RANKING_SIGNALS))
    return [
        CheckResult(
            check=one.signal,
            strength=one.strength,
            holds=one.signal in WAITING_SIGNALS,
            spans=list(one.spans),
            number=one.number,
        )
        for one in (*found, *unweighted)
        if one.signal in STORED_SIGNALS
    ]


def as_signal(found: CheckResult) -> text_reading.SignalResult:
    """Return the result of a check as a signal result."""
    return text_reading.SignalResult(found.strength, signal=found.check)


def draft_data(draft: Draft) -> CommentData:
    """Return the comment data of a draft, without the article's text, which may not be loaded."""
    article = draft.discussion.article
    return CommentData(
        body=draft.body,
        author=draft.name or None,
        article_title=article.title,
        article_date=article.published_at,
        comment_date=draft.at,
    )


def _external_results(draft: Draft) -> Iterator[CheckResult]:
    article = draft.discussion.article
    asked = external_scorers.ScoreRequest(
        body=draft.body,
        name=draft.name,
        ip=draft.ip,
        article=settings.SITE_URL + article.get_absolute_url(),
        title=article.title,
    )
    for answer in external_scorers.ask_scorers(asked):
        if answer.probability is None:
            yield CheckResult(check=f"{answer.name}_silent", strength=0, holds=False)
        else:
            yield CheckResult(check=answer.name, strength=answer.probability, holds=False)
