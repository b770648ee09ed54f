"""Changes of a discussion's settings."""

from datetime import timedelta

import pytest
from django.utils import timezone

from comments.models import Discussion
from comments.services.discussions import change_discussion
from tests.factories import make_article, make_comment
from tests.helpers.discussions import version

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "is_seen"),
    [
        ({"status": "closed"}, True),
        ({"status": "open"}, False),
        ({"closes_at": None}, False),
        ({"closes_at": timezone.now() + timedelta(days=1)}, True),
        ({"closes_at": None, "status": "hidden"}, True),
        ({"moderation": "pre"}, False),
        ({"declared_count": 82}, True),  # shown in the summary of the moderation
    ],
)
def test_a_setting_changes_the_page_where_a_reader_sees_it(values, is_seen):
    article = make_article()
    make_comment(article)
    change_discussion(article=article, status="open")
    before = version(article)
    change_discussion(article=article, **values)
    assert version(article) == before + is_seen
    assert Discussion.objects.filter(pk=article.pk, **values).exists()
