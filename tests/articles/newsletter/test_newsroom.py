"""The newsroom's pages: drafts with their preview, sending, and what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, READER, User
from articles.models import Article, Newsletter, NewsletterRecipient, Pin, Topic
from articles.newsletter import drafts, sending, subscriptions
from tests.articles.newsletter.conftest import draft_of, run_sending, send, states, subscribe
from tests.factories import make_article
from tests.helpers.clients import client_of, client_with_role
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

LIST, ADD = "/admin/articles/newsletter/", "/admin/articles/newsletter/add/"


@pytest.fixture
def editor_client(emil: User) -> Client:
    """Return the client of an editor."""
    return client_of(emil)


def url_of(newsletter: Newsletter) -> str:
    return f"{LIST}{newsletter.pk}/change/"


def form_of(newsletter: Newsletter, **values: Any) -> dict[str, Any]:
    """Return what the form of a draft sends."""
    newsletter.refresh_from_db()
    fields = {"subject": newsletter.subject, "introduction": newsletter.introduction}
    if newsletter.is_digest:
        fields["stories"] = list(newsletter.articles.values_list("pk", flat=True))
    return {"seen": newsletter.version, **fields, **values}


def text_of_page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_an_editor_writes_previews_and_sends_a_newsletter(editor_client: Client, article: Article) -> None:
    subscribe("ann@example.org")
    page = text_of_page(editor_client, f"/admin/articles/article/{article.pk}/change/")
    assert f'href="{ADD}?story={article.pk}">Send as newsletter' in page
    assert 'value="The slip closes"' in text_of_page(editor_client, f"{ADD}?story={article.pk}")
    response = editor_client.post(
        f"{ADD}?story={article.pk}", {"subject": "The slip", "introduction": "Dear <b>all</b>,"}
    )
    newsletter = Newsletter.objects.get()
    assert response["Location"] == url_of(newsletter)
    page = text_of_page(editor_client, url_of(newsletter))
    assert "Dear &lt;b&gt;all&lt;/b&gt;," in page
    assert "1 person gets it." in page
    assert "<bdi>Harbour</bdi>: 0" in page

    editor_client.post(url_of(newsletter), form_of(newsletter, _test=""))
    (test,) = mail.outbox
    assert (test.subject, test.to) == ("Test: The slip", ["emil@example.org"])
    assert states(newsletter) == {}

    for _press in range(2):
        response = editor_client.post(url_of(newsletter), form_of(newsletter, _send=""), follow=True)
    assert "It was sent already." in response.content.decode()
    assert [message.to for message in run_sending()] == [["ann@example.org"]]
    assert "Sent to 1 person." in LogEntry.objects.latest("pk").get_change_message()
    page = text_of_page(editor_client, url_of(newsletter))
    assert "<dt>Sent</dt><dd>1</dd>" in page.replace("> <", "><")
    assert "The slip" in text_of_page(editor_client, LIST)


def test_a_newsletter_is_sent_with_a_log_entry_or_not_at_all(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    refuse_writes("django_admin_log")
    with pytest.raises(DatabaseError, match="The disk is full"):
        editor_client.post(url_of(newsletter), form_of(newsletter, _send=""))
    assert Newsletter.objects.get().sent_at is None
    assert run_sending() == []


def test_the_preview_is_framed_without_scripts(editor_client: Client, article: Article, emil: User) -> None:
    newsletter = draft_of(article, emil)
    response = editor_client.get(f"{LIST}{newsletter.pk}/mail/")
    assert "The slip closes" in response.content.decode()
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    Article.objects.update(published_at=None)
    assert editor_client.get(f"{LIST}{newsletter.pk}/mail/").status_code == 404
    assert "nothing to send" in text_of_page(editor_client, url_of(newsletter))


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_line_break_in_the_subject_becomes_a_space(
    editor_client: Client, article: Article, emil: User, line_break: str
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    editor_client.post(url_of(newsletter), form_of(newsletter, subject=f"One{line_break}Bcc: x@example.org"))
    editor_client.post(url_of(newsletter), form_of(newsletter, _send=""))
    (message,) = run_sending()
    assert message.subject == "One Bcc: x@example.org"
    assert message.recipients() == ["ann@example.org"]
    assert states(newsletter) == {"sent": 1}


def test_a_changed_draft_is_shown_before_it_is_sent(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    page = editor_client.post(url_of(newsletter), form_of(newsletter, subject="New", _send=""), follow=True)
    assert "Check the preview, then send it." in page.content.decode()
    newsletter.refresh_from_db()
    assert (newsletter.subject, newsletter.sent_at) == ("New", None)


def test_typed_changes_do_not_overwrite_a_colleagues_changes(
    editor_client: Client, article: Article, emil: User
) -> None:
    newsletter = draft_of(article, emil)
    loaded = form_of(newsletter) | {
        "initial-subject": newsletter.subject,
        "initial-introduction": newsletter.introduction,
    }
    editor_client.post(url_of(newsletter), form_of(newsletter, subject="Theirs"))
    assert 'name="initial-subject" value="Theirs"' in editor_client.get(url_of(newsletter)).content.decode()
    page = editor_client.post(url_of(newsletter), loaded, follow=True).content.decode()
    assert "changed meanwhile" not in page
    assert 'value="Theirs"' in page
    assert Newsletter.objects.get().subject == "Theirs"


def test_a_story_that_was_unpublished_since_the_preview_is_noticed(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    other = make_article("Other")
    newsletter = drafts.create(
        subject="Week", introduction="", articles=[article, other], is_digest=True, by=emil
    )
    assert f'name="seen_stories" value="{article.pk},{other.pk},"' in text_of_page(
        editor_client, url_of(newsletter)
    )
    seen = form_of(newsletter, _send="", seen_stories=f"{article.pk},{other.pk},")
    Article.objects.filter(pk=other.pk).update(published_at=None)
    page = editor_client.post(url_of(newsletter), seen, follow=True).content.decode()
    assert "It was changed since you opened this page." in page
    assert states(newsletter) == {}
    editor_client.post(url_of(newsletter), seen | {"seen_stories": f"{article.pk},"})
    assert states(newsletter) == {"queued": 1}


def test_the_confirmation_of_a_deletion_lists_no_rows(
    editor_client: Client, article: Article, emil: User
) -> None:
    page = text_of_page(editor_client, f"{LIST}{draft_of(article, emil).pk}/delete/")
    assert "storys" not in page


def test_the_second_of_two_changes_of_a_draft_is_shown_as_a_conflict(
    editor_client: Client, article: Article, emil: User
) -> None:
    newsletter = draft_of(article, emil)
    first, second = form_of(newsletter, subject="First"), form_of(newsletter, subject="Second")
    assert editor_client.post(url_of(newsletter), first).status_code == 302
    response = editor_client.post(url_of(newsletter), second)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="Second"' in page
    assert "It was changed meanwhile, in another window or by somebody else." in page
    assert Newsletter.objects.get().subject == "First"
    editor_client.post(url_of(newsletter), form_of(newsletter, subject="Second"))
    assert Newsletter.objects.get().subject == "Second"


def test_changes_of_a_draft_that_was_sent_meanwhile_become_a_new_draft(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    typed = form_of(newsletter, introduction="Much better.")
    send(newsletter)
    page = editor_client.post(url_of(newsletter), typed, follow=True).content.decode()
    assert "They are kept as this draft." in page
    assert "Much better." in page
    assert Newsletter.objects.filter(sent_at=None, introduction="Much better.").count() == 1


def test_a_story_that_was_sent_asks_before_a_second_time(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    send(draft_of(article, emil, subject="The first"))
    newsletter = draft_of(article, emil)
    page = text_of_page(editor_client, url_of(newsletter))
    assert "It was sent before:" in page
    assert "The first" in page
    page = editor_client.post(url_of(newsletter), form_of(newsletter, _send=""), follow=True).content.decode()
    assert "This story was sent before." in page
    editor_client.post(url_of(newsletter), form_of(newsletter, _send="", again="1"))
    assert len(run_sending()) == 2


def test_a_second_digest_of_a_week_asks_before_it_is_sent(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    send(draft_of([article], emil, subject="The first"))
    newsletter = draft_of([article], emil)
    page = text_of_page(editor_client, url_of(newsletter))
    assert "A digest was sent less than a week ago:" in page
    assert '<input type="checkbox" name="again" value="1"> Send another digest' in page
    page = editor_client.post(url_of(newsletter), form_of(newsletter, _send=""), follow=True).content.decode()
    assert "Tick “Send another digest” to send this one, too." in page
    editor_client.post(url_of(newsletter), form_of(newsletter, _send="", again="1"))
    assert len(run_sending()) == 2


def test_the_digest_offers_the_week_in_the_order_of_the_front_page(
    editor_client: Client, article: Article
) -> None:
    new = make_article("New", published_at=timezone.now())
    pinned = make_article("Pinned", published_at=timezone.now() - timedelta(days=3))
    Pin.objects.create(article=pinned, position=1)
    make_article("Old", published_at=timezone.now() - timedelta(days=8))
    make_article("Scheduled", published_at=timezone.now() + timedelta(days=1))
    make_article("Archived", rights="unknown")
    assert [article.title for article in drafts.digest_articles()] == ["Pinned", "New", "The slip closes"]
    page = text_of_page(editor_client, ADD)
    assert page.count("checked") == 3
    editor_client.post(ADD, {"subject": "The week", "stories": [article.pk, pinned.pk]})
    newsletter = Newsletter.objects.get()
    assert newsletter.is_digest
    text = text_of_page(editor_client, url_of(newsletter)).partition("<pre")[2]
    assert text.index("Pinned") < text.index("The slip closes")
    assert "New</label>" not in text
    editor_client.post(url_of(newsletter), form_of(newsletter, stories=[new.pk]))
    assert list(newsletter.articles.all()) == [new]
    response = editor_client.post(url_of(newsletter), form_of(newsletter, stories=[], subject="Kept"))
    assert response.status_code == 422
    assert "Choose at least one story." in response.content.decode()
    assert 'value="Kept"' in response.content.decode()


def test_a_digest_without_stories_is_not_offered(editor_client: Client) -> None:
    assert "No story was published in the last seven days." in text_of_page(editor_client, ADD)


def test_failed_mails_are_shown_stopped_and_tried_again(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    subscribe("bob@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    failed = newsletter.recipients.get(subscriber__email="ann@example.org")
    newsletter.recipients.filter(pk=failed.pk).update(
        state="failed", failure_details="The server answered: 550 no."
    )
    page = text_of_page(editor_client, url_of(newsletter))
    assert "Try the failed ones again" in page
    assert "Failed: …@example.org" in page
    assert "550 no." in page
    editor_client.post(url_of(newsletter), {"_stop": ""})
    assert "the queued mails are not sent" in text_of_page(editor_client, url_of(newsletter))
    response = editor_client.post(url_of(newsletter), {"_stop": ""}, follow=True)
    assert "somebody was faster" in response.content.decode()
    assert "Try the failed ones again" not in text_of_page(editor_client, url_of(newsletter))
    response = editor_client.post(url_of(newsletter), {"_retry": ""}, follow=True)
    assert "The failed mails are queued." in response.content.decode()
    assert run_sending() == []
    editor_client.post(url_of(newsletter), {"_continue": ""})
    assert len(run_sending()) == 2
    subscriptions.unsubscribe(["ann@example.org"])
    page = text_of_page(editor_client, url_of(newsletter)).replace("> <", "><")
    assert "<dt>Unsubscribed since</dt><dd>1</dd>" in page
    newsletter.recipients.filter(state="unsubscribed").update(state="bounced")
    assert "Bounced: unsubscribed since" in text_of_page(editor_client, url_of(newsletter))


def test_failed_addresses_are_shown_only_with_permission_to_read_emails(
    editor_client: Client, ada: User, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    newsletter.recipients.update(state="failed", failure_details="The server answered: 550 no.")
    for client, shown in (
        (editor_client, "Failed: …@example.org"),
        (client_of(ada), "Failed: ann@example.org"),
    ):
        page = text_of_page(client, url_of(newsletter))
        assert shown in page
        assert "550 no." in page
        assert ("ann@" in page) == ("ann@" in shown)


def test_failed_mails_of_a_stopped_newsletter_are_queued_again(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    editor_client.post(url_of(newsletter), {"_stop": ""})
    newsletter.recipients.update(state="failed")
    assert "Try the failed ones again" in text_of_page(editor_client, url_of(newsletter))
    page = editor_client.post(url_of(newsletter), {"_retry": ""}, follow=True).content.decode()
    assert "They are sent when you send the queued mails." in page
    assert "Send the queued mails" in page


def test_waiting_retries_are_shown(editor_client: Client, article: Article, emil: User) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    due_at = timezone.now() + timedelta(hours=1)
    newsletter.recipients.update(failure_code="no_listener", failures=1, due_at=due_at)
    assert "No mail server listens at" in text_of_page(editor_client, url_of(newsletter))


def test_other_people_cannot_open_or_send_a_newsletter(
    editor_client: Client, article: Article, emil: User, edda: User, ada: User
) -> None:
    subscribe("ann@example.org")
    article.editors.add(edda)
    newsletter = draft_of(article, edda)
    urls = (url_of(newsletter), f"{LIST}{newsletter.pk}/mail/", f"{ADD}?story={article.pk}", LIST)
    for role in (READER, MODERATOR):
        outsider = client_with_role(role)
        for url in urls:
            assert outsider.get(url).status_code in {302, 403, 404}
        outsider.post(url_of(newsletter), form_of(newsletter, _send=""))
    for url in urls[1:3]:  # another editor's story
        assert editor_client.get(url).status_code == 404
    assert editor_client.post(url_of(newsletter), form_of(newsletter, _send=""))["Location"] == LIST
    newsletter.refresh_from_db()
    assert newsletter.sent_at is None
    for client in (client_of(edda), client_of(ada)):
        assert client.get(url_of(newsletter)).status_code == 200
    assert Client().get(url_of(newsletter)).status_code == 302


def test_a_draft_is_deleted_and_a_sent_one_is_not(
    editor_client: Client, article: Article, emil: User
) -> None:
    subscribe("ann@example.org")
    draft, sent = draft_of(article, emil), draft_of(article, emil)
    send(sent)
    assert editor_client.post(f"{LIST}{draft.pk}/delete/", {"post": "yes"}).status_code == 302
    assert editor_client.post(f"{LIST}{sent.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(Newsletter.objects.all()) == [sent]
    response = editor_client.get(url_of(draft), follow=True)
    assert "That newsletter was deleted." in response.content.decode()


def test_only_stories_that_may_be_syndicated_are_offered(
    editor_client: Client, article: Article, topic: Topic
) -> None:
    Article.objects.update(rights="unknown")
    assert "Send as newsletter" not in text_of_page(
        editor_client, f"/admin/articles/article/{article.pk}/change/"
    )
    assert editor_client.get(f"{ADD}?story={article.pk}").status_code == 404
    assert editor_client.get(f"{ADD}?story=x").status_code == 404


def test_the_failure_of_a_test_mail_is_shown(
    editor_client: Client, article: Article, emil: User, settings: Any
) -> None:
    newsletter = draft_of(article, emil)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = editor_client.post(url_of(newsletter), form_of(newsletter, _test=""), follow=True)
    assert "The test mail was not sent:" in response.content.decode()


def test_the_numbers_of_an_old_newsletter_stay(
    editor_client: Client, article: Article, emil: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe("ann@example.org")
    newsletter = draft_of(article, emil)
    subscribe("bo@example.org")
    send(newsletter)
    run_sending()
    failed = newsletter.recipients.order_by("pk").last()
    newsletter.recipients.filter(pk=failed.pk).update(state=NewsletterRecipient.State.FAILED)
    assert "Try the failed ones again" in text_of_page(editor_client, url_of(newsletter))
    monkeypatch.setattr(sending, "RECIPIENT_RETENTION", timedelta(0))
    sending.delete_old_recipients()
    page = text_of_page(editor_client, url_of(newsletter)).replace("> <", "><")
    assert "<dt>Sent</dt><dd>1</dd>" in page
    assert "<dt>Failed</dt><dd>1</dd>" in page
    assert "Try the failed ones again" not in page
    assert "The recipients are no longer stored, only their numbers." in page


def test_a_list_of_failed_and_bounced_mails_says_that_it_is_cut(
    editor_client: Client, article: Article, emil: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bo"):
        subscribe(f"{name}@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    newsletter.recipients.update(state=NewsletterRecipient.State.BOUNCED)
    for limit, is_cut in ((2, False), (1, True)):
        monkeypatch.setattr("articles.newsletter.admin.MAX_UNDELIVERED_SHOWN", limit)
        assert ("are listed." in text_of_page(editor_client, url_of(newsletter))) == is_cut


def test_every_editor_sees_the_list(article: Article) -> None:
    assert client_with_role(EDITOR).get(LIST).status_code == 200
