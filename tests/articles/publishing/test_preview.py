"""Preview links of drafts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from articles.models import PREVIEW_LIFETIME, Article, Topic
from articles.services import save_article
from tests.factories import make_article

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


def test_forged_links_and_those_of_other_stories_do_not_work(client, draft):
    other = make_article("Another", published_at=None)
    token = draft.preview_url().split("/")[-2]
    assert client.get(draft.preview_url().replace(token, token[:-1] + "_")).status_code == 404
    assert client.get(other.preview_url().replace(other.slug, draft.slug)).status_code == 404


def test_the_link_works_after_a_change_of_the_slug(client, draft):
    url = draft.preview_url()
    draft.slug = "called-otherwise"
    save_article(article=draft)
    assert draft.title in client.get(url).content.decode()
    assert client.get(f"{url[:-2]}/").status_code == 404


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
