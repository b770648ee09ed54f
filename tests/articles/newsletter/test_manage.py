"""/newsletter/mails/<token>/: changing subscriptions and unsubscribing by the link in a newsletter."""

import json
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from articles.models import Article, Subscriber, Topic
from articles.newsletter import subscriptions
from core import erasure_log
from tests.articles.newsletter.conftest import manage_url, subscribe
from tests.helpers.postgres.database import refuse_writes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


def test_topics_are_changed(client: Client, article: Article, topic: Topic) -> None:
    subscribe("ann@example.org")
    url = manage_url("ann@example.org")
    assert "ann@example.org" in client.get(url).content.decode()
    assert client.post(url, {"lists": [str(topic.pk)]})["Location"] == url
    assert subscriptions.topics_of("ann@example.org") == {topic.pk}
    page = client.get(url).content.decode()
    assert "Saved. The mails go to ann@example.org." in page
    client.post(url, {"lists": ["all", str(topic.pk)]})
    assert subscriptions.topics_of("ann@example.org") == {None, topic.pk}


def test_a_hidden_topic_stays_as_it_is(client: Client, article: Article, topic: Topic) -> None:
    subscribe("ann@example.org", topic)
    Topic.objects.update(shown=False)
    client.post(manage_url("ann@example.org"), {"lists": ["all"]})
    assert subscriptions.topics_of("ann@example.org") == {None, topic.pk}


@pytest.mark.parametrize("gone", ["hidden", "deleted", "without stories"])
def test_a_topic_that_is_gone_meanwhile_is_left_out(
    client: Client, article: Article, topic: Topic, gone: str
) -> None:
    subscribe("ann@example.org")
    other = Topic.objects.create(name="Market", slug="market")
    article.topics.add(other)
    ticked, rows = [str(topic.pk), str(other.pk)], Topic.objects.filter(pk=topic.pk)
    match gone:
        case "hidden":
            rows.update(shown=False)
        case "deleted":
            rows.get().delete()
        case _:
            article.topics.remove(topic)
    page = client.post(manage_url("ann@example.org"), {"lists": ticked}, follow=True).content.decode()
    assert "Saved. The mails go to ann@example.org." in page
    assert "A topic that you chose is no longer offered." in page
    assert subscriptions.topics_of("ann@example.org") == {other.pk}


def test_if_the_only_chosen_topic_is_gone_nothing_changes(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    page = client.post(manage_url("ann@example.org"), {"lists": ["999999999"]}, follow=True).content.decode()
    assert "A topic that you chose is no longer offered." in page
    assert "Saved." not in page
    assert subscriptions.topics_of("ann@example.org") == {None}


def test_changes_of_several_lists_are_stored_together_or_not_at_all(
    client: Client, article: Article, topic: Topic
) -> None:
    subscribe("ann@example.org")
    url = manage_url("ann@example.org")
    refuse_writes("articles_subscription", "DELETE")
    with pytest.raises(DatabaseError, match="The disk is full"):
        client.post(url, {"lists": [str(topic.pk)]})
    assert subscriptions.topics_of("ann@example.org") == {None}


def test_the_button_of_a_mail_program_unsubscribes(
    article: Article, topic: Topic, django_capture_on_commit_callbacks: Any
) -> None:
    row = subscribe("ann@example.org")
    subscribe("ann@example.org", topic)
    subscribe("bob@example.org")
    url = manage_url("ann@example.org")
    program = Client(enforce_csrf_checks=True)
    for _time in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            response = program.post(url, {"List-Unsubscribe": "One-Click"})
        assert (response.status_code, response.content) == (200, b"")
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["bob@example.org"]
    lines = [json.loads(line) for line in erasure_log.path().read_text().splitlines()]
    assert {line["what"] for line in lines} == {"subscription"}
    assert len(lines) == 2
    assert {"id": row.pk, "made": row.created_at.isoformat()}.items() <= lines[0].items()


def test_the_page_unsubscribes_from_everything(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    url = manage_url("ann@example.org")
    client.get(url)
    assert Subscriber.objects.exists()  # opening the link changes nothing
    page = client.post(url, {"leave": "1"}, follow=True).content.decode()
    assert "You are unsubscribed" in page
    assert "ann@example.org" not in page
    assert not Subscriber.objects.exists()
    assert "You are unsubscribed" in client.post(url, {"lists": ["all"]}).content.decode()
    assert not Subscriber.objects.exists()  # an old link subscribes nobody again


def test_unticking_all_lists_ends_all_subscriptions(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    client.post(manage_url("ann@example.org"), {})
    assert not Subscriber.objects.exists()


def test_forged_links_and_other_methods_are_refused(client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    url = manage_url("ann@example.org")
    for forged in (
        "/newsletter/mails/s1-00000000000000000000/",
        url.replace("/s", "/f"),
        "/newsletter/mails/x/",
    ):
        assert client.get(forged).status_code == 404
        assert client.post(forged, {"leave": "1"}).status_code == 404
    assert client.put(url).status_code == 405
    assert subscriptions.topics_of("ann@example.org") == {None}
