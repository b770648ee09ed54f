"""Signals of the spam filter: facts about one comment, with the places in its text. Pure functions.

Each signal is a function of a parsed comment that returns a SignalResult with a strength from 0 to 1, or
None. Its name is stored, with findings and weights, and so never changes. Spans are (start, end) in
characters of the body as it was typed. Weights of signals are learnt (spam_filter/classifier), beside the
features there. Signals in favour of a comment are never stored.
"""

from collections.abc import Iterable

from moderation.features.signals import author, text
from moderation.features.text_reading import CommentData, ParsedComment, Signal, SignalResult

SIGNALS: tuple[Signal, ...] = (
    text.late,
    text.on_subject,
    text.answers,
    text.asks,
    text.spun,
    text.other_script,
    author.name_phrase,
    author.name_domain,
    author.no_gain,
    author.site_deep,
)


def find_signals(comment: ParsedComment, signals: Iterable[Signal] = SIGNALS) -> list[SignalResult]:
    """Return the results of these signals that apply, in their order."""
    out = []
    for signal in signals:
        if (found := signal(comment)) is not None:
            out.append(SignalResult(found.strength, found.spans, found.number, signal.__name__))
    return out


def signal_values(found: Iterable[SignalResult], data: CommentData) -> dict[str, float]:
    """Return the strength of each signal of SIGNALS, 0 if it was not found.

    A signal is left out if the facts that it needs are unknown.
    """
    unknown: set[Signal] = set()
    if data.article_date is None or data.comment_date is None:
        unknown.add(text.late)
    if not (data.article_title or data.article_text):
        unknown |= {text.on_subject, text.other_script}
    if data.author is None:
        unknown |= {author.name_phrase, author.name_domain}
    if data.url is None:
        unknown |= {author.no_gain, author.site_deep}
    strengths = {result.signal: result.strength for result in found}
    return {s.__name__: strengths.get(s.__name__, 0.0) for s in SIGNALS if s not in unknown}
