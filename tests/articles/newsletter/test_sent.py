"""/newsletter/<id>/: a newsletter that was sent, for everybody."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from articles.models import Article, Newsletter
from articles.publishing.services import unpublish_articles
from articles.site.cached_pages import outage_copies_invalidated_at
from tests.articles.newsletter.conftest import draft_of, manage_url, run_sending, send, subscribe
from tests.factories import make_article
from tests.helpers.clients import client_of
from tests.helpers.mails import check_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(article: Article, emil: User) -> Newsletter:
    """Return a digest that was queued for one subscriber."""
    subscribe("ann@example.org")
    newsletter = draft_of([article, make_article("A new pier")], emil, subject="The week")
    Newsletter.objects.update(introduction="Dear readers,\n\n<b>fog</b>.")
    send(newsletter)
    newsletter.refresh_from_db()
    return newsletter


def test_the_mail_leads_to_the_page_that_shows_the_same(
    client: Client, sent: Newsletter, settings: Any
) -> None:
    (message,) = run_sending()
    url = f"{settings.SITE_URL}{sent.get_absolute_url()}"
    assert f"Read in the browser: {url}\n" in message.body
    assert url in check_mail(message).links
    page = client.get(sent.get_absolute_url()).content.decode()
    main = page.partition("<main")[2].partition("</main>")[0]
    for words in (
        "The week",
        "<p>Dear readers,</p>",
        "&lt;b&gt;fog&lt;/b&gt;.",
        "The slip closes",
        "A new pier",
    ):
        assert words in main
    assert main.index("The slip closes") < main.index("A new pier")
    assert '<meta name="robots" content="noindex">' in page


def test_the_sent_page_contains_no_recipient_data(client: Client, sent: Newsletter) -> None:
    page = client.get(sent.get_absolute_url()).content.decode()
    assert "ann@example.org" not in page
    assert manage_url("ann@example.org") not in page
    assert "/newsletter/mails/" not in page


def test_a_story_that_is_not_published_any_more_is_not_read_there(
    client: Client, sent: Newsletter, article: Article
) -> None:
    unpublish_articles(ids=[article.pk])
    page = client.get(sent.get_absolute_url()).content.decode()
    assert "The slip closes" not in page
    assert "A new pier" in page
    unpublish_articles(ids=Article.objects.values_list("pk", flat=True))
    assert client.get(sent.get_absolute_url()).status_code == 404


@pytest.mark.usefixtures("own_folder")  # another test may have stored a time in the future
def test_a_stopped_newsletter_is_not_read_until_it_continues(
    client: Client, sent: Newsletter, emil: User
) -> None:
    editor_client, url = client_of(emil), sent.get_absolute_url()
    newsroom = f"/admin/articles/newsletter/{sent.pk}/change/"
    before = outage_copies_invalidated_at()
    editor_client.post(newsroom, {"_stop": ""})
    assert client.get(url).status_code == 404
    assert f'href="{url}"' not in editor_client.get(newsroom).content.decode()
    assert outage_copies_invalidated_at() > before  # also the page that is shown while the database is down
    editor_client.post(newsroom, {"_continue": ""})
    assert client.get(url).status_code == 200
    assert f'href="{url}"' in editor_client.get(newsroom).content.decode()


def test_drafts_are_not_shown(client: Client, article: Article, emil: User) -> None:
    draft = draft_of(article, emil)
    for each in (client, client_of(emil)):
        assert each.get(draft.get_absolute_url()).status_code == 404
    assert (
        "Read in the browser"
        not in client_of(emil).get(f"/admin/articles/newsletter/{draft.pk}/mail/").content.decode()
    )


def test_editors_see_a_link_to_the_sent_newsletter(sent: Newsletter, emil: User) -> None:
    page = client_of(emil).get(f"/admin/articles/newsletter/{sent.pk}/change/").content.decode()
    assert f'href="{sent.get_absolute_url()}"' in page
