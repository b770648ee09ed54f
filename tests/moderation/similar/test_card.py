"""Similar comments on the card of a comment: their count and the clues of the group."""

import re

import pytest

from comments.models import Comment, State
from comments.services.editing import edit_comment
from moderation.actions import decisions
from moderation.models import CommentGroup, Finding
from moderation.similar import scan
from tests.factories import make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import text
from tests.moderation.similar.helpers import GOOD, flood, only_group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.mark.parametrize(
    ("published", "sentence"),
    [
        ([], "2 similar comments, none of them published."),
        ([1], "2 similar comments, 1 of them published."),
        ([1, 2], "2 similar comments, 2 of them published."),
    ],
)
def test_card_counts_similar_comments(client, maria, article, published, sentence):
    spam = flood(article, 3)
    with triggers_disabled():
        waiting = [comment.pk for n, comment in enumerate(spam) if n not in published]
        Comment.objects.filter(pk__in=waiting).update(state=State.PENDING)
    only_group()
    client.force_login(maria)
    assert sentence in text(client.get(f"/moderation/comments/{spam[0].pk}/"))

    decisions.decide(ids=[spam[2].pk], to=State.SPAM, reason="spam", actor=maria)
    state = "published" if 1 in published else "not published"
    assert f"1 similar comment, which is {state}." in text(client.get(f"/moderation/comments/{spam[0].pk}/"))


def test_card_hides_a_group_without_other_members(client, maria, article):
    spam = flood(article, 4)
    decisions.decide(ids=[c.pk for c in spam[1:]], to=State.SPAM, reason="spam", actor=maria)
    client.force_login(maria)

    scan.run_scan()
    assert not CommentGroup.objects.exists()
    assert "similar comments," not in client.get(f"/moderation/comments/{spam[0].pk}/").text


def marked_signals(page: str) -> list[str]:
    """Return the signals whose numbers stand at the phrase that the flood repeats."""
    numbers = re.search(
        r'<mark data-n="([\d, ]+)">[^<]*Truly a marvellous magazine with splendid columns', page
    )
    assert numbers
    signals = [" ".join(one.split()) for one in re.findall(r"<li data-strength=[^>]+><span>([^<]+)", page)]
    return [signals[int(number) - 1] for number in numbers[1].split(", ")]


def test_a_passage_has_the_numbers_of_all_signals_that_are_about_it(client, maria, article):
    spam = flood(article, 5)
    near = {"check_name": "near_repeat", "strength": 0.95, "holds": True, "duplicate_of": spam[0]}
    Finding.objects.create(comment=spam[1], revision=1, **near)
    scan.run_scan()
    client.force_login(maria)
    assert marked_signals(client.get(f"/moderation/comments/{spam[1].pk}/").text) == [
        f"It has almost the same text as comment {spam[0].pk} by {spam[0].author_name}.",
        "Most of its text consists of phrases that other comments use.",
    ]


def test_card_shows_the_clues_of_its_group(client, maria, article):
    library = make_article("Library", body="The library opens on Saturdays.")
    things = ["work", "idea", "view", "song", "day", "one", "two"]
    praise = [make_comment(library, f"Superb {thing}. https://cheap.example/{thing}") for thing in things]
    spam = flood(article, 5)
    scan.run_scan()
    client.force_login(maria)

    def card(comment: Comment) -> str:
        return client.get(f"/moderation/comments/{comment.pk}/").text

    assert "Most of its text consists of phrases that other comments use." in card(spam[1])
    assert marked_signals(card(spam[1])) == ["Most of its text consists of phrases that other comments use."]
    assert "It has hardly a word in common with the story and the discussion." in card(praise[1])
    Finding.objects.create(comment=praise[1], revision=1, check_name="drift", strength=0.2, holds=False)
    assert card(praise[1]).count("<span>It has hardly a word in common") == 1
    edit_comment(comment=spam[1], body=GOOD, user=None, guest=spam[1].guest)
    assert "phrases that other comments use" not in card(spam[1])
