"""/account/newsletter/: what a member is subscribed to."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import User
from articles.models import Article, Subscriber, Topic
from articles.newsletter import subscriptions
from articles.newsletter.subscriptions import mail_confirmation
from tests.articles.newsletter.conftest import run_jobs, subscribe
from tests.factories import UserFactory
from tests.helpers.clients import client_of

pytestmark = pytest.mark.django_db

URL = "/account/newsletter/"


def test_one_press_on_the_front_page_subscribes_a_member(article: Article, topic: Topic, jane: User) -> None:
    browser = client_of(jane)
    page = browser.get("/").content.decode()
    assert f'action="{URL}"' in page
    assert 'name="add" value="all"' in page
    assert f'name="add" value="{topic.pk}"' in browser.get("/topics/harbour/").content.decode()
    page = browser.post(URL, {"add": "all"}, follow=True).content.decode()
    assert "The mails go to jane@example.org." in page
    browser.post(URL, {"add": str(topic.pk)})
    browser.post(URL, {"add": str(topic.pk)})
    assert subscriptions.topics_of(jane.email) == {None, topic.pk}
    assert run_jobs(mail_confirmation) == []


def test_members_see_that_they_are_subscribed(article: Article, topic: Topic, jane: User) -> None:
    browser, sentence = client_of(jane), "You get new stories by e-mail"
    subscribe("jane@example.org", topic)
    page = browser.get("/topics/harbour/").content.decode()
    assert sentence in page
    assert 'name="add"' not in page
    page = browser.get("/").content.decode()
    assert sentence not in page
    assert 'name="add" value="all"' in page
    subscriptions.subscribe("jane@example.org", {None}, "en")
    subscriptions.unsubscribe(["jane@example.org"], {topic.pk})
    for url in ("/", "/topics/harbour/"):  # a subscriber of all stories gets those of a topic, too
        page = browser.get(url).content.decode()
        assert sentence in page
        assert 'name="add"' not in page
    other = client_of(UserFactory.create(email="new@example.org"))
    assert sentence not in other.get("/").content.decode()


def test_an_unconfirmed_e_mail_says_nothing_about_subscriptions(article: Article) -> None:
    """The account may name somebody else's e-mail."""
    subscribe("jane@example.org")
    stranger = UserFactory.create()
    EmailAddress.objects.create(user=stranger, email="jane@example.org", primary=True)
    assert "You get new stories" not in client_of(stranger).get("/").content.decode()


def test_the_footer_leads_everybody_to_the_newsletter(client: Client, article: Article, jane: User) -> None:
    assert '<a href="/newsletter/">Newsletter</a>' in client.get("/archive/").content.decode()
    assert client_of(jane).get("/newsletter/")["Location"] == URL
    assert (
        client_of(jane).post("/newsletter/", {"email": "jane@example.org", "list": "all"}).status_code == 302
    )


def test_the_page_changes_subscriptions(article: Article, topic: Topic, jane: User) -> None:
    browser = client_of(jane)
    subscribe("jane@example.org")  # Jane subscribed before she had an account
    assert "checked" in browser.get(URL).content.decode()
    assert browser.post(URL, {"lists": [str(topic.pk)]})["Location"] == URL
    assert subscriptions.topics_of(jane.email) == {topic.pk}
    browser.post(URL, {})
    assert not Subscriber.objects.exists()
    response = browser.post(URL, {"add": "999999999"}, follow=True)  # a topic that was hidden meanwhile
    page = response.content.decode()
    assert "A topic that you chose is no longer offered." in page
    assert not Subscriber.objects.exists()
    assert browser.put(URL).status_code == 405


def test_a_topic_without_stories_is_not_offered_and_stays_subscribed(
    article: Article, topic: Topic, jane: User
) -> None:
    browser = client_of(jane)
    browser.post(URL, {"lists": ["all", str(topic.pk)]})
    article.topics.clear()
    page = browser.get(topic.get_absolute_url()).content.decode()
    assert "This topic has no stories yet." in page
    assert 'id="subscribe"' not in page
    page = browser.post(URL, {}, follow=True).content.decode()
    assert f"The mails go to {jane.email}" in page
    assert subscriptions.topics_of(jane.email) == {topic.pk}


def test_a_topic_that_was_hidden_meanwhile_is_left_out(article: Article, topic: Topic, jane: User) -> None:
    Topic.objects.update(shown=False)
    page = client_of(jane).post(URL, {"lists": ["all", str(topic.pk)]}, follow=True).content.decode()
    assert "Saved. The mails go to jane@example.org." in page
    assert subscriptions.topics_of(jane.email) == {None}


def test_only_a_confirmed_address_is_subscribed(article: Article) -> None:
    browser = client_of(UserFactory.create(email="new@example.org"))
    assert "only to a confirmed e-mail" in browser.get(URL).content.decode()
    assert browser.post(URL, {"add": "all"}).status_code == 302
    assert not Subscriber.objects.exists()


def test_a_visitor_has_to_log_in(client: Client, article: Article) -> None:
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"
    assert client.post(URL, {"add": "all"}).status_code == 302
    assert not Subscriber.objects.exists()


def test_subscriptions_follow_the_e_mail_of_the_account(
    client: Client, article: Article, topic: Topic, jane: User, settings: Any
) -> None:
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = False
    subscribe("jane@example.org", topic)
    subscribe("new@example.org")
    EmailAddress.objects.create(user=jane, email="new@example.org", verified=True)
    client.force_login(jane)
    client.post("/accounts/email/", {"email": "new@example.org", "action_primary": ""})
    jane.refresh_from_db()
    assert jane.email == "new@example.org"
    assert subscriptions.topics_of("new@example.org") == {None, topic.pk}
    assert not Subscriber.objects.filter(email="jane@example.org").exists()
