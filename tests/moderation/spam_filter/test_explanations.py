"""The texts of signals and of the parts of a score."""

import re

import pytest

from moderation.features.signals import FACT_SIGNALS, RANKING_SIGNALS, SIGNALS, SITE_SIGNAL_WEIGHTS
from moderation.models import Finding
from moderation.queue import explanations
from moderation.spam_filter.contributions import StoredPart
from moderation.spam_filter.explanations import part_texts, signal_description, signal_text

EVERY = [*(signal.__name__ for signal in (*SIGNALS, *FACT_SIGNALS, *RANKING_SIGNALS)), *SITE_SIGNAL_WEIGHTS]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("number", [None, 0, 1, 7])
def test_each_signal_has_a_text(name, number):
    sentence = signal_text(name, number)
    assert sentence.endswith(".")
    assert "%" not in sentence


@pytest.mark.parametrize("name", EVERY)
def test_an_unknown_number_is_left_out(name):
    assert not re.search(r"\d", signal_text(name, None))


def test_an_unknown_age_is_left_out():
    assert (
        explanations.explain_finding(Finding(check_name="late"), to_moderator=True, twin=None)
        == "It was posted long after the article."
    )


def test_a_number_is_shown():
    assert signal_text("late", 1) == "Posted 1 day after the article."
    assert signal_text("links", 7) == "It has 7 links."
    assert signal_text("drift", 0) == "It has no word in common with the article or the discussion."
    assert signal_text("drift", 1).startswith("It has only 1 word in common")


def test_a_general_text_has_no_number():
    assert signal_description("late") == "It was posted long after the article."
    assert signal_description("near_repeat") == "It has nearly the same text as another comment."
    assert signal_description("puny") == signal_text("puny", None)


def test_parts_of_a_score_have_texts():
    parts = [
        StoredPart(kind="word", signal="", number=None, logit=1.0, spans=[(0, 5)]),
        StoredPart(kind="word", signal="", number=None, logit=0.5, spans=[(90, 95)]),
        StoredPart(kind="signal", signal="late", number=40, logit=-0.5, spans=[]),
        StoredPart(kind="signal", signal="unheard_of", number=None, logit=0.1, spans=[]),
    ]
    said = part_texts(parts, "<b>ad now", "Jim")
    assert [one.sentence for one in said] == [
        "The word “<b>ad”.",
        "A word that is no longer in the text.",
        "Posted 40 days after the article.",
        "The signal “unheard_of”.",
    ]
    assert [one.bar for one in said[::2]] == ["M0 0h50v8h-50z", "M0 0h-25v8h25z"]
