"""The worst mistakes of the filter: each text once, the worst of its copies first."""

from moderation.spam_filter.contributions import MAX_MISTAKES, worst_mistakes


def test_the_worst_copy_of_a_text_gives_its_place():
    assert worst_mistakes([0.01, 0.10, 0.30], [True] * 3, ["X", "Y", "X"]) == ([0, 1], [])
    assert worst_mistakes([0.99, 0.90, 0.70], [False] * 3, ["X", "Y", "X"]) == ([], [0, 1])


def test_the_worst_mistake_is_not_cut_off_because_of_a_better_copy():
    texts = ["X", *(f"Text {n}" for n in range(MAX_MISTAKES + 5)), "X"]
    probabilities = [0.01 * (n + 1) for n in range(len(texts))]
    missed, _flagged = worst_mistakes(probabilities, [True] * len(texts), texts)
    assert missed == list(range(MAX_MISTAKES))


def test_only_mistakes_are_listed():
    assert worst_mistakes([0.9, 0.1, 0.4, 0.6], [True, False, True, False], list("abcd")) == ([2], [3])
