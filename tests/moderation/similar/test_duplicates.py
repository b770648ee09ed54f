"""Groups of duplicates of a comment: the original is kept, and removed duplicates link to it."""

import pytest

from comments.models import Comment, State
from moderation.actions import decisions
from tests.factories import GuestFactory, make_comment
from tests.moderation.similar.helpers import GOOD, only_group, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_page_says_whether_the_original_is_kept_or_removed(client, maria, article):
    guest = GuestFactory.create(name="Maria")
    first, *_ = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    client.force_login(maria)
    assert "The first comment is kept" in client.get(url(group)).text
    decisions.decide(ids=[first.pk], to=State.REJECTED, reason="insult", actor=maria)
    assert "The first comment has already been removed." in client.get(url(group)).text


def test_duplicates_of_a_removed_comment_are_not_removed(client, maria, article):
    """Otherwise no copy of the text would be left."""
    guest = GuestFactory.create(name="Maria")
    first, *again = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    decisions.decide(ids=[first.pk], to=State.SPAM, reason="spam", actor=maria)
    client.force_login(maria)
    answer = client.post(url(group), {"reason": "repeat"}, follow=True)
    assert f"Comment #{first.pk} has been removed." in answer.text
    assert set(Comment.objects.filter(pk__in=[c.pk for c in again]).values_list("state", flat=True)) == {
        "published"
    }


def test_removed_duplicates_link_to_their_original(client, maria, article):
    guest = GuestFactory.create(name="Maria")
    first, *again = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    client.force_login(maria)

    page = client.get(url(group))
    client.post(url(group), {"reason": page.context["proposed"]})

    assert group.kind == "repeat"
    assert "Duplicate of a comment by <bdi>Maria</bdi>" in page.text
    gone = Comment.objects.filter(state=State.REJECTED)
    assert set(gone.values_list("pk", "duplicate_of", "state_reason")) == {
        (c.pk, first.pk, "repeat") for c in again
    }
