"""Notices of editor's picks and recommendations of one's own comments."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import signing
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import guests
from accounts.models import Guest, User
from accounts.services import disable_guest
from articles.models import Article
from comments.following.mails import notify_followers
from comments.following.services import move_to_account, set_own_comments_delivery
from comments.following.tokens import follow_token, follower_token
from comments.following.update_search import note_updates
from comments.following.updates import read_updates
from comments.models import Comment, Follow, Mute, Recommendation, State
from comments.services.recommendations import recommend
from comments.services.states import change_states
from moderation.actions.decisions import undo
from moderation.actions.quick_actions import set_editors_pick
from moderation.erasure import purge
from moderation.people.profiles import Person
from tests.comments.following.conftest import follow, send_due
from tests.comments.following.helpers import since_an_hour
from tests.factories import GuestFactory, UserFactory, make_comment
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db
Later = Callable[..., datetime]


@pytest.fixture
def comment(article: Article, jane: User) -> Comment:
    return make_comment(article, "The slip was *never* closed.", author=jane)


def updates_of(client: Client, person: User) -> str:
    client.force_login(person)
    return client.get("/account/notifications/").content.decode()


def test_a_pick_is_a_notice_on_the_site(
    client: Client, comment: Comment, jane: User, emil: User, later: Later
) -> None:
    set_editors_pick(comment=comment, is_pick=True, actor=emil)
    notify_followers()
    assert not Follow.objects.exists()  # it can still be undone
    later()
    assert send_due() == []
    client.force_login(jane)
    assert '<span class="badge accent">1<span class="sr-only"> new' in client.get("/").content.decode()
    page = updates_of(client, jane)
    assert "Your comment is an editor’s pick" in page
    assert comment.get_absolute_url() in page
    assert "The slip was never closed." in page
    assert emil.name not in page
    shown = dict(re.findall(r'<input type="hidden" name="(until|follows)" value="([^"]+)">', page))
    client.post("/account/notifications/", shown)
    notify_followers()
    assert "Nothing new" in updates_of(client, jane)


@pytest.mark.parametrize("reason", ["removed pick", "undone", "removed comment", "hidden story"])
def test_a_pick_that_does_not_hold_gives_no_notice(
    client: Client, comment: Comment, jane: User, emil: User, later: Later, reason: str
) -> None:
    action = set_editors_pick(comment=comment, is_pick=True, actor=emil)
    assert action
    later()
    notify_followers()
    if reason == "removed pick":
        set_editors_pick(comment=comment, is_pick=False, actor=emil)
    elif reason == "undone":
        undo(action=action, actor=emil)
    elif reason == "removed comment":
        change_states(ids=[comment.pk], to=State.REJECTED, reason="other", actor=None)
    else:
        Article.objects.update(published_at=None)
    assert "Nothing new" in updates_of(client, jane)
    assert not Follow.objects.unread().exists()


def test_editors_who_pick_their_own_comment_get_no_notice(article: Article, emil: User, later: Later) -> None:
    own = make_comment(article, author=emil)
    set_editors_pick(comment=own, is_pick=True, actor=emil)
    later()
    notify_followers()
    assert not Follow.objects.unread().exists()


def test_erased_people_get_nothing(
    article: Article, comment: Comment, jane: User, emil: User, ada: User, later: Later
) -> None:
    guest = GuestFactory.create()
    for person, picked in (
        (Person(user=jane), comment),
        (Person(guest=guest), make_comment(article, guest=guest)),
    ):
        purge.erase_person(person=person, actor=ada)
        set_editors_pick(comment=picked, is_pick=True, actor=emil)
    later()
    notify_followers()
    assert not Follow.objects.exists()


def test_guests_waiting_for_erasure_get_no_notification(article: Article, emil: User, later: Later) -> None:
    """A job erases them later; until then their e-mail is still stored."""
    guest = GuestFactory.create(confirmed_at=timezone.now())
    make_comment(article, guest=guest)
    picked = make_comment(article, "The slip was never closed.", guest=guest)
    follow(guest, article, "comments")
    disable_guest(guest=guest)
    set_editors_pick(comment=picked, is_pick=True, actor=emil)
    make_comment(article, "It closed on Monday.")
    later()
    assert send_due() == []
    assert not Follow.objects.filter(kind="picks").exists()


def test_the_choices_are_stored_together_or_not_at_all(client: Client, comment: Comment, jane: User) -> None:
    follow(jane, kind="recommended", delivery="site")
    client.force_login(jane)
    refuse_writes("comments_follow", "UPDATE")
    with pytest.raises(DatabaseError, match="The disk is full"):
        client.post("/account/following/", {"picks": "at_once", "recommended": "none"})
    assert not Follow.objects.filter(user=jane, kind="picks").exists()


def test_picks_by_mail_and_not_at_all(
    client: Client, article: Article, comment: Comment, jane: User, emil: User, later: Later
) -> None:
    client.force_login(jane)
    page = client.get("/account/following/").content.decode()
    assert re.search(r'<select name="picks".*?<option value="site" selected>', page, re.DOTALL)
    assert re.search(r'<select name="recommended".*?<option value="none" selected>', page, re.DOTALL)
    choice = {"picks": "at_once", "recommended": "none"}
    assert client.post("/account/following/", choice).status_code == 302
    assert list(Follow.objects.values_list("kind", "delivery")) == [("picks", "at_once")]
    set_editors_pick(comment=comment, is_pick=True, actor=emil)
    later()
    (message,) = send_due()
    assert message.to == ["jane@example.org"]
    assert message.subject == "Your comment is an editor’s pick on “The slip closes”"
    assert "“The slip was never closed.”" in message.body
    assert "You asked to be told when your comment becomes an editor’s pick." in message.body
    assert send_due() == []

    client.post("/account/following/", {**choice, "picks": "none"})
    other = make_comment(article, author=jane)
    set_editors_pick(comment=other, is_pick=True, actor=emil)
    later(10)
    assert send_due() == []
    assert not Follow.objects.unread().exists()


def test_recommendations_are_summed_up_and_name_nobody(
    client: Client, comment: Comment, jane: User, later: Later
) -> None:
    readers = [UserFactory.create(name=name) for name in ("Ama", "Ben", "Cem", "Dora", "Eli")]
    guest = GuestFactory.create(name="Fay", confirmed_at=timezone.now())
    set_own_comments_delivery(jane, None, kind="recommended", delivery="daily")
    since_an_hour()
    Mute.objects.create(user=jane, muted_user=readers[3])
    for reader in readers:
        recommend(comment=comment, user=reader, is_given=True)
    recommend(comment=comment, guest=guest, is_given=True)
    recommend(comment=comment, user=readers[4], is_given=False)
    later()
    assert send_due() == []  # the mail is sent once a day
    page = updates_of(client, jane)
    assert "4 people recommended your comment" in page
    # Only whole words are compared: a random token may contain three letters.
    assert not re.search(r"\b(Ama|Ben|Cem|Dora|Eli|Fay)\b", page)
    later(60 * 25)
    (message,) = send_due()
    assert message.subject == "4 people recommended your comment on “The slip closes”"
    recommend(comment=comment, user=readers[0], is_given=False)
    assert "3 people recommended your comment" in updates_of(client, jane)


def test_recommendations_are_counted_as_the_lines_that_are_shown(
    article: Article, comment: Comment, jane: User, later: Later
) -> None:
    ama, ben, cem, dora = (UserFactory.create() for _number in range(4))
    other, start = make_comment(article, author=jane), timezone.now()
    own = follow(jane, kind="recommended", delivery="site")
    Mute.objects.create(user=jane, muted_user=ama)

    def count_after(minutes: int, *given: tuple[User, Comment]) -> int:
        """Let readers recommend at this time, search two minutes later, and return the count."""
        at = start + timedelta(minutes=minutes)
        for user, recommended in given:
            Recommendation.objects.create(user=user, comment=recommended, at=at)
        note_updates(at + timedelta(minutes=2), ZoneInfo("UTC"))
        own.refresh_from_db()
        return own.unread_count

    assert count_after(0, (ama, comment)) == 0  # she muted them
    assert count_after(2, (ben, comment), (cem, comment)) == 1
    assert count_after(4, (dora, comment), (ama, other)) == 1
    assert count_after(6, (ben, other), (cem, other)) == 2
    updates = read_updates([own], since="seen_at", until=start + timedelta(minutes=9), limit=5)
    items = updates[own.pk].items
    assert [(item.comment, item.recommended_by) for item in items] == [(comment, 3), (other, 2)]


def test_recommendations_are_notified_only_on_request(
    comment: Comment, jane: User, kofi: User, later: Later
) -> None:
    recommend(comment=comment, user=kofi, is_given=True)
    later()
    notify_followers()
    assert not Follow.objects.exists()


def test_recommendations_by_muted_people_or_of_removed_comments_give_no_notice(
    comment: Comment, jane: User, kofi: User, later: Later
) -> None:
    own = follow(jane, kind="recommended")
    Mute.objects.create(user=jane, muted_user=kofi)
    recommend(comment=comment, user=kofi, is_given=True)
    later()
    notify_followers()
    own.refresh_from_db()
    assert own.first_unread_at is None
    Mute.objects.all().delete()
    change_states(ids=[comment.pk], to=State.REJECTED, reason="other", actor=None)
    notify_followers()
    own.refresh_from_db()
    assert own.first_unread_at is None


def test_a_guest_chooses_notifications_and_gets_them(
    client: Client, article: Article, emil: User, later: Later
) -> None:
    guest = GuestFactory.create(confirmed_at=timezone.now(), email="ann@example.org")
    client.cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    comment = make_comment(article, "By a guest.", guest=guest)
    client.post("/account/following/", {"picks": "at_once", "recommended": "site"})
    since_an_hour()
    set_editors_pick(comment=comment, is_pick=True, actor=emil)
    recommend(comment=comment, user=emil, is_given=True)
    later()
    (message,) = send_due()
    assert message.to == ["ann@example.org"]
    page = client.get("/account/notifications/").content.decode()
    assert "Your comment is an editor’s pick" in page
    assert "1 person recommended your comment" in page


def test_visitors_cannot_choose_notices(client: Client) -> None:
    assert client.post("/account/following/", {"picks": "site", "recommended": "site"}).status_code == 404
    assert not Follow.objects.exists()


def test_refused_notices_are_not_counted_later(jane: User) -> None:
    follow(jane, kind="picks", delivery="site", first_unread_at=timezone.now(), unread_count=10)
    for delivery in ("none", "site"):
        set_own_comments_delivery(jane, None, kind="picks", delivery=delivery)
    own = Follow.objects.get()
    assert (own.first_unread_at, own.unread_count) == (None, 0)


def test_a_wrong_choice_changes_nothing(client: Client, jane: User) -> None:
    client.force_login(jane)
    assert client.post("/account/following/", {"picks": "always", "recommended": "site"}).status_code == 404
    assert not Follow.objects.exists()


def test_stopped_mails_leave_refused_notices_alone(client: Client, jane: User) -> None:
    picks = follow(jane, kind="picks")
    follow(jane, kind="recommended", delivery="none")
    all_of_jane = f"/stop-mails/{follower_token(picks)}/"
    page = client.get(f"/stop-mails/{follow_token(picks)}/").content.decode()
    assert "Editor’s picks of my comments" in page
    client.post(all_of_jane)
    chosen = dict(Follow.objects.values_list("kind", "delivery"))
    assert chosen == {"picks": "site", "recommended": "none", "decisions": "site"}
    assert "The mails are stopped" in client.get(all_of_jane).content.decode()


def test_a_claim_keeps_the_choice(article: Article, jane: User) -> None:
    guest: Guest = GuestFactory.create()
    make_comment(article, guest=guest)
    make_comment(article, author=jane)
    follow(guest, kind="picks", delivery="none")
    move_to_account([guest.pk], jane)
    assert set(Follow.objects.values_list("user", "guest", "delivery")) == {
        (None, guest.pk, "none"),  # the guest has a comment left
        (jane.pk, None, "none"),
    }


def test_a_notice_reads_no_picks_of_other_people(
    article: Article, comment: Comment, jane: User, emil: User, later: Later
) -> None:
    until = later()
    guest = GuestFactory.create()
    follows = [follow(jane, kind="picks"), follow(guest, kind="picks")]
    own = [comment, make_comment(article, guest=guest)]
    for picked in [*own, make_comment(article), make_comment(article, author=UserFactory.create())]:
        set_editors_pick(comment=picked, is_pick=True, actor=emil)
    with CaptureQueriesContext(connection) as queries:
        updates = read_updates(follows, since="seen_at", until=until + timedelta(minutes=5), limit=5)
    assert [[item.comment for item in updates[one.pk].items] for one in follows] == [[one] for one in own]
    with connection.cursor() as cursor:
        cursor.execute(queries[-1]["sql"])
        assert len(cursor.fetchall()) == 2


def test_notices_take_four_statements(
    comment: Comment, jane: User, kofi: User, emil: User, later: Later
) -> None:
    until = later()
    follows = [follow(jane, kind="picks"), follow(jane, kind="recommended")]
    set_editors_pick(comment=comment, is_pick=True, actor=emil)
    recommend(comment=comment, user=kofi, is_given=True)
    with CaptureQueriesContext(connection) as queries:
        updates = read_updates(follows, since="seen_at", until=until + timedelta(minutes=5), limit=5)
    assert len(queries) == 4  # picks, recommendations, the site and the comments
    assert len(updates) == 2
