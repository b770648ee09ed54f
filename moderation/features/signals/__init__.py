"""Signals of the spam filter: facts about one comment, with the places in its text. Pure functions.

Each signal is a function of a parsed comment that returns a SignalResult with a strength from 0 to 1, or
None. Its code is stored, with findings and weights, and so never changes; the function may be renamed. Spans
are (start, end) in characters of the body as it was typed. Weights of signals are learnt
(spam_filter/classifier), beside the features there. Signals in favour of a comment are never stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from moderation.features.signals import author, text
from moderation.features.text_reading import CommentData, ParsedComment, Signal, SignalResult

# The signals that are a part of the starter, by their codes.
SIGNALS: dict[str, Signal] = {
    "late": text.late,
    "on_subject": text.words_of_story,
    "answers": text.reply,
    "asks": text.question_or_experience,
    "spun": text.template_phrases,
    "other_script": text.other_script,
    "name_phrase": author.name_is_search_phrase,
    "name_domain": author.name_is_web_address,
    "no_gain": author.nobody_profits,
    "site_deep": author.website_is_deep_page,
}


def find_signals(comment: ParsedComment, signals: Mapping[str, Signal] = SIGNALS) -> list[SignalResult]:
    """Return the results of these signals that apply, in their order."""
    found = [(code, signal(comment)) for code, signal in signals.items()]
    return [replace(result, signal=code) for code, result in found if result is not None]


def signal_values(found: Iterable[SignalResult], data: CommentData) -> dict[str, float]:
    """Return the strength of each signal of SIGNALS, 0 if it was not found.

    A signal is left out if the facts that it needs are unknown.
    """
    unknown: set[Signal] = set()
    if data.article_date is None or data.comment_date is None:
        unknown.add(text.late)
    if not (data.article_title or data.article_text):
        unknown |= {text.words_of_story, text.other_script}
    if data.author is None:
        unknown |= {author.name_is_search_phrase, author.name_is_web_address}
    if data.url is None:
        unknown |= {author.nobody_profits, author.website_is_deep_page}
    strengths = {result.signal: result.strength for result in found}
    return {code: strengths.get(code, 0.0) for code, signal in SIGNALS.items() if signal not in unknown}
