"""The summary below a discussion: what readers learn about its moderation, and what they do not."""

from collections import Counter

import pytest

from articles.models import Article
from comments import removal_reasons
from comments.models import Discussion, Reason, State
from comments.services.states import delete_comment
from moderation.actions.decisions import decide
from moderation.transparency.discussion_summary import OTHERS, merge_rare_reasons, summary_sentences
from moderation.transparency.removal_counts import wrong_counts
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def summary(counts: dict[str, int], shown: int = 49, **values: int | None) -> str:
    return " ".join(
        summary_sentences(Discussion(article=Article(), removal_counts=counts, visible_count=shown, **values))
    )


SEED = {
    "spam/spam/confirmed": 15,
    "rejected/text_missing/confirmed": 5,
    "rejected/repeat/confirmed": 2,
    "rejected/off_topic/person": 2,
    "rejected/name/person": 1,
}


def test_the_summary_of_the_seed():
    assert summary(SEED, declared_count=82, imported_count=74) == (
        "The original page announced 82 responses; our copy holds 74, and why 8 are missing is not known. "
        "49 are shown. 25 are not: 15 spam, 5 with their text missing, 5 for other reasons. "
        "The checks proposed 22 and a moderator confirmed them; a moderator decided 3 alone."
    )


@pytest.mark.parametrize(
    ("counts", "values", "words"),
    [
        ({}, {}, ""),
        ({}, {"declared_count": 74, "imported_count": 74}, ""),
        ({}, {"declared_count": 0, "imported_count": 0}, ""),
        (
            {},
            {"shown": 1, "declared_count": 2, "imported_count": 1},
            "The original page announced 2 responses; our copy holds 1, and why 1 is missing is not known. "
            "1 is shown.",
        ),
        (
            {},
            {"declared_count": 40, "imported_count": 49},
            "The original page announced 40 responses; our copy holds 49. 49 are shown.",
        ),
        # Reasons with fewer than three comments are not named.
        ({"spam/spam/person": 1}, {}, "49 are shown. 1 is not. A moderator decided 1 alone."),
        (
            {"spam/screened/machine": 1_500},
            {"shown": 0},
            "None is shown. 1,500 are not, as spam. The checks removed 1,500 by themselves.",
        ),
        (
            {"rejected/insult/person": 4, "deleted/author/person": 3},
            {},
            "49 are shown. 7 are not: 4 for “insult”, 3 deleted by their authors. "
            "A moderator decided 4 alone.",
        ),
        (
            {"deleted/author/person": 1},
            {},
            "49 are shown. 1 is not.",
        ),
        # Restricted comments always count as other reasons.
        (
            {"rejected/sealed/person": 9, "rejected/off_topic/person": 3},
            {},
            "49 are shown. 12 are not: 3 off-topic, 9 for other reasons. A moderator decided 12 alone.",
        ),
        # A single removal does not hide the other reasons, and its own reason is not named.
        (
            {"spam/spam/confirmed": 295, "rejected/name/person": 1},
            {"shown": 32},
            "32 are shown. 296 are not: 295 spam, 1 for another reason. "
            "The checks proposed 295 and a moderator confirmed them; a moderator decided 1 alone.",
        ),
        # If all have one reason, the number is not repeated.
        (
            {"rejected/text_missing/person": 3},
            {},
            "49 are shown. 3 are not, with their text missing. A moderator decided 3 alone.",
        ),
        ({"deleted/author/person": 4}, {}, "49 are shown. 4 are not, deleted by their authors."),
        # A reason that administrators added, and a code that does not exist any more.
        (
            {"rejected/flood_2026/confirmed": 3},
            {},
            "49 are shown. 3 are not, for “flood_2026”. "
            "The checks proposed 3 and a moderator confirmed them.",
        ),
    ],
)
def test_the_summary_names_counts_and_reasons(counts, values, words):
    assert summary(counts, **values) == words


@pytest.mark.parametrize(
    ("removed", "told_apart"),
    [
        ({"spam": 15, "name": 1, "repeat": 2}, {"spam": 15, OTHERS: 3}),
        ({"spam": 295, "insult": 4, "name": 1}, {"spam": 295, "insult": 4, OTHERS: 1}),
        ({"spam": 1, "name": 1}, {OTHERS: 2}),
        ({OTHERS: 2, "spam": 3, "insult": 3}, {"insult": 3, "spam": 3, OTHERS: 2}),
        ({OTHERS: 3, "spam": 3}, {"spam": 3, OTHERS: 3}),
    ],
)
def test_a_reason_given_fewer_than_three_times_is_not_named_and_hides_no_other(removed, told_apart):
    assert merge_rare_reasons(Counter(removed)) == told_apart
    assert list(merge_rare_reasons(Counter(removed))) == list(told_apart)


@pytest.mark.usefixtures("moderation_without_checks")
def test_every_reader_sees_it_without_a_query(client, django_assert_max_num_queries):
    article = make_article()
    comments = [make_comment(article) for _ in range(5)]
    url = article.get_absolute_url()
    heading = "How this discussion was moderated"
    removal_reasons.all_reasons()  # the process caches them from now on
    with django_assert_max_num_queries(20) as before:
        assert heading not in client.get(url).text
    maria = UserFactory.create(roles=("Moderator",))
    decide(ids=[c.pk for c in comments[:3]], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    delete_comment(comment=comments[3], user=None, guest=comments[3].guest)
    with django_assert_max_num_queries(len(before)):
        page = client.get(url).text
    assert page.count(heading) == 1
    assert "1 is shown. 4 are not: 3 spam, 1 for another reason. A moderator decided 3 alone." in page


@pytest.mark.usefixtures("moderation_without_checks")
def test_a_comment_whose_posting_was_undone_is_not_part_of_it(client):
    article = make_article()
    undone, removed = make_comment(article), make_comment(article)
    delete_comment(comment=undone, user=None, guest=undone.guest, reason=Reason.POSTING_UNDONE)
    assert "How this discussion was moderated" not in client.get(article.get_absolute_url()).text
    maria = UserFactory.create(roles=("Moderator",))
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    assert (
        "None is shown. 1 is not. A moderator decided 1 alone." in client.get(article.get_absolute_url()).text
    )
    assert wrong_counts() == []
