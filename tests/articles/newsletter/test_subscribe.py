"""/newsletter/: subscribing with an e-mail, and the mail that confirms it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from articles.models import Article, Site, Subscriber, Subscription, Topic
from articles.newsletter import subscriptions
from articles.newsletter.subscriptions import mail_confirmation
from articles.site.cached_pages import DEPENDENCIES_KEY
from tests.articles.newsletter.conftest import run_jobs, subscribe
from tests.helpers.mails import html_of

pytestmark = pytest.mark.django_db

URL = "/newsletter/"


@pytest.mark.parametrize("url", ["/", "/topics/harbour/"])
def test_the_form_is_on_cached_pages_without_a_token(client: Client, article: Article, url: str) -> None:
    response: Any = client.get(url)
    page = response.content.decode()
    assert 'action="/newsletter/"' in page
    assert "csrfmiddlewaretoken" not in page
    assert DEPENDENCIES_KEY in response.wsgi_request.META
    assert not response.cookies


def test_a_subscription_is_confirmed_by_the_mailed_link(article: Article, topic: Topic) -> None:
    browser = Client(enforce_csrf_checks=True)
    response = browser.post(URL, {"email": "Ann@Example.org", "list": str(topic.pk)})
    assert response["Location"] == "/newsletter/asked/"
    assert not Subscriber.objects.exists()
    (message,) = run_jobs(mail_confirmation)
    assert message.to == ["ann@example.org"]
    assert "in Harbour" in message.body
    link = re.search(rf"{re.escape(settings.SITE_URL)}(/newsletter/confirm/\S+)", message.body)
    assert link
    assert subscriptions.topics_of("ann@example.org") == set()

    page = browser.get(link[1]).content.decode()  # a mail scanner opens the link
    assert subscriptions.topics_of("ann@example.org") == set()
    assert "ann@example.org" in page
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    assert browser.post(link[1]).status_code == 403
    assert browser.post(link[1], {"csrfmiddlewaretoken": token[1]})["Location"] == link[1]
    assert subscriptions.topics_of("ann@example.org") == {topic.pk}
    confirmed_at = Subscription.objects.get().confirmed_at
    browser.post(link[1], {"csrfmiddlewaretoken": token[1]})  # a second press
    assert Subscription.objects.get().confirmed_at == confirmed_at
    assert "You are subscribed" in browser.get(link[1]).content.decode()

    subscriptions.unsubscribe(["ann@example.org"])
    assert browser.get(link[1]).status_code == 404
    assert Client().put(link[1]).status_code == 405


def test_a_topic_that_was_hidden_meanwhile_is_refused_with_a_sentence(
    client: Client, article: Article
) -> None:
    response = client.post(URL, {"email": "ann@example.org", "list": "999999999"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "A topic that you chose is no longer offered." in page
    assert 'value="ann@example.org"' in page
    # Nothing is chosen in its place, and browsers require a choice.
    assert re.search(r'<input type="radio"[^>]* required', page)
    assert " checked" not in page
    assert not run_jobs(mail_confirmation)


def test_a_known_address_gets_the_same_answer_and_no_mail(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    answers = [
        client.post(URL, {"email": f"{name}@example.org", "list": "all"}, follow=True)
        for name in ("ann", "bob")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert [message.to for message in run_jobs(mail_confirmation)] == [["bob@example.org"]]


def test_known_and_unknown_addresses_take_the_same_statements(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    client.post(URL, {"email": "warm@example.org", "list": "all"})
    numbers = set()
    for name in ("ann", "bob"):
        with CaptureQueriesContext(connection) as captured:
            client.post(URL, {"email": f"{name}@example.org", "list": "all"})
        statements = [query["sql"] for query in captured]
        of_rate_limits = [sql for sql in statements if "config_cacheentry" in sql or "SAVEPOINT" in sql]
        assert len(statements) - len(of_rate_limits) == 3
        numbers.add(len(statements))
    assert len(numbers) == 1


def test_the_language_of_a_subscription_is_that_of_the_page_and_others_cannot_change_it(
    client: Client, article: Article
) -> None:
    Site.objects.update(language="ar")
    client.post(URL, {"email": "ann@example.org", "list": "all"})
    (message,) = run_jobs(mail_confirmation)
    assert message.subject == "أكّد اشتراكك في Soundoff"
    Site.objects.update(language="en")
    client.post(URL, {"email": "ann@example.org", "list": "all"})
    run_jobs(mail_confirmation)
    assert Subscriber.objects.get().language == "ar"


def test_asking_again_extends_the_time(client: Client, article: Article) -> None:
    client.post(URL, {"email": "ann@example.org", "list": "all"})
    run_jobs(mail_confirmation)
    Subscription.objects.update(created_at=timezone.now() - timedelta(days=6))
    client.post(URL, {"email": "ann@example.org", "list": "all"})
    assert len(run_jobs(mail_confirmation)) == 1
    assert Subscription.objects.get().created_at > timezone.now() - timedelta(hours=1)


def test_an_unconfirmed_subscription_is_deleted_after_a_week(client: Client, article: Article) -> None:
    client.post(URL, {"email": "ann@example.org", "list": "all"})
    run_jobs(mail_confirmation)
    subscribe("bob@example.org")
    assert subscriptions.delete_unconfirmed() == 0
    Subscription.objects.update(created_at=timezone.now() - timedelta(days=7))
    assert subscriptions.delete_unconfirmed() == 1
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["bob@example.org"]


def test_one_address_gets_three_links_a_day(client: Client, article: Article) -> None:
    for _time in range(5):
        assert client.post(URL, {"email": "ann@example.org", "list": "all"}).status_code == 302
    assert len(run_jobs(mail_confirmation)) == 3


def test_one_connection_can_subscribe_twenty_times_a_minute(client: Client, article: Article) -> None:
    for number in range(20):
        assert client.post(URL, {"email": f"p{number}@example.org", "list": "all"}).status_code == 302
    response = client.post(URL, {"email": "last@example.org", "list": "all"})
    assert response.status_code == 429
    assert "last@example.org" in response.content.decode()


def test_one_connection_can_subscribe_a_hundred_times_a_day(
    client: Client, article: Article, settings: Any
) -> None:
    # Without the limit for a minute, which all of them together exceed
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "newsletter": None}
    for number in range(100):
        assert client.post(URL, {"email": f"p{number}@example.org", "list": "all"}).status_code == 302
    response = client.post(URL, {"email": "last@example.org", "list": "all"})
    assert (response.status_code, response["Retry-After"]) == (429, "86400")
    assert "Try again tomorrow." in response.content.decode()
    assert "last@example.org" in response.content.decode()


@pytest.mark.parametrize(
    "values", [{"email": "nobody"}, {"email": "ann@example.org", "list": "999999999"}, {}]
)
def test_a_wrong_form_is_shown_again(client: Client, article: Article, values: dict[str, str]) -> None:
    response = client.post(URL, values)
    assert response.status_code == 422
    assert not DBTaskResult.objects.filter(task_path=mail_confirmation.module_path).exists()


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_a_form_of_another_site_is_refused(client: Client, article: Article, origin: str) -> None:
    response = client.post(URL, {"email": "ann@example.org", "list": "all"}, headers={"Origin": origin})
    assert response.status_code == 403
    assert not DBTaskResult.objects.filter(task_path=mail_confirmation.module_path).exists()


def test_the_forms_of_this_site_are_accepted(client: Client, article: Article) -> None:
    response = client.post(
        URL, {"email": "ann@example.org", "list": "all"}, headers={"Origin": "http://testserver"}
    )
    assert response.status_code == 302


def test_other_methods_are_not_allowed(client: Client, article: Article) -> None:
    assert client.put(URL).status_code == 405
    assert client.get("/newsletter/asked/").status_code == 200
    assert client.post("/newsletter/asked/").status_code == 405
    assert client.get("/newsletter/confirm/forged/").status_code == 404


def test_the_mail_is_in_the_language_of_a_member(client: Client, article: Article, jane: User) -> None:
    User.objects.filter(pk=jane.pk).update(language="ar")
    for email in ("Jane@example.org", "ann@example.org"):
        client.post(URL, {"email": email, "list": "all"})
    of_jane, of_ann = run_jobs(mail_confirmation)
    assert of_ann.subject.startswith("Confirm your subscription")
    with translation.override("ar"):
        assert of_jane.subject == _("Confirm your subscription to %(site)s") % {"site": "Soundoff"}
    assert of_jane.subject != of_ann.subject
    assert 'dir="rtl"' in html_of(of_jane)


def test_a_topic_that_was_hidden_meanwhile_gets_no_subscriber(
    client: Client, article: Article, topic: Topic
) -> None:
    client.post(URL, {"email": "ann@example.org", "list": str(topic.pk)})
    Topic.objects.update(shown=False)
    assert run_jobs(mail_confirmation) == []
    assert not Subscriber.objects.exists()


def test_nothing_that_a_visitor_typed_is_in_the_mail(client: Client, article: Article) -> None:
    client.post(URL, {"email": "Buy.Casino@example.org", "list": "all"})
    (message,) = run_jobs(mail_confirmation)
    assert "casino" not in (message.body + html_of(message) + message.subject).lower()
