"""A draft before the filter: what is read of it, what the site knows, what others say, and the verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.conf import settings

from comments.policy import Draft
from moderation.features import signals, site_signals, text_reading
from moderation.features.signals import SITE_SIGNAL_WEIGHTS
from moderation.features.site_facts import load_site_facts
from moderation.features.text_reading import Read, Said
from moderation.screening import external_scorers
from moderation.screening.checks import Found
from moderation.spam_filter import active_model
from moderation.spam_filter.active_model import ActiveFilter, Prediction

# What is kept of the signals: what speaks against a comment, orders the queue, or is a fact for the card; but
# for those of which a check says the same.
KEPT = {
    *(signal.__name__ for signal, weight in signals.WEIGHTS.items() if weight > 0),
    *(signal.__name__ for signal in (*signals.FACT_SIGNALS, *signals.RANKING_SIGNALS)),
    "imitates",
    "spam_host",
    "link_burst",
    "one_address",
    "name_burst",
} - {"late", "links"}
WAITING_SIGNALS = {"imitates"}  # makes a comment wait by itself


def score_draft(
    draft: Draft, now: ActiveFilter | None, found: Sequence[Found], ip_hash: bytes | None
) -> tuple[Prediction | None, list[Found]]:
    """`found`: by the checks. One statement, and the outside scorers' time if there are any."""
    read = Read(draft_data(draft))
    known = load_site_facts(
        article=draft.discussion.article.pk,
        at=draft.at,
        hosts=site_signals.linked_hosts(read),
        name=draft.name,
        is_unusual_name=site_signals.unusual_name_shape(draft.name) is not None,
        author=draft.author.pk if draft.author else None,
        guest=draft.guest.pk if draft.guest else None,
        parent=draft.parent.pk if draft.parent else None,
        ip_hash=ip_hash,
        exclude=draft.comment.pk if draft.comment else None,
    )
    read.data = replace(
        read.data,
        article_text=known.article,
        parent=known.parent_text or None,
        thread=known.thread or None,
    )
    more = site_signals.find_site_signals(read, known)
    if now is None:
        return None, _stored_results(read, more)
    others = list(_external_results(draft)) if draft.ip else []
    of_checks = [as_signal(one) for one in found if one.check in SITE_SIGNAL_WEIGHTS]
    voices = [as_signal(one) for one in others if one.strength]
    return score_comment(read, now, [*more, *of_checks, *voices], others)


def score_comment(
    read: Read, now: ActiveFilter, more: Sequence[text_reading.SignalResult], others: Sequence[Found] = ()
) -> tuple[Prediction, list[Found]]:
    """`more`: what the site knows of it (signals.OF_THE_SITE); `others`: what outside scorers said."""
    judged = active_model.predict(read, now, more)
    kept = _stored_results(read, judged.found)
    own = Found(check="filter", strength=judged.probability, holds=judged.waits, filter=judged.version)
    return judged, [*kept, *others, own]


def _stored_results(read: Read, found: Sequence[text_reading.SignalResult]) -> list[Found]:
    """Of these, and of what only ranks or is a fact, what is kept."""
    beside = signals.find(read, (*signals.FACT_SIGNALS, *signals.RANKING_SIGNALS))
    return [
        Found(
            check=one.signal,
            strength=one.strength,
            holds=one.signal in WAITING_SIGNALS,
            spans=list(one.spans),
            number=one.number,
        )
        for one in (*found, *beside)
        if one.signal in KEPT
    ]


def as_signal(found: Found) -> text_reading.SignalResult:
    return text_reading.SignalResult(found.strength, signal=found.check)


def draft_data(draft: Draft) -> Said:
    """Without the story's text, which a request may not have read."""
    article = draft.discussion.article
    return Said(
        body=draft.body,
        author=draft.name or None,
        article_title=article.title,
        article_date=article.published_at,
        comment_date=draft.at,
    )


def _external_results(draft: Draft) -> Iterator[Found]:
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
            yield Found(check=f"{answer.name}_silent", strength=0, holds=False)
        else:
            yield Found(check=answer.name, strength=answer.probability, holds=False)
