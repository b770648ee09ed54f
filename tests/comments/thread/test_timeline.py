"""comments/thread/timeline.py: the timeline of a discussion."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest

from archive.services import import_page
from articles.models import Article
from comments.models import Comment, DiscussionDay, Reason, State
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states
from comments.thread.timeline import BAR_COUNT, summarize
from tests.comments.thread.helpers import ids, read
from tests.factories import make_article

START = date(2013, 6, 19)


def summarize_dates(*days: tuple[int, int]) -> str | None:
    """Return the sentence for (days since the start, comments)."""
    summary = summarize([(START + timedelta(days=day), count) for day, count in days])
    return summary and ", ".join(text for text, _url in summary["parts"])


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([], None),
        ([(0, 500)], None),
        ([(0, 12), (30, 1)], None),
        ([(0, 12), (1, 33), (2, 3), (204, 1)], "48 in the first three days, one seven months later"),
        ([(0, 1), (31, 1)], "one on the first day, one four weeks later"),
        ([(0, 2), (6, 1), (400, 5)], "three in the first week, five 13 months later"),
        ([(0, 1200), (8, 60), (9, 7), (40, 1)], "1,267 in the first ten days, one six weeks later"),
        ([(n, 2) for n in range(100)], "14 in the first week, 186 more in the three months after"),
        ([(0, 3), (24, 1), (38, 1)], "three in the first week, two more in the five weeks after"),
        ([(0, 3), (1500, 1)], "three on the first day, one four years later"),
        (
            [(0, 5), (100, 1), (135, 1), (400, 9), (800, 2), (1900, 1)],
            "five on the first day, 11 three months later, two two years later, one five years later",
        ),
    ],
)
def test_a_sentence_summarizes_the_timeline(days, sentence):
    assert summarize_dates(*days) == sentence


def test_bars_are_equal_slices_in_which_one_comment_is_still_seen():
    bars = summarize([(START, 1000), (START + timedelta(days=120), 500), (START + timedelta(days=240), 1)])[
        "bars"
    ]
    assert len(bars) == BAR_COUNT
    assert (bars[0], bars[BAR_COUNT // 2 - 1], bars[-1]) == (100, 50, 4)
    assert sum(bars) == 154


@pytest.mark.django_db
def test_the_timeline_of_the_curated_seed(client, data):
    """Clean up the saved page of the example data: 15 spam, 5 without text, 2 duplicates, 3 by a person."""
    article = import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt").article
    spam = [57, 58, 60, 61, *range(63, 68), *range(69, 75)]
    gone = [*spam, 31, 56, 59, 62, 68, 33, 34, 12, 35, 36]
    keys = list(Comment.objects.filter(source_number__in=gone).values_list("pk", flat=True))
    assert len(keys) == 25
    assert "48 in the first three days, one seven months later" not in sentence(read(client, article))

    change_states(ids=keys, to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)

    page = read(client, article)
    assert sentence(page) == "48 in the first three days, one seven months later"
    assert text_of(page).endswith("one seven months later.")
    *_, late = links(page)
    [comment] = Comment.objects.visible().filter(created_at__year=2014)
    assert ids(read(client, article, late)) == [comment.pk]


def links(page: str) -> list[str]:
    strip = page.split('class="timeline"')[1].split("</p>")[0]
    return [unescape(url) for url in re.findall(r'<a href="([^"#]*)#comments">', strip)]


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", "", page.split('class="timeline"')[1].split("</p>")[0]).strip()


def sentence(page: str) -> str:
    strip = page.split('class="timeline"')[1].split("</p>")[0]
    return ", ".join(re.findall(r'<a href="[^"]*">([^<]*)</a>', strip))


def bring_in_over_time(*comments: tuple[int, int | None]) -> Article:
    """Post comments by (days since the start, index of their parent)."""
    article = make_article(source_key="test")
    start = datetime(2013, 6, 19, 12, tzinfo=UTC)
    made = [
        ImportedComment(
            source_id=f"{n}",
            author_name="Ida",
            body=f"Comment {n}",
            created_at=start + timedelta(days=days),
            parent=parent,
        )
        for n, (days, parent) in enumerate(comments)
    ]
    import_comments(article=article, comments=made, actor=None, action_id=uuid4())
    return article


@pytest.mark.django_db
def test_a_part_that_starts_with_a_reply_leads_to_it(client):
    article = bring_in_over_time((0, None), (1, None), (90, 0), (91, None), (200, None))
    first, second, reply, later, last = Comment.objects.order_by("source_id").values_list("pk", flat=True)
    page = read(client, article)
    beginning, middle, end = links(page)

    assert ids(read(client, article, beginning)) == [first, reply, second, later, last]
    response = client.get(article.get_absolute_url() + middle, follow=True)
    assert response.redirect_chain[-1][0] == f"{article.get_absolute_url()}#comment-{reply}"
    assert ids(read(client, article, end)) == [last]
    assert second in ids(page)


@pytest.mark.django_db
def test_only_visible_comments_are_counted(client):
    article = bring_in_over_time((0, None), (90, None), (180, None))
    assert (
        sentence(read(client, article))
        == "one on the first day, one three months later, one six months later"
    )
    last = Comment.objects.latest("created_at")
    change_states(ids=[last.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert sentence(read(client, article)) == "one on the first day, one three months later"
    assert DiscussionDay.objects.get(day=last.created_at).visible_count == 0
