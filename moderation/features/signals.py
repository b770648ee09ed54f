"""Signals: facts about one comment that count for or against it being spam. Pure functions.

Each signal is a function of a parsed comment that returns a SignalResult or None. None means "no
evidence": the signal does not apply, or the data it needs (an article, a date, a URL) is missing. The two
cases are not told apart, so no weight is ever given to a field only because it is missing.

Strengths are from 0 to 1. Spans are (start, end) in characters of the body as it was typed. A signal is a
reason to review a comment; the model learns how much it weighs (spam_filter/model.py), and WEIGHTS are only
the start values. The word lists are English and short; late, drift, links, padded and the script signals work
in any language.
"""

from collections.abc import Iterable

from moderation.features import author_signals, link_signals, text_signals
from moderation.features.text_reading import ParsedComment, Signal, SignalResult

# Start weight of each signal, in logits at strength 1; negative ones count for the comment. Set by hand.
# The starter's training sets have no dates and no articles, so those signals keep these weights until a
# site's own decisions change them.
WEIGHTS: dict[Signal, float] = {
    text_signals.late: 0.8,
    text_signals.drift: 0.8,
    text_signals.on_subject: -1.5,
    text_signals.specific: -1.5,
    text_signals.answers: -0.8,
    text_signals.asks: -0.8,
    text_signals.praise: 1.2,
    text_signals.site_talk: 1.2,
    text_signals.spun: 2.0,
    text_signals.leftovers: 2.0,
    text_signals.padded: 3.0,
    author_signals.name_phrase: 2.5,
    author_signals.name_domain: 2.0,
    author_signals.own_name: -0.8,
    author_signals.no_gain: -1.0,
    author_signals.site_sells: 1.6,
    author_signals.site_deep: 1.0,
    link_signals.shortened: 1.5,
    link_signals.puny: 1.0,
    link_signals.links: 0.4,
    link_signals.link_markup: 1.0,
    link_signals.own_link: 0.5,
    text_signals.calls: 1.5,
    text_signals.wares: 2.0,
    text_signals.shouting: 0.3,
    text_signals.other_script: 1.0,
    text_signals.mixed_script: 1.5,
}
SIGNALS: tuple[Signal, ...] = tuple(WEIGHTS)
PRIORS: dict[str, float] = {signal.__name__: weight for signal, weight in WEIGHTS.items()}


def find_signals(comment: ParsedComment, signals: Iterable[Signal] = SIGNALS) -> list[SignalResult]:
    """Return the results of these signals that apply, in their order."""
    out = []
    for signal in signals:
        if (found := signal(comment)) is not None:
            out.append(SignalResult(found.strength, found.spans, found.number, signal.__name__))
    return out
