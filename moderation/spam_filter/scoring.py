"""Scoring of a draft: its features, the site's facts, the external scorers and the filter's prediction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from comments.policy import Draft
from moderation.checks import registry
from moderation.checks.results import CheckResult
from moderation.checks.spam import FILTER, SILENT
from moderation.features import names, text_reading
from moderation.features.signals.site import find_site_signals, linked_hosts
from moderation.features.site_facts import SiteFacts, site_facts_values
from moderation.features.text_reading import CommentData, ParsedComment
from moderation.screening import external_scorers
from moderation.spam_filter import active_model
from moderation.spam_filter.active_model import ActiveFilter, Prediction


def draft_facts_values(draft: Draft, parsed: ParsedComment, ip_hash: bytes | None) -> dict[str, Any]:
    """Return the parameters of site_facts.SITE_FACTS_SQL for a draft."""
    return site_facts_values(
        article=draft.discussion.article.pk,
        at=draft.at,
        hosts=linked_hosts(parsed),
        name=draft.name,
        is_unusual_name=names.unusual_name_shape(draft.name) is not None,
        author=draft.author.pk if draft.author else None,
        guest=draft.guest.pk if draft.guest else None,
        ip_hash=ip_hash,
        exclude=draft.comment.pk if draft.comment else None,
    )


def score_draft(
    draft: Draft,
    parsed: ParsedComment,
    facts: SiteFacts,
    active: ActiveFilter | None,
    found: Sequence[CheckResult],
) -> tuple[Prediction | None, list[CheckResult]]:
    """Return the filter's prediction for a draft (None without a filter) and the findings to store.

    `parsed`: the draft_data of the draft; `found`: results of the checks. Takes the time of the external
    scorers, if there are any.
    """
    parsed.data = replace(parsed.data, article_text=facts.article)
    more = find_site_signals(parsed, facts)
    if active is None:
        return None, registry.signal_results(more) + registry.find_unweighted(parsed)
    others = list(_external_results(draft)) if draft.ip else []
    own = site_results([*found, *(one for one in others if one.strength)])
    return score_comment(parsed, active, [*more, *own], others)


def score_comment(
    parsed: ParsedComment,
    active: ActiveFilter,
    more: Sequence[text_reading.SignalResult],
    others: Sequence[CheckResult] = (),
) -> tuple[Prediction, list[CheckResult]]:
    """Return the prediction for a parsed comment and the findings to store.

    `more`: results of the site's own signals (registry.start_weights); `others`: results of the external
    scorers.
    """
    prediction = active_model.predict(parsed, active, more)
    own = registry.signal_results(prediction.signals) + registry.find_unweighted(parsed)
    filter_finding = CheckResult(
        check=FILTER.name,
        strength=prediction.probability,
        holds=prediction.waits,
        filter=prediction.version,
    )
    return prediction, [*own, *others, filter_finding]


def site_results(found: Iterable[CheckResult]) -> list[text_reading.SignalResult]:
    """Return those of these results that are signals of the spam filter, too."""
    names = registry.start_weights()
    return [text_reading.SignalResult(one.strength, signal=one.check) for one in found if one.check in names]


def draft_data(draft: Draft) -> CommentData:
    """Return the comment data of a draft, without the article's text, which may not be loaded."""
    article = draft.discussion.article
    return CommentData(
        body=draft.body,
        author=draft.name or None,
        article_title=article.title,
        article_date=article.published_at,
        comment_date=draft.at,
        is_reply=draft.parent is not None,
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
            yield CheckResult(check=SILENT[answer.name].name, strength=0, holds=False)
        else:
            yield CheckResult(check=answer.name, strength=answer.probability, holds=False)
