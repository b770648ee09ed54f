"""Which earlier comment says the same, or nearly so: by its words, and by its letters where it has few."""

import pytest

from comments import repeats
from comments.repeats import trigrams
from moderation.repeats import find_repeat
from tests.factories import make_article, say

pytestmark = pytest.mark.django_db

STORY = (
    "The ferry left the eastern landing before sunrise, and nobody on the upper deck noticed that the "
    "harbour master had forgotten to raise the signal. Fishermen along the breakwater waved their lanterns "
    "instead, shouting across the water until the captain understood and turned the vessel around."
)


@pytest.mark.parametrize(
    ("original", "again"),
    [
        (STORY, STORY.replace("sunrise", "dawn").replace("raise", "give")),
        (STORY, STORY.replace("lantern", "lamp") + " 4711"),
        (STORY, STORY.replace("The ferry left", "Left")),
        (
            "https://a.example/one?two=three4 https://b.example/56789/0123456789",
            "https://a.example/one?two=three5 https://b.example/56789/0123456789",
        ),
        (
            "渡し船は日の出前に東の桟橋を離れ、港の主は合図を上げるのを忘れていたので、漁師たちが灯りを振った。",
            "渡し船は日の出前に東の桟橋を離れ、港の主は合図を上げるのを忘れていたので、漁師たちが灯りを振ったよ。",
        ),
    ],
    ids=["words changed", "a number added", "words left out", "no words", "no spaces"],
)
def test_what_is_nearly_the_same_is_found(original, again):
    article = make_article()
    twin = say(article, original)
    say(article, "Something else that is long enough to be compared with all of the others.")
    similarity = repeats.similarity(trigrams(original.casefold()), trigrams(again.casefold()))
    assert 0.9 < similarity < 1, "the test's own texts"
    found = find_repeat(again, but=None)
    assert found is not None
    assert (found.twin, found.exact, found.similarity) == (twin.pk, False, pytest.approx(similarity))
    assert find_repeat(again, but=twin.pk) is None


def test_what_shares_half_of_its_words_is_no_repeat():
    say(make_article(), STORY)
    assert (
        find_repeat(STORY[: len(STORY) // 2] + " and so on, as it is told in every harbour.", but=None)
        is None
    )
