"""Finding the article to which a link leads."""

import pytest

from articles.article_links import find_article
from articles.models import Article
from tests.factories import make_article

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "named",
    [
        "die-fähre",
        " /stories/die-fähre/ ",
        "https://example.org/stories/die-f%C3%A4hre",
        "http://example.org/stories/die-f%C3%A4hre/comments/12/?order=new#comment-12",
        "example.org/die-fähre/",
    ],
)
def test_a_story_is_found_by_whatever_link_leads_to_it(named):
    ferry = make_article()
    Article.objects.update(slug="die-fähre")
    make_article("12")
    assert find_article(named) == ferry


@pytest.mark.parametrize(
    "named", ["", "/", "Die Fähre", "none", "a\x00b", "http://[", "x" * 500, "/stories//"]
)
def test_a_link_to_nothing_finds_none(named):
    make_article()
    assert find_article(named) is None
