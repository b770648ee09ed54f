"""Settings of a discussion by editors. Emil edits the story, Ruth is a member, Gus is a guest."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Site
from articles.services import set_article_authors
from comments.models import Comment, Discussion
from comments.policy import policy
from comments.services.discussions import change_discussion
from comments.services.states import set_comment_field
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moderated(settings):
    """Use a policy of moderation, which has the quick actions."""
    settings.COMMENT_POLICY = "tests.moderation.conftest.Publishing"
    policy.cache_clear()


@pytest.fixture
def story():
    return make_article("The slip closes")


def reply_url(story) -> str:
    return reverse("reply", args=[story.slug])


def sent(**values: str) -> dict[str, str]:
    return {"body": "A word.", "nonce": str(uuid4()), "name": "Gus", "email": "gus@example.org"} | values


def test_members_only_is_shown_and_enforced(client, story):
    change_discussion(article=story, members_only=True)
    sentence = "Only members can comment on this story."
    assert sentence in client.get(story.get_absolute_url()).content.decode()
    page = client.get(reply_url(story)).content.decode()
    assert sentence in page
    assert "<textarea" not in page
    assert f"/accounts/login/?next=/stories/{story.slug}/reply/" in page
    with pytest.raises(ValidationError, match="Only members can comment"):
        make_comment(story)
    assert not Comment.objects.exists()


def test_a_guest_keeps_the_text_typed_before_members_only_was_set(client, story):
    change_discussion(article=story, members_only=True)
    response = client.post(reply_url(story), sent(body="I had typed so much."))
    assert response.status_code == 422
    assert "I had typed so much." in response.content.decode()
    assert "Only members can comment" in response.content.decode()


def test_a_members_page_of_a_members_only_discussion_is_not_the_cached_one(client, story):
    client.get(story.get_absolute_url())
    change_discussion(article=story, members_only=True)
    assert "Only members can comment" in client.get(story.get_absolute_url()).content.decode()
    client.force_login(UserFactory.create(name="Ruth"))
    page = client.get(story.get_absolute_url()).content.decode()
    assert "Only members can comment" not in page
    assert client.post(reply_url(story), sent()).status_code == 302
    assert Comment.objects.get().author_name == "Ruth"


def test_it_closes_so_many_days_after_its_publication():
    story = make_article("Old", published_at=timezone.now() - timedelta(days=8))
    discussion = change_discussion(article=story, close_after_days=7)
    assert discussion.closing_time == story.published_at + timedelta(days=7)
    assert not discussion.is_open()
    assert change_discussion(article=story, close_after_days=9).is_open()
    assert change_discussion(
        article=story, close_after_days=None
    ).closing_time == story.published_at + timedelta(days=Site.objects.get().close_after_days)


def test_an_editor_sets_it_all_on_the_page_of_the_article(client, story):
    emil = UserFactory.create(name="Emil", roles=("Editor",))
    story.editors.add(emil)
    client.force_login(emil)
    url = reverse("admin:articles_article_change", args=[story.pk])
    page = client.get(url).content.decode()
    assert '<input type="radio" name="discussion-0-moderation" value="pre"' in page
    form = client.get(url).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {
        "topics": [],
        "editors": [emil.pk],
        "published_at_0": f"{story.published_at:%Y-%m-%d}",
        "published_at_1": f"{story.published_at:%H:%M:%S}",
        "discussion-TOTAL_FORMS": "1",
        "discussion-INITIAL_FORMS": "0",
        "discussion-0-moderation": "pre",
        "discussion-0-status": "open",
        "discussion-0-members_only": "on",
        "discussion-0-close_after_days": "14",
    }
    response = client.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    discussion = Discussion.objects.get(pk=story.pk)
    assert (discussion.moderation, discussion.members_only, discussion.close_after_days) == ("pre", True, 14)


def test_members_only_is_a_quick_action_with_undo(client, story):
    emil = UserFactory.create(name="Emil", roles=("Editor",))
    story.editors.add(emil)
    client.force_login(emil)
    assert "Members only" in client.get(story.get_absolute_url()).content.decode()
    client.post(reverse("moderation:quick-action", args=[story.pk, "members"]) + "?next=story")
    assert Discussion.objects.get(pk=story.pk).members_only
    page = client.get(story.get_absolute_url()).content.decode()
    assert "Allow guests" in page
    undo = page.partition('<div class="undo">')[2].partition('action="')[2].partition('"')[0]
    client.post(undo)
    assert not Discussion.objects.get(pk=story.pk).members_only
    ada = Client()
    ada.force_login(UserFactory.create(roles=("Administrator",)))
    assert ada.post(reverse("moderation:site-quick-action", args=["members"])).status_code == 404


def test_picks_stand_above_the_thread_while_they_are_published(client, story):
    comments = [make_comment(story, f"Word {n} of the harbour. " + "More of it. " * 60) for n in range(5)]
    set_comment_field(field="is_pick", values={comment.pk: True for comment in comments[:4]})
    page = client.get(story.get_absolute_url()).content.decode()
    above = page.partition('<aside class="panel picks"')[2].partition("</aside>")[0]
    assert "Editor’s picks" in above
    assert [f"Word {n} of" in above for n in range(5)] == [False, True, True, True, False]
    assert f'href="comments/{comments[3].pk}/"' in above
    assert above.count("…</blockquote>") == 3
    set_comment_field(field="is_pick", values={comment.pk: False for comment in comments[:4]})
    assert 'class="panel picks"' not in client.get(story.get_absolute_url()).content.decode()


def test_an_editor_answers_with_the_authors_mark(client, story):
    emil = UserFactory.create(name="Emil", roles=("Editor",))
    story.editors.add(emil)
    comment = make_comment(story)
    client.force_login(emil)
    client.post(reverse("reply", args=[story.slug, comment.pk]), sent(body="So it is."))
    client.logout()
    page = client.get(story.get_absolute_url()).content.decode()
    assert '<bdi>Emil</bdi> <span class="role">author</span>' in page


def test_authors_named_in_the_byline_have_the_authors_mark(client, story):
    ida = UserFactory.create(name="Ida", roles=("Editor",))
    story.editors.add(UserFactory.create(name="Emil", roles=("Editor",)))
    set_article_authors(article=story, people=[ida])
    make_comment(story, author=ida)
    page = client.get(story.get_absolute_url()).content.decode()
    assert '<bdi>Ida</bdi> <span class="role">author</span>' in page
