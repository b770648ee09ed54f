"""The texts of the parts of a score."""

from moderation.spam_filter.contributions import StoredScorePart
from moderation.spam_filter.explanations import describe_part, part_texts


def test_parts_of_a_score_have_texts():
    parts = [
        StoredScorePart(kind="word", signal="", number=None, logit=1.0, spans=[(0, 5)]),
        StoredScorePart(kind="word", signal="", number=None, logit=0.5, spans=[(90, 95)]),
        StoredScorePart(kind="signal", signal="late", number=40, logit=-0.5, spans=[]),
        StoredScorePart(kind="signal", signal="unheard_of", number=None, logit=0.1, spans=[]),
    ]
    texts = part_texts(parts, "<b>ad now", "Jim")
    assert [one.sentence for one in texts] == [
        "The word “<b>ad”.",
        "A word that is no longer in the text.",
        "Posted 40 days after the story.",
        "The signal “unheard_of”.",
    ]
    assert [one.bar for one in texts[::2]] == ["M0 0h50v8h-50z", "M0 0h-25v8h25z"]


def test_the_general_text_of_a_part_has_no_number():
    assert describe_part("late") == "It was posted long after the story."
    assert describe_part("words") == "Words that were learnt on this site."
