"""Sending a newsletter: recipients, content, and failures."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import EmailMessage
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone, translation
from django.utils.translation import get_language

from accounts import undeliverable
from accounts.models import User
from articles.models import Article, Newsletter, NewsletterRecipient, Site, Subscriber, Topic
from articles.newsletter import sending, subscriptions
from articles.newsletter.sending import NotSentError
from articles.publishing.services import publish_articles, unpublish_articles
from config.models import MailFailure
from core.mail.batches import MAX_FAILURES
from core.mail.composition import BulkMail
from tests.articles.newsletter.conftest import draft_of, manage_url, run_sending, send, states, subscribe
from tests.factories import UserFactory, make_article
from tests.helpers.mails import check_mail, html_of, text_of
from tests.helpers.servers.smtp import Inbox, receiving

pytestmark = pytest.mark.django_db

Later = Callable[..., datetime]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let the clock of the program be later."""

    def set_clock(**span: float) -> datetime:
        at = timezone.now() + timedelta(**span)
        monkeypatch.setattr("django.utils.timezone.now", lambda: at)
        return at

    return set_clock


def addresses(newsletter: Newsletter) -> list[str]:
    send(newsletter)
    return sorted(message.to[0] for message in run_sending())


def test_a_story_goes_to_subscribers_of_all_stories_and_of_its_topics(
    article: Article, topic: Topic, emil: User
) -> None:
    other = Topic.objects.create(name="Market", slug="market")
    subscribe("all@example.org")
    subscribe("topic@example.org", topic)
    subscribe("both@example.org")
    subscribe("both@example.org", topic)
    subscribe("other@example.org", other)
    subscriptions.mail_confirmation.func("unconfirmed@example.org", None)
    newsletter = draft_of(article, emil)
    assert sending.count_audience(newsletter) == (3, [("All stories", 2), ("Harbour", 2)])
    assert addresses(newsletter) == ["all@example.org", "both@example.org", "topic@example.org"]
    assert states(newsletter) == {"sent": 3}


def test_a_digest_goes_to_subscribers_of_all_stories(article: Article, topic: Topic, emil: User) -> None:
    subscribe("all@example.org")
    subscribe("topic@example.org", topic)
    newsletter = draft_of([article, make_article("A new pier")], emil)
    assert sending.count_audience(newsletter) == (1, [("All stories", 1)])
    assert addresses(newsletter) == ["all@example.org"]


def test_a_mail_server_gets_a_mail_for_each_subscriber(article: Article, emil: User, settings: Any) -> None:
    settings.MAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
    settings.INCOMING_EMAIL = "comments@example.net"
    Site.objects.update(contact_email="desk@example.net")
    subscribe("ann@example.org")
    subscribe("bob@example.org")
    with serving(settings) as inbox:
        send(draft_of(article, emil, subject="The slip"))
        assert sending.send_newsletters.func() == 2
    by_person = {message["To"]: message for message in inbox.mails}
    assert set(by_person) == {"ann@example.org", "bob@example.org"}
    own = manage_url("ann@example.org"), manage_url("bob@example.org")
    for email, mine, others in (("ann@example.org", *own), ("bob@example.org", *reversed(own))):
        message = by_person[email]
        assert message["List-Unsubscribe"].strip() == f"<{settings.SITE_URL}{mine}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Subject"] == "The slip"
        assert message["Reply-To"] == "desk@example.net"
        source = message.as_string()
        assert source.count(mine) >= 3
        assert others not in source
        html = check_mail(message)
        assert f"{settings.SITE_URL}{article.get_absolute_url()}" in html.links
        assert html.buttons == ["Read on"]
    text = text_of(by_person["ann@example.org"])
    assert text.startswith(
        "Dear readers,\n\n\nThe slip closes\n\nIt opens again in May.\n\nThe boats leave.\n\n"
    )
    assert len({message["Message-ID"] for message in inbox.mails}) == 2


