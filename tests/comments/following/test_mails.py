"""Mails to followers: who gets them, when, and what they say."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts import undeliverable
from accounts.models import User
from articles.editing.notes import add_correction
from articles.models import Article, Site, Topic
from articles.site.current_site import read_site
from comments.following.mails import Texts, compose, mail_followers, notify_followers
from comments.following.seen import mark_seen
from comments.following.tokens import follow_token, follower_token
from comments.following.update_search import due_times, note_updates
from comments.following.updates import FollowUpdates, UpdateItem, read_updates
from comments.models import Comment, Discussion, Follow, LastUpdateSearch, Mute, State
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from config.models import MailFailure
from moderation.actions.redactions import redact
from moderation.erasure import account_erasure
from moderation.models import AccountErasure
from moderation.people.profiles import Person
from tests.comments.following.conftest import follow, reply_to, send_due
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.mails import html_of, text_of
from tests.helpers.servers.smtp import receiving

pytestmark = pytest.mark.django_db
Later = Callable[..., datetime]


def test_a_reply_is_mailed_to_the_author_of_the_comment(
    article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article, "replies")
    own = make_comment(article, "Who has seen the ferry?", author=jane)
    answer = reply_to(own, kofi, "It left at **noon**.")
    make_comment(article, "Not an answer to Jane.", author=kofi)
    assert send_due() == []  # the posting can still be undone

    later()
    (message,) = send_due()

    assert message.to == ["jane@example.org"]
    assert message.subject == "Kofi replied to your comment on “The slip closes”"
    assert "“It left at noon.”" in message.body
    assert f"/stories/{article.slug}/comments/{answer.pk}/" in message.body
    assert "Not an answer" not in message.body
    assert send_due() == []


def test_a_burst_becomes_one_mail(article: Article, jane: User, later: Later) -> None:
    follow(jane, article)
    for number in range(12):
        make_comment(article, f"Comment number {number}.")
    later()
    (message,) = send_due()
    assert message.subject == "12 new comments on “The slip closes”"
    assert len(re.findall(r"^Guest \d+ commented$", message.body, re.MULTILINE)) == 10
    assert re.search(r"^2 more: http://\S+/stories/the-slip-closes/$", message.body, re.MULTILINE)
    html = str(message.alternatives[0][0])
    assert re.search(r"font:600 22px[^>]*>The slip closes</p>", html), "the title of the story is a heading"


def test_each_follower_gets_the_mail_in_their_language(
    article: Article, jane: User, kofi: User, later: Later
) -> None:
    User.objects.filter(pk=jane.pk).update(language="ar")
    for person in (jane, kofi):
        follow(person, article)
    make_comment(article, "It left at noon.")
    make_comment(article, "It came back.")
    later()
    subjects = {message.to[0]: message.subject for message in send_due()}
    assert subjects == {
        "jane@example.org": "تعليقان جديدان على «The slip closes»",
        "kofi@example.org": "2 new comments on “The slip closes”",
    }


def test_followers_get_no_mail_about_their_own_or_removed_comments(
    article: Article, jane: User, kofi: User, later: Later
) -> None:
    own, others = follow(jane, article), follow(kofi, article)
    written = make_comment(article, author=jane)
    delete_comment(comment=written, user=jane, guest=None)
    make_comment(article, author=jane)
    later()
    messages = send_due()
    assert [message.to for message in messages] == [["kofi@example.org"]]
    own.refresh_from_db()
    others.refresh_from_db()
    assert (own.first_unread_at, bool(others.first_unread_at)) == (None, True)


def test_a_comment_is_an_update_once(article: Article, jane: User, kofi: User, later: Later) -> None:
    follow(jane, article)
    comment = make_comment(article, author=kofi)
    later()
    assert len(send_due()) == 1
    change_states(ids=[comment.pk], to=State.REJECTED, reason="other", actor=None)
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=None)
    later(10)
    assert send_due() == []


def test_hidden_stories_and_discussions_are_no_updates(article: Article, jane: User, later: Later) -> None:
    follow(jane, article)
    comment = make_comment(article)
    Discussion.objects.filter(pk=article.pk).update(status="hidden")
    later()
    assert send_due() == []
    Discussion.objects.filter(pk=article.pk).update(status="open")
    Article.objects.filter(pk=article.pk).update(published_at=None)
    Follow.objects.update(due_at=comment.created_at, mailed_at=comment.created_at - timedelta(hours=1))
    assert send_due() == []
    assert not Follow.objects.exclude(due_at=None).exists()


def test_muted_people_are_no_updates(article: Article, jane: User, kofi: User, later: Later) -> None:
    own = follow(jane, article)
    guest = GuestFactory.create()
    Mute.objects.create(user=jane, muted_user=kofi)
    Mute.objects.create(user=jane, muted_guest=guest)
    make_comment(article, author=kofi)
    make_comment(article, guest=guest)
    later()
    assert send_due() == []
    own.refresh_from_db()
    assert own.first_unread_at is None
    make_comment(article, "By somebody else.")
    (message,) = send_due()
    assert message.body.count("commented on") == 1


def test_somebody_muted_before_the_mail_is_not_in_it(
    article: Article, jane: User, kofi: User, later: Later
) -> None:
    follow(jane, article, delivery="daily")
    make_comment(article, author=kofi)
    at = later()
    notify_followers()
    Mute.objects.create(user=jane, muted_user=kofi)
    assert send_after(at, hours=24) == []


def test_only_confirmed_addresses_get_mails(article: Article, kofi: User, later: Later) -> None:
    unconfirmed = UserFactory.create(email="new@example.org")
    gone = confirm_email(UserFactory.create(email="gone@example.org", is_active=False))
    known = GuestFactory.create(email="guest@example.org", confirmed_at=timezone.now())
    unknown = GuestFactory.create(email="anybody@example.org")
    for person in (unconfirmed, gone, known, unknown):
        follow(person, article)
    make_comment(article, author=kofi)
    later()
    assert [message.to for message in send_due()] == [["guest@example.org"]]
    assert Follow.objects.unread().count() == 4
    assert not Follow.objects.due(timezone.now() + timedelta(days=30)).exists()


def test_corrections_and_new_stories_of_a_topic_are_mailed(
    article: Article, jane: User, emil: User, later: Later
) -> None:
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    follow(jane, article, "corrections")
    follow(jane, kind="topic", topic=topic)
    add_correction(article=article, by=emil, text="The ferry left at eleven.")
    new = make_article("A new pier", standfirst="It opens in May.", published_at=timezone.now())
    new.topics.add(topic)
    archived = make_article("Found in a cellar", published_at=timezone.now(), rights="unknown")
    archived.topics.add(topic)
    later()
    (message,) = send_due()
    assert message.subject == "2 updates on what you follow"
    assert message.body.startswith("The slip closes\n\nCorrection\n\nThe ferry left at eleven.\n")
    assert "New story: “A new pier”\n\nIt opens in May." in message.body
    assert "cellar" not in message.body


def test_a_hidden_topic_is_no_update(jane: User, later: Later) -> None:
    topic = Topic.objects.create(name="Harbour", slug="harbour", shown=False)
    follow(jane, kind="topic", topic=topic)
    make_article("A new pier", published_at=timezone.now()).topics.add(topic)
    later()
    assert send_due() == []


def test_replies_of_other_people_are_not_in_the_mail(
    article: Article, jane: User, kofi: User, later: Later
) -> None:
    """Two people get the same updates of one discussion, but each only the replies to their own comments."""
    follow(jane, article, "replies")
    follow(kofi, article, "replies")
    of_jane = make_comment(article, "Jane asks.", author=jane)
    of_kofi = make_comment(article, "Kofi asks.", author=kofi)
    reply_to(of_jane, kofi, "To Jane.")
    reply_to(of_kofi, jane, "To Kofi.")
    later()
    texts = {message.to[0]: message.body for message in send_due()}
    assert "To Jane." in texts["jane@example.org"]
    assert "To Kofi." not in texts["jane@example.org"]
    assert "To Kofi." in texts["kofi@example.org"]


def test_an_hourly_and_a_daily_mail_wait(article: Article, jane: User, kofi: User, later: Later) -> None:
    offset = 12 - timezone.now().hour  # it is noon in this zone, far from seven in the morning
    Site.objects.update(time_zone=f"Etc/GMT{-offset:+}")
    follow(jane, article, delivery="hourly")
    follow(kofi, article, delivery="daily")
    make_comment(article)
    at = later()
    assert send_due() == []
    assert send_after(at, hours=1) == [["jane@example.org"]]
    assert send_after(at, hours=24) == [["kofi@example.org"]]


def send_after(at: datetime, *, hours: int) -> list[list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: at + timedelta(hours=hours))
        return [message.to for message in send_due()]


@pytest.mark.parametrize(
    ("now", "daily"),
    [
        (datetime(2026, 11, 29, 3, 10, tzinfo=UTC), datetime(2026, 11, 29, 5, tzinfo=UTC)),
        (datetime(2026, 11, 29, 5, 0, tzinfo=UTC), datetime(2026, 11, 30, 5, tzinfo=UTC)),
        (datetime(2026, 11, 29, 23, 30, tzinfo=UTC), datetime(2026, 11, 30, 5, tzinfo=UTC)),
    ],
)
def test_the_daily_mail_goes_out_at_seven_in_the_sites_zone(now: datetime, daily: datetime) -> None:
    times = due_times(now, ZoneInfo("Africa/Cairo"))
    assert times["daily"] == daily
    assert times["hourly"] == now.replace(minute=0) + timedelta(hours=1)


def test_updates_on_the_site_only_are_not_mailed(article: Article, jane: User, later: Later) -> None:
    own = follow(jane, article, delivery="site")
    make_comment(article)
    later()
    assert send_due() == []
    own.refresh_from_db()
    assert own.first_unread_at


def test_updates_that_were_seen_are_not_mailed(article: Article, jane: User, later: Later) -> None:
    follow(jane, article, delivery="daily")
    make_comment(article)
    at = later()
    notify_followers()
    mark_seen(Follow.objects.all(), at)
    assert send_after(at, hours=24) == []


def test_a_mail_server_gets_a_mail_for_each_follower(
    article: Article, jane: User, kofi: User, later: Later, settings: Any
) -> None:
    settings.MAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
    settings.INCOMING_EMAIL = "comments@example.net"
    first, second = follow(jane, article), follow(kofi, article)
    make_comment(article, "Fog <b>again</b>.")
    later()
    with receiving(settings) as inbox:
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        notify_followers()
        mail_followers.func()
    by_person = {message["To"]: message for message in inbox.mails}
    assert set(by_person) == {"jane@example.org", "kofi@example.org"}
    message = by_person["jane@example.org"]
    url = re.fullmatch(r"<(.+)>", message["List-Unsubscribe"].strip())
    assert url
    assert url[1] == f"{settings.SITE_URL}/stop-mails/{follow_token(first)}/"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Reply-To"] == f"comments+{follow_token(first)}@example.net"
    assert str(message["From"]) == f"Soundoff <{settings.DEFAULT_FROM_EMAIL}>"
    # The second mail is made from the bytes of the first one.
    for email, own, other in (
        ("jane@example.org", first, second),
        ("kofi@example.org", second, first),
    ):
        source = "\n".join([str(by_person[email].items()), *bodies(by_person[email])])
        for token in (follow_token(own), follower_token(own)):
            assert source.count(str(token)) >= 2  # text and HTML
        for token in (follow_token(other), follower_token(other)):
            assert str(token) not in source
        assert "token-" not in source
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 2
    text, html = bodies(message)
    assert "Fog <b>again</b>." in text
    assert "Fog &lt;b&gt;again&lt;/b&gt;." in html


def bodies(message: EmailMessage) -> list[str]:
    return [part.get_content() for part in message.walk() if not part.is_multipart()]


def test_a_rejected_address_gets_no_further_mails(
    article: Article, jane: User, kofi: User, later: Later, settings: Any
) -> None:
    follow(jane, article)
    follow(kofi, article)
    make_comment(article)
    at = later()
    with receiving(settings) as inbox:
        settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        inbox.refused["jane@example.org"] = "550 5.1.1 No such user"
        notify_followers()
        assert mail_followers.func() == 1
        assert undeliverable.find(["Jane@example.org"]) == {"jane@example.org"}
        assert list(MailFailure.objects.values_list("subject", flat=True)) == ["Updates for a follower"]
        inbox.refused.clear()
        Follow.objects.update(due_at=at, mailed_at=at - timedelta(hours=1))
        mail_followers.func()
    assert [message["To"] for message in inbox.mails] == ["kofi@example.org", "kofi@example.org"]


def test_a_mail_that_fails_is_sent_later(article: Article, jane: User, later: Later, settings: Any) -> None:
    own = follow(jane, article)
    make_comment(article)
    at = later()
    notify_followers()
    with receiving(settings) as inbox:
        settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        inbox.refused["jane@example.org"] = "554 5.7.1 Relay access denied"
        assert mail_followers.func() == 0
        own.refresh_from_db()
        assert (own.failures, own.due_at, own.sending_until) == (1, at + timedelta(minutes=5), None)
        assert mail_followers.func() == 0  # not due yet
        inbox.refused.clear()
        later(10)
        assert mail_followers.func() == 1
    own.refresh_from_db()
    assert (own.failures, own.due_at) == (0, None)


def test_without_a_mail_server_nothing_is_lost(
    article: Article, jane: User, later: Later, settings: Any
) -> None:
    own = follow(jane, article)
    make_comment(article)
    later()
    notify_followers()
    with receiving(settings):
        settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "config.mail_backend.Backend"  # the mail server has stopped
    for failures in range(1, 10):
        Follow.objects.exclude(due_at=None).update(due_at=timezone.now())
        assert mail_followers.func() == 0
        own.refresh_from_db()
        assert own.failures == failures
        assert own.due_at
    Follow.objects.update(due_at=timezone.now())
    assert mail_followers.func() == 0
    own.refresh_from_db()
    assert own.due_at is None  # given up
    assert own.first_unread_at  # the update is still unread on the site


def test_an_interrupted_job_is_continued(article: Article, jane: User, later: Later) -> None:
    own = follow(jane, article)
    make_comment(article)
    at = later()
    notify_followers()
    Follow.objects.update(due_at=None, sending_until=at + timedelta(minutes=5))
    assert send_due() == []
    later(30)
    assert len(send_due()) == 1
    own.refresh_from_db()
    assert own.sending_until is None


def mail_to(follow_of_person: Follow, texts: Texts) -> str:
    """Return the parts of the mail that a job composes, with the texts that it has rendered before."""
    return parts_of(
        read_updates([follow_of_person], since="mailed_at", until=timezone.now(), limit=10), texts
    )


def parts_of(updates: dict[int, FollowUpdates], texts: Texts) -> str:
    mail = compose(list(updates.values()), "person@example.org", read_site(), texts)
    parsed = message_from_bytes(mail.message().as_bytes(), EmailMessage, policy=default)
    return text_of(parsed) + html_of(parsed)


@pytest.fixture
def phone_numbers(article: Article, later: Later) -> list[Comment]:
    """Return two comments by Malika. With one alone, the subject of the mail has the name too."""
    author = UserFactory.create(name="Malika")
    comments = [make_comment(article, f"My phone number is 555 010{n}.", author=author) for n in range(2)]
    later()
    return comments


def test_a_comment_that_is_edited_while_mails_are_sent_is_rendered_again(
    article: Article, jane: User, kofi: User, phone_numbers: list[Comment]
) -> None:
    texts: Texts = {}
    assert "My phone number is 555 0100." in mail_to(follow(jane, article), texts)
    author = phone_numbers[0].author
    edit_comment(comment=phone_numbers[0], body="My phone number is no secret.", user=author, guest=None)
    mail = mail_to(follow(kofi, article), texts)
    assert "My phone number is no secret." in mail
    assert "555 0100" not in mail


def test_a_comment_that_is_redacted_while_mails_are_sent_is_rendered_again(
    article: Article, jane: User, kofi: User, maria: User, phone_numbers: list[Comment]
) -> None:
    texts: Texts = {}
    assert "My phone number is 555 0100." in mail_to(follow(jane, article), texts)
    redact(comment=phone_numbers[0], marked="My phone number is [[555 0100]].", actor=maria)
    mail = mail_to(follow(kofi, article), texts)
    assert "My phone number is ███." in mail
    assert "555 0100" not in mail


def test_a_name_that_is_erased_while_mails_are_sent_is_rendered_again(
    article: Article, jane: User, kofi: User, phone_numbers: list[Comment]
) -> None:
    texts: Texts = {}
    assert "Malika" in mail_to(follow(jane, article), texts)
    account_erasure.start(person=Person(user=phone_numbers[0].author), deletes_comments=False)
    account_erasure.erase.func(AccountErasure.objects.get().pk)
    mail = mail_to(follow(kofi, article), texts)
    assert "Deleted account commented" in mail
    assert "Malika" not in mail


def test_recommendations_that_are_added_while_mails_are_sent_are_in_the_next_mail(
    article: Article, jane: User, later: Later
) -> None:
    own = [make_comment(article, f"It left at {hour}.", author=jane) for hour in ("nine", "ten")]
    follow_of_jane, texts = follow(jane, kind=Follow.Kind.RECOMMENDATIONS), Texts()

    def mail_with(recommendations: int) -> str:
        items = [
            UpdateItem(at, article, one.get_absolute_url(), one, recommended_by=recommendations)
            for one in own
        ]
        return parts_of({follow_of_jane.pk: FollowUpdates(follow_of_jane, items, 0)}, texts)

    at = later()
    assert "1 person recommended your comment" in mail_with(1)
    assert "2 people recommended your comment" in mail_with(2)


@pytest.mark.django_db(transaction=True)
def test_the_next_mail_has_only_new_comments(article: Article, jane: User, later: Later) -> None:
    follow(jane, article)
    make_comment(article, "The first.")
    later()
    (message,) = send_due()
    assert "The first." in message.body
    Follow.objects.update(mailed_at=datetime.now(UTC))  # the clock of the database is not that of `later`
    make_comment(article, "The second.")
    later(5)
    (message,) = send_due()
    assert "The second." in message.body
    assert "The first." not in message.body


def test_the_first_search_finds_nothing_old(article: Article, jane: User) -> None:
    """After an upgrade, nobody gets mails about everything that was ever written."""
    LastUpdateSearch.objects.all().delete()
    follow(jane, article, mailed_at=timezone.now() - timedelta(days=900))
    make_comment(article)
    assert note_updates(timezone.now() + timedelta(minutes=2), ZoneInfo("UTC")) == 0
