"""Editor's picks above a discussion and on the front page."""

import pytest
from django.utils import timezone

from articles.models import Article
from comments.models import Comment
from comments.thread.picks import read_latest_picks
from comments.thread.story import read_story_page
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


def test_a_pick_that_begins_with_a_long_quotation_shows_its_own_words():
    article = make_article()
    quoted = "\n> ".join(f"The boat at {hour} was late, as it always is in winter." for hour in range(40))
    pick = make_comment(article, f"> {quoted}\n\n{'It sails when it sails. ' * 30}")
    Comment.objects.filter(pk=pick.pk).update(is_pick=True)
    story = read_story_page(article.slug, timezone.now())
    (latest,) = read_latest_picks([Article.objects.select_related("discussion").get()], None)
    for excerpt in (story.picks[0].excerpt, latest.excerpt):
        assert excerpt.startswith("It sails when it sails. It sails")
        assert excerpt.endswith("…")