def test_the_frame_of_the_mail_is_in_the_language_of_the_reader(
    article: Article, emil: User, jane: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stories stay in the site's language. Each language is rendered once."""
    User.objects.filter(pk=jane.pk).update(language="ar")
    stranger = UserFactory.create(language="ar")
    User.objects.filter(pk=stranger.pk).update(email="Ann@example.org")  # this e-mail is not confirmed
    subscribe("jane@example.org")
    subscribe("ann@example.org")
    subscribe("bob@example.org", language="ar")
    subscribe("cy@example.org", language="")
    rendered = []
    render = sending.render_for_subscribers

    def record_language(*values: Any) -> BulkMail:
        rendered.append(get_language())
        return render(*values)

    monkeypatch.setattr(sending, "render_for_subscribers", record_language)
    send(draft_of(article, emil))
    mails = {message.to[0]: message for message in run_sending()}
    assert sorted(rendered) == ["ar", "en"]
    for email, language in (("jane", "ar"), ("ann", "en"), ("bob", "ar"), ("cy", "en")):
        message = mails[f"{email}@example.org"]
        html = html_of(message)
        assert ("because you subscribed" in message.body) is (language == "en"), email
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html
        assert "The slip closes" in message.body
        assert manage_url(f"{email}@example.org") in message.body


def serving(settings: Any) -> Any:
    manager = receiving(settings)

    class Server:
        def __enter__(self) -> Inbox:
            inbox = manager.__enter__()
            settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
            settings.EMAIL_BACKEND = "config.mail_backend.Backend"
            return inbox

        def __exit__(self, *error: Any) -> None:
            manager.__exit__(*error)

    return Server()


def test_a_long_introduction_mixes_up_no_links(article: Article, emil: User, settings: Any) -> None:
    """A line of more than 998 bytes is wrapped, which can cut a link."""
    emails = [f"p{number}@example.org" for number in range(4)]
    for email in emails:
        subscribe(email)
    newsletter = draft_of(article, emil)
    Newsletter.objects.update(introduction="Fog, again. " * 150)
    with serving(settings) as inbox:
        send(newsletter)
        sending.send_newsletters.func()
    urls = {email: manage_url(email) for email in emails}
    for message in inbox.mails:
        assert isinstance(message, EmailMessage)
        content = " ".join(part.get_content() for part in message.walk() if not part.is_multipart())
        found = set(re.findall(r"/newsletter/mails/[^/]+/", content))
        assert found == {urls[str(message["To"])]}


def test_a_second_press_sends_nothing(article: Article, emil: User) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    with pytest.raises(NotSentError, match="sent already"):
        send(newsletter)
    assert len(run_sending()) == 1


def test_a_changed_draft_an_empty_audience_or_an_unpublished_story_is_not_sent(
    article: Article, emil: User
) -> None:
    newsletter = draft_of(article, emil)
    with pytest.raises(NotSentError, match="Nobody has subscribed"):
        send(newsletter)
    subscribe("ann@example.org")
    with pytest.raises(NotSentError, match="was changed"):
        send(newsletter, seen=7)
    Article.objects.update(rights="unknown")
    with pytest.raises(NotSentError, match="nothing to send"):
        send(newsletter)
    newsletter.refresh_from_db()
    assert newsletter.sent_at is None
    assert not NewsletterRecipient.objects.exists()


def test_a_story_is_sent_a_second_time_only_on_purpose(article: Article, emil: User) -> None:
    subscribe("ann@example.org")
    first, second = draft_of(article, emil), draft_of(article, emil)
    send(first)
    with pytest.raises(NotSentError, match="sent before"):
        send(second)
    assert sending.previous_sending(second) == first
    send(second, is_repeat=True)
    assert len(run_sending()) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_same", [True, False])
def test_two_presses_at_one_moment_send_once(article: Article, emil: User, is_same: bool) -> None:
    subscribe("ann@example.org")
    first = draft_of(article, emil)
    drafts = [first, first if is_same else draft_of(article, emil)]
    barrier = Barrier(2)

    def try_to_send(newsletter: Newsletter) -> int:
        try:
            barrier.wait()
            return send(newsletter)
        except NotSentError:
            return 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_to_send, drafts)) == [0, 1]
    assert NewsletterRecipient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_people_who_unsubscribe_during_the_queueing_get_no_mail(article: Article, emil: User) -> None:
    emails = [f"p{number}@example.org" for number in range(30)]
    for email in emails:
        subscribe(email)
    newsletter, barrier = draft_of(article, emil), Barrier(2)

    def leave() -> int:
        try:
            barrier.wait()
            return sum(subscriptions.unsubscribe([email]) for email in emails)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(leave)
        barrier.wait()
        try:
            send(newsletter)
        except NotSentError:  # all of them unsubscribed first
            assert not NewsletterRecipient.objects.exists()
        assert left.result() == 30
    assert run_sending() == []
    assert not Subscriber.objects.exists()


