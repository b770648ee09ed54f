"""Preview links of drafts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import READER
from articles.models import PREVIEW_LIFETIME, Article, Topic
from articles.publishing.services import set_embargo, unpublish
from articles.services import save_article
from tests.articles.editing.editor_forms import change
from tests.factories import make_article
from tests.helpers.clients import client_of, client_with_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    article = make_article("Not yet", body="**Soon**, in words.", standfirst="What comes.", published_at=None)
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    return article


def test_the_link_shows_the_draft_and_no_discussion(client, draft):
    response = client.get(draft.preview_url())
    page = response.content.decode()
    assert response.status_code == 200
    assert "<strong>Soon</strong>, in words." in page
    assert "this story is not published yet" in page
    assert 'id="comments"' not in page


def test_it_is_not_indexed_and_not_cached(client, draft):
    response = client.get(draft.preview_url())
    assert '<meta name="robots" content="noindex">' in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex"
    assert "no-store" in response["Cache-Control"]


def test_a_scheduled_story_is_previewed_with_its_date(client, draft):
    Article.objects.filter(pk=draft.pk).update(published_at=timezone.now() + timedelta(hours=2))
    assert client.get(draft.preview_url()).status_code == 200


def test_the_link_expires_after_a_week(client, draft, time_machine):
    url = draft.preview_url()
    time_machine.move_to(timezone.now() + PREVIEW_LIFETIME - timedelta(minutes=1))
    assert client.get(url).status_code == 200
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    assert client.get(url).status_code == 404


def test_forged_links_do_not_work_and_those_of_other_stories_show_only_these(client, draft):
    other = make_article("Another", body="Elsewhere.", published_at=None)
    token = draft.preview_url().split("/")[-2]
    assert client.get(draft.preview_url().replace(token, token[:-1] + "_")).status_code == 404
    page = client.get(other.preview_url().replace(other.slug, draft.slug)).content.decode()
    assert "Elsewhere." in page
    assert "in words" not in page


def test_the_link_works_after_a_change_of_the_slug(client, draft):
    url = draft.preview_url()
    draft.slug = "called-otherwise"
    save_article(article=draft)
    assert draft.title in client.get(url).content.decode()
    assert client.get(f"{url[:-2]}/").status_code == 404
    make_article("Not yet", published_at=None)  # with the slug of the link
    assert "in words" in client.get(url).content.decode()


def test_the_link_redirects_to_the_published_story(client, draft):
    url = draft.preview_url()
    Article.objects.filter(pk=draft.pk).update(published_at=timezone.now())
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"] == draft.get_absolute_url()


def test_it_is_read_only(client, draft):
    assert client.post(draft.preview_url()).status_code == 405


@pytest.mark.parametrize("path", ["/topics/%00/", "/stories/%00/preview/x/"])
def test_an_invalid_path_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_the_preview_shows_the_embargo_and_its_own_expiry(client, draft):
    embargoed = set_embargo(article=draft, until=timezone.now() + timedelta(days=2), seen=draft.version)
    page = client.get(embargoed.preview_url()).content.decode()
    assert "Embargoed until" in page
    assert "This link works until" in page


def test_preview_links_of_private_or_unpublished_stories_do_not_work(client, draft, emil, time_machine):
    url = draft.preview_url()
    Article.objects.filter(pk=draft.pk).update(stage=Article.Stage.PRIVATE)
    assert client.get(url).status_code == 404
    assert client_with_role(READER).get(url).status_code == 404
    assert client_of(emil).get(url).status_code == 200
    assert "<summary>Preview link" not in client_of(emil).get(change(draft)).content.decode()
    story = make_article("Out")
    old = story.preview_url()
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    taken = unpublish(article=story, reason="", seen=story.version)
    assert client.get(old).status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    assert "was unpublished" in client.get(taken.preview_url()).content.decode()
