"""Tests of related stories: by rare words and by topic, and never a hidden one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.images.html import cropped
from articles.models import Article, Site, Topic
from articles.publishing.services import publish_articles, unpublish_articles
from articles.related import MAX_KEYWORDS, MAX_RELATED, store_all_keywords, store_keywords
from articles.services import save_article
from comments.thread.story import read_story_page
from tests.articles.images.sample_images import make_image
from tests.factories import make_article
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = pytest.mark.django_db


def related(article: Article) -> list[str]:
    story = read_story_page(article.slug, timezone.now(), with_related=True)
    assert story
    return [other.title for other in story.related]


def save_again(*articles: Article) -> None:
    """Store the keywords of these stories again, since they were stored before the other stories existed."""
    for article in articles:
        save_article(article=article)


def test_rare_words_bring_stories_together_and_common_ones_do_not():
    ferry = make_article("The Zephyrine sails", body="The council met.")
    other = make_article("Budget", body="The council met about the zephyrine. A zephyrine is costly.")
    for n in range(120):
        make_article(f"Council {n}", body="The council met.")
    save_again(ferry)
    assert ferry.keywords[0] == "zephyrin"
    assert "council" not in ferry.keywords  # 121 others have it
    assert related(ferry) == ["Budget"]
    assert related(other) == ["The Zephyrine sails"]


def test_stories_of_the_same_topic_come_after_those_that_share_words():
    harbour, unshown = (Topic.objects.create(name=n, slug=n, shown=n == "h") for n in "hu")
    here = make_article("Kittiwake")
    shares = make_article("A kittiwake again", body="")
    for n, topic in enumerate([harbour, harbour, unshown]):
        make_article(f"Of topic {n}", body="").topics.add(topic)
    here.topics.add(harbour, unshown)
    save_again(here)
    assert related(here) == [shares.title, "Of topic 1", "Of topic 0"]


def test_a_hidden_story_is_never_related():
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    here, other = make_article("Kittiwake"), make_article("A kittiwake")
    for article in (here, other):
        article.topics.add(topic)
    save_again(here)
    assert related(here) == ["A kittiwake"]
    for hide in (unpublish_articles, partial(publish_articles, at=timezone.now() + timedelta(minutes=1))):
        hide(ids=[other.pk])
        assert related(here) == []


def test_the_page_lists_related_stories_after_the_discussion(client):
    for n in range(MAX_RELATED + 2):
        make_article(f"Kittiwake {n}")
    here = make_article("More kittiwakes")
    page = client.get(here.get_absolute_url()).content.decode()
    assert page.count("Kittiwake ") == MAX_RELATED
    assert page.index("Related stories") > page.index('id="comments"')
    alone = make_article("Quite alone", body="Nothing.")
    assert "Related stories" not in client.get(alone.get_absolute_url()).content.decode()


@pytest.mark.parametrize("is_ready", [True, False])
def test_related_stories_show_their_lead_images_without_another_statement(
    client, settings, tmp_path, is_ready
):
    settings.HOME = tmp_path
    near, plain = make_article("Kittiwake, pictured"), make_article("Kittiwake, plain")
    here = make_article("More kittiwakes")
    url = f"{here.get_absolute_url()}?x=1"  # the view makes pages with a query string
    with CaptureQueriesContext(connection) as without:
        assert "<picture>" not in client.get(url).content.decode()
    image = make_image(is_ready=is_ready)
    near.lead_image = image
    save_article(article=near)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url).content.decode()
    assert len(queries) == len(without)
    shown = page[page.index("Related stories") :]
    assert shown.count("<picture>") == 1
    # The same markup as in lists: its width and height keep the page from moving when it has been loaded.
    assert cropped(image) in shown
    assert 'loading="lazy"' in cropped(image)
    assert shown.count('<article class="teaser">') == shown.count('<article class="teaser plain">') == 1
    assert plain.get_absolute_url() in shown


def test_the_number_of_keywords_is_bounded():
    here = make_article(" ".join(f"word{n}x" for n in range(30)), body="it's \\ o'clock o'clock 'x' ''' " * 3)
    for n in range(30):
        make_article(f"word{n}x", body="o'clock")
    save_again(here)
    assert len(here.keywords) == MAX_KEYWORDS
    assert len(related(here)) == MAX_RELATED


@pytest.mark.parametrize("word", ["o'clock", "a\\b", "http://example.org/it's\\here", "''", "\\\\"])
def test_unusual_words_are_matched_exactly(word):
    first, second = make_article("One", body=f"{word} {word}"), make_article("Two", body=f"{word} {word}")
    save_again(first)
    assert first.title == "One"
    assert set(related(second)) <= {"One"}


def test_the_job_stores_the_keywords_of_all_stories(client):
    """It covers old stories without keywords, and those that had no related stories when stored."""
    words = ["zephyrine", "kittiwake", "o'neill", "c++\\x", "mole", "quay"]
    for n in range(40):
        some = " ".join(words[i] for i in range(len(words)) if n % (i + 2) == 0)
        make_article(
            f"Story {n}", standfirst=some, body=f"{some} and {some}, said number{n % 7} number{n % 7}."
        )
    early = make_article("An early kittiwake", body="Unheardof, unheardof.")
    Article.objects.filter(title__lt="Story 2").update(keywords=[])
    shown = early.get_absolute_url()
    assert "A late one" not in client.get(shown).content.decode()
    make_article("A late one", body="Unheardof, unheardof.")
    before = Site.objects.get().version

    assert store_all_keywords() > 15

    together = dict(Article.objects.values_list("pk", "keywords"))
    for article in Article.objects.all():
        store_keywords(article=article)  # one by one
    assert dict(Article.objects.values_list("pk", "keywords")) == together
    assert Site.objects.get().version == before + 1
    assert "A late one" in client.get(shown).content.decode()
    with CaptureQueriesContext(connection) as queries:
        assert store_all_keywords() == 0
    assert len([q for q in queries if "articles" in q["sql"]]) == 1
    assert Site.objects.get().version == before + 1


@pytest.mark.django_db(transaction=True)
def test_the_job_keeps_the_keywords_of_a_story_saved_meanwhile():
    make_article("Kittiwakes", body="Zephyrine, zephyrine.")
    story = make_article("A story", body="Zephyrine, zephyrine.")
    Article.objects.filter(pk=story.pk).update(keywords=["old"])
    make_article("A mole", body="The mole, the mole.")

    def count() -> None:
        try:
            store_all_keywords()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            story.body = "The mole, the mole."
            save_article(article=story)
            counting = other.submit(count)
            wait_for_a_lock()
        counting.result(timeout=PATIENCE)
    assert Article.objects.get(pk=story.pk).keywords == ["mole"]
