"""After an erasure, and after unsubscribing, nothing is sent again, also not after a restore."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from archive.backup.restore import restore
from archive.backup.write import backup
from archive.personal_data.contents import read_sections
from articles.models import Article, Newsletter, Subscriber, Topic
from articles.newsletter import sending, subscriptions
from core import erasure_log
from moderation.erasure import account_erasure, purge
from moderation.people.data_subject import DataSubject
from moderation.people.profiles import Person
from tests.articles.newsletter.conftest import draft_of, manage_url, run_sending, send, states, subscribe
from tests.factories import GuestFactory
from tests.helpers.clients import client_of, delete_selected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_folder")]


def restore_backup(file: Path) -> Any:
    call_command("flush", interactive=False, verbosity=0)
    return restore(file).replayed


def emails() -> set[str]:
    return set(Subscriber.objects.values_list("email", flat=True))


def test_an_account_gets_nothing_from_the_first_moment_of_its_erasure(article: Article, jane: User) -> None:
    subscribe("jane@example.org")
    subscribe("bob@example.org")
    account_erasure.start(person=Person(user=jane), deletes_comments=False)
    assert emails() == {"bob@example.org"}


def test_erasing_a_guest_ends_their_subscriptions(article: Article) -> None:
    guest = GuestFactory.create(email="Gwen@example.org", confirmed_at=timezone.now())
    stranger = GuestFactory.create(email="bob@example.org")  # typed somebody's e-mail
    subscribe("gwen@example.org")
    subscribe("bob@example.org")
    purge.erase_person(person=Person(guest=guest), actor=None)
    purge.erase_person(person=Person(guest=stranger), actor=None)
    assert emails() == {"bob@example.org"}


def test_a_restore_brings_no_subscription_back(
    tmp_path: Path, article: Article, jane: User, emil: User
) -> None:
    for email in ("ann@example.org", "jane@example.org", "cy@example.org"):
        subscribe(email)
    topic = article.topics.get()
    subscribe("cy@example.org", topic)
    file = tmp_path / "site.zip"
    backup(file)
    subscriptions.unsubscribe(["ann@example.org"])
    subscriptions.unsubscribe(["cy@example.org"], {None})
    purge.erase_person(person=Person(user=jane), actor=None)

    assert restore_backup(file).subscriptions == 2  # Jane's is ended with her name
    assert emails() == {"cy@example.org"}
    assert subscriptions.topics_of("cy@example.org") == {topic.pk}
    send(draft_of(article, emil))
    assert [message.to for message in run_sending()] == [["cy@example.org"]]


def test_a_subscription_renewed_after_the_backup_is_not_ended(tmp_path: Path, article: Article) -> None:
    subscribe("ann@example.org")
    subscriptions.unsubscribe(["ann@example.org"])
    subscribe("ann@example.org")
    file = tmp_path / "site.zip"
    backup(file)
    assert restore_backup(file).subscriptions == 0
    assert emails() == {"ann@example.org"}
    assert manage_url("ann@example.org")


def test_a_link_mailed_after_the_backup_opens_nobody_elses_page(tmp_path: Path, article: Article) -> None:
    file = tmp_path / "site.zip"
    backup(file)
    subscribe("ann@example.org")
    link = manage_url("ann@example.org")
    restore_backup(file)
    subscribe("bob@example.org")
    assert manage_url("bob@example.org") != link
    assert "bob@example.org" not in Client().get(link).content.decode()
    assert Client().post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert emails() == {"bob@example.org"}


def test_a_restore_stops_a_newsletter_that_was_being_sent(
    tmp_path: Path, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    send(draft_of(article, emil))
    file = tmp_path / "site.zip"
    backup(file)
    assert len(run_sending()) == 1
    restore_backup(file)
    assert run_sending() == []
    newsletter = Newsletter.objects.get()
    assert newsletter.stopped_at
    assert states(newsletter) == {"queued": 1}
    assert sending.resume(newsletter)


@pytest.mark.parametrize("is_action", [False, True])
def test_a_deleted_topic_leaves_no_subscriber(article: Article, ada: User, is_action: bool) -> None:
    topic = article.topics.get()
    ended = subscribe("ann@example.org", topic)
    subscribe("bob@example.org", topic)
    subscribe("bob@example.org")
    client = client_of(ada)
    if is_action:
        delete_selected(client, "topic", topic.pk)
    else:
        client.post(f"/admin/articles/topic/{topic.pk}/delete/", {"post": "yes"})
    assert not Topic.objects.exists()
    assert emails() == {"bob@example.org"}
    assert subscriptions.topics_of("bob@example.org") == {None}
    logged = [line for line in erasure_log.read_all() if line.kind == "subscription"]
    assert ended.pk in {line.id for line in logged}
    assert len(logged) == 2


def test_the_file_of_personal_data_has_subscriptions_and_newsletters(
    article: Article, jane: User, emil: User
) -> None:
    subscribe("jane@example.org")
    subscribe("bob@example.org")
    send(draft_of(article, emil, subject="The slip"))
    run_sending()
    sections = {
        each.key: list(each.records) for each in read_sections(DataSubject.for_erasure(Person(user=jane)))
    }
    (subscription,) = sections["subscriptions"]
    assert subscription["email"] == "jane@example.org"
    assert subscription["of"] == "All stories"
    (newsletter,) = sections["newsletters"]
    assert (newsletter["subject"], newsletter["state"]) == ("The slip", "Sent")
    with translation.override("ar"):
        (newsletter,) = next(
            list(each.records)
            for each in read_sections(DataSubject.for_erasure(Person(user=jane)))
            if each.key == "newsletters"
        )
        assert newsletter["state"] == "أُرسلت"