def test_unsubscribed_people_get_no_newsletter(article: Article, topic: Topic, emil: User) -> None:
    subscribe("ann@example.org")
    subscribe("bob@example.org")
    subscribe("bob@example.org", Topic.objects.create(name="Market", slug="market"))
    subscribe("cy@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    subscriptions.unsubscribe(["ann@example.org"])
    subscriptions.unsubscribe(["bob@example.org"], {None})  # Bob stays subscribed to another topic
    assert [message.to for message in run_sending()] == [["cy@example.org"]]
    assert states(newsletter) == {"left_out": 2, "sent": 1}
    subscriptions.unsubscribe(["cy@example.org"])
    assert states(newsletter) == {"left_out": 2, "unsubscribed": 1}


def test_an_unpublished_story_is_not_sent_any_further(
    article: Article, emil: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PEOPLE_AT_ONCE", 2)
    for number in range(5):
        subscribe(f"p{number}@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    real, batches = sending._send, list[int]()

    def unpublish_after_the_first(*args: Any) -> int:
        batches.append(real(*args))
        if len(batches) == 1:
            unpublish_articles(ids=[article.pk])
        return batches[-1]

    monkeypatch.setattr(sending, "_send", unpublish_after_the_first)
    assert len(run_sending()) == 2
    assert batches == [2, 0]
    newsletter.refresh_from_db()
    assert newsletter.stopped_at
    assert states(newsletter) == {"sent": 2, "queued": 3}
    assert not sending.resume(newsletter)
    assert not sending.continue_sending()

    publish_articles(ids=[article.pk], at=timezone.now())
    assert sending.resume(newsletter)
    assert len(run_sending()) == 3
    assert states(newsletter) == {"sent": 5}


def test_a_digest_leaves_out_an_unpublished_story(article: Article, emil: User) -> None:
    subscribe("ann@example.org")
    other = make_article("A new pier", published_at=timezone.now())
    newsletter = draft_of([other, article], emil)
    send(newsletter)
    unpublish_articles(ids=[article.pk])
    (message,) = run_sending()
    assert "A new pier" in message.body
    assert "The slip closes" not in message.body


def test_a_newsletter_is_stopped_and_continued(article: Article, emil: User) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    assert not sending.stop(newsletter)  # a draft
    send(newsletter)
    assert sending.stop(newsletter)
    assert not sending.stop(newsletter)
    assert run_sending() == []
    assert sending.resume(newsletter)
    assert not sending.resume(newsletter)
    assert len(run_sending()) == 1


def test_failures_are_tried_again(article: Article, emil: User, later: Later, settings: Any) -> None:
    subscribe("ann@example.org")
    subscribe("gone@example.org", language="ar")
    newsletter = draft_of(article, emil)
    with serving(settings) as inbox:
        inbox.refused = {
            "ann@example.org": "451 4.7.1 Try again later",
            "gone@example.org": "550 5.1.1 No such user gone@example.org",
        }
        send(newsletter)
        assert sending.send_newsletters.func() == 0
        assert undeliverable.find(["gone@example.org"]) == {"gone@example.org"}
        assert states(newsletter) == {"queued": 1, "failed": 1}
        failed = newsletter.recipients.get(state="failed")
        assert failed.failure_details == "550 5.1.1 No such user …@…"
        assert failed.explanation.endswith(" rejects this recipient: 550 5.1.1 No such user …@…")
        with translation.override("ar"):
            assert "يرفض هذا المستلم: 550 5.1.1" in failed.explanation
        assert set(MailFailure.objects.values_list("subject", flat=True)) == {"Newsletter"}  # in English
        assert sending.send_newsletters.func() == 0  # nothing is due
        inbox.refused.pop("ann@example.org")
        later(minutes=6)
        assert sending.send_newsletters.func() == 1
        assert states(newsletter) == {"sent": 1, "failed": 1}

        assert sending.retry(newsletter) == 1
        assert sending.send_newsletters.func() == 0  # its mail server has said that it does not exist
        failed.refresh_from_db()
        assert failed.explanation == "Not sent: its mail server has rejected an earlier mail."
        undeliverable.remove("gone@example.org")
        inbox.refused.clear()
        assert sending.retry(newsletter) == 1
        assert sending.send_newsletters.func() == 1
        assert sending.retry(newsletter) == 0
    assert states(newsletter) == {"sent": 2}


@pytest.mark.parametrize("is_during_attempt", [False, True])
def test_error_texts_of_unsubscribed_people_are_deleted(
    article: Article, emil: User, settings: Any, monkeypatch: pytest.MonkeyPatch, is_during_attempt: bool
) -> None:
    subscribe("jane.doe@example.org")
    newsletter, outcome = draft_of(article, emil), sending._outcome

    def outcome_after_leaving(*args: Any) -> dict[str, Any]:
        subscriptions.unsubscribe(["jane.doe@example.org"])
        return outcome(*args)

    if is_during_attempt:
        monkeypatch.setattr(sending, "_outcome", outcome_after_leaving)
    with serving(settings) as inbox:
        inbox.refused["jane.doe@example.org"] = "550 5.1.1 <jane.doe>: Recipient address rejected"
        send(newsletter)
        sending.send_newsletters.func()
    if not is_during_attempt:
        assert "jane.doe" in newsletter.recipients.get().failure_details
        subscriptions.unsubscribe(["jane.doe@example.org"])
    assert states(newsletter) == {"failed": 1}
    assert newsletter.recipients.get().failure_details == ""


def test_after_two_days_a_mail_has_failed(article: Article, emil: User, later: Later, settings: Any) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    with serving(settings) as inbox:
        inbox.refused["ann@example.org"] = "451 4.7.1 Try again later"
        send(newsletter)
        for _attempt in range(MAX_FAILURES + 1):
            sending.send_newsletters.func()
            later(days=1)
    assert states(newsletter) == {"failed": 1}


def test_an_interrupted_job_is_continued(article: Article, emil: User, later: Later) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    assert not sending.continue_sending()  # a job waits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "_send", lambda *_args: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run_sending()
    later(minutes=31)
    assert sending.continue_sending()
    assert len(run_sending()) == 1


def test_old_recipients_become_numbers(article: Article, emil: User, later: Later) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    run_sending()
    assert sending.delete_old_recipients() == 0
    later(days=91)
    assert sending.delete_old_recipients() == 1
    assert sending.delete_old_recipients() == 0
    newsletter.refresh_from_db()
    assert states(newsletter) == {"sent": 1}
    assert not NewsletterRecipient.objects.exists()
