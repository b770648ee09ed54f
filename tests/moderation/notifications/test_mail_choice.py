"""Mails about decisions on one's own comments: sent unless their author chose to get none."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from comments.following import decision_recipients
from comments.following.services import move_to_account
from comments.following.tokens import follower_token
from comments.models import Comment, Follow, Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.erasure import purge
from moderation.people.profiles import Person
from moderation.tasks import notify_authors, notify_not_published
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.clients import client_of_guest
from tests.helpers.servers.smtp import receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture(params=["member", "guest"])
def author(request):
    if request.param == "guest":
        return GuestFactory.create(email="jane@example.org", confirmed_at=timezone.now())
    return confirm_email(UserFactory.create(email="jane@example.org"))


@pytest.fixture
def inbox(settings):
    with receiving(settings) as inbox:
        yield inbox


def waiting_comment(author) -> Comment:
    key = "author" if isinstance(author, User) else "guest"
    comment = make_comment(make_article(), "The slip was closed.", **{key: author})
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    return comment


def approve(comment: Comment, maria: User) -> int:
    """Approve a comment, and return the number of mails to its author."""
    done = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    return notify_authors.func(str(done.action.pk))


def client_of(author) -> Client:
    if not isinstance(author, User):
        return client_of_guest(author)
    client = Client()
    client.force_login(author)
    return client


def test_the_mails_stop_by_their_header_and_start_again(author, maria, inbox, settings):
    assert approve(waiting_comment(author), maria) == 1
    (message,) = inbox.mails
    found = re.fullmatch(
        rf"<{re.escape(settings.SITE_URL)}(/stop-mails/.+/)>", message["List-Unsubscribe"].strip()
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for part in ("plain", "html"):
        text = message.get_body((part,)).get_content()
        assert "Stop mails about decisions on your comments:" in text
        assert found[1] in text
    assert (
        Client(enforce_csrf_checks=True).post(found[1], {"List-Unsubscribe": "One-Click"}).status_code == 200
    )

    comment = waiting_comment(author)
    assert notify_not_published.func(comment.pk) == 0
    assert approve(comment, maria) == 0
    assert len(inbox.mails) == 1
    assert comment.get_absolute_url() in client_of(author).get("/account/comments/").text

    page = Client().get(found[1]).text
    assert "The mails are stopped" in page
    assert 'Decisions still appear under <a href="/account/comments/">My comments</a> on this site.' in page
    Client().post(found[1], {"mails": "on"})
    assert approve(waiting_comment(author), maria) == 1


def test_mails_about_decisions_are_chosen_on_the_page_of_follows(author, maria, inbox):
    client = client_of(author)
    page = client.get("/account/following/").text
    select = re.search(r'<select name="decisions".*?</select>', page, re.DOTALL)[0]
    assert re.findall(r'value="(\w+)"( selected)?', select) == [("at_once", " selected"), ("site", "")]
    others = {"picks": "site", "recommended": "none"}
    assert client.post("/account/following/", others | {"decisions": "hourly"}).status_code == 404
    assert client.post("/account/following/", others | {"decisions": "site"}).status_code == 302
    assert approve(waiting_comment(author), maria) == 0
    client.post("/account/following/", others | {"decisions": "at_once"})
    assert approve(waiting_comment(author), maria) == 1


@pytest.mark.parametrize("delivery", ["at_once", "site", None])
def test_stopping_all_mails_stops_mails_about_decisions(author, maria, inbox, delivery):
    key = "user" if isinstance(author, User) else "guest"
    follow = Follow(**{key: author}, article=make_article(), kind="replies", delivery=delivery or "at_once")
    if delivery:
        follow.save()
    link = f"/stop-mails/{follower_token(follow)}/"
    assert "Stop all mails about what you follow and about your comments?" in Client().get(link).text
    Client().post(link, {"List-Unsubscribe": "One-Click"})
    assert approve(waiting_comment(author), maria) == 0
    assert "The mails are stopped" in Client().get(link).text


def test_two_guests_with_one_email_get_one_mail_and_stop_it_together(maria, inbox, settings):
    guests = [
        GuestFactory.create(email=email, confirmed_at=timezone.now())
        for email in ("jane@example.org", "Jane@example.org")
    ]
    comments = [waiting_comment(guest) for guest in guests]
    done = decide(
        ids=[comment.pk for comment in comments], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria
    )
    assert notify_authors.func(str(done.action.pk)) == 1
    (message,) = inbox.mails
    stranger = GuestFactory.create(email="jane@example.org", confirmed_at=None)  # anybody may type it
    client_of(stranger).post("/account/following/", {"decisions": "site"})
    assert approve(waiting_comment(guests[0]), maria) == 1
    Client().post(message["List-Unsubscribe"].strip()[1:-1].removeprefix(settings.SITE_URL))
    assert [approve(waiting_comment(guest), maria) for guest in guests] == [0, 0]
    third = GuestFactory.create(email="jane@example.org", confirmed_at=timezone.now())  # has no row yet
    page = client_of(third).get("/account/following/").text
    assert re.search(r'<select name="decisions".*?<option value="site" selected>', page, re.DOTALL)
    client_of(third).post("/account/following/", {"decisions": "at_once"})
    assert [approve(waiting_comment(guest), maria) for guest in guests] == [1, 1]


def test_people_who_were_erased_meanwhile_get_no_row(author, maria, ada):
    comment = waiting_comment(author)
    done = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    is_member, pk = isinstance(author, User), author.pk
    purge.erase_person(person=Person(user=author) if is_member else Person(guest=author), actor=ada)
    decision_recipients.find_recipients([pk] if is_member else [], [] if is_member else [pk])
    assert notify_authors.func(str(done.action.pk)) == 0
    assert not Follow.objects.exists()


def test_mails_that_a_guest_stopped_stay_stopped_after_a_claim():
    guest = GuestFactory.create(confirmed_at=timezone.now())
    member = confirm_email(UserFactory.create())
    decision_recipients.find_recipients([member.pk], [])
    decision_recipients.set_delivery(None, guest.pk, "site")
    move_to_account([guest.pk], member)
    assert decision_recipients.are_stopped(member.pk, None)


def test_the_form_of_a_followed_story_does_not_change_the_choice(author):
    key = "user" if isinstance(author, User) else "guest"
    row = Follow.objects.create(**{key: author}, kind="decisions", delivery="at_once")
    client_of(author).post("/account/following/", {"follow": row.pk, "delivery": "hourly"})
    row.refresh_from_db()
    assert row.delivery == "at_once"


def test_one_mail_has_the_decisions_on_several_comments_of_each_author(author, maria, inbox):
    other = confirm_email(UserFactory.create(email="kofi@example.org"))
    comments = [waiting_comment(person) for person in (author, author, other)]
    done = decide(
        ids=[comment.pk for comment in comments], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria
    )
    assert notify_authors.func(str(done.action.pk)) == 2
    assert sorted(message["To"] for message in inbox.mails) == ["jane@example.org", "kofi@example.org"]
    links = {message["List-Unsubscribe"] for message in inbox.mails}
    assert len(links) == 2
