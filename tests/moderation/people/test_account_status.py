"""The account status, and what paused and banned people read when they post."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Guest
from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide, undo
from moderation.models import (
    Action,
    Sanction,
)
from moderation.people import sanctions
from moderation.people.profiles import Person
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.clients import client_of, client_of_guest, client_with_role

pytestmark = pytest.mark.django_db


def test_account_status_of_an_unknown_visitor():
    assert "You are not logged in" in Client().get("/account/status/").content.decode()


def test_account_status_shows_a_sanction_that_can_be_appealed_once(maria, reader):
    comment = make_comment(make_article(), "Removed words", author=reader)
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    client = client_of(reader)
    text = client.get("/account/status/").content.decode()
    assert "Your account is in good standing" in text
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", actor=maria)
    made = Sanction.objects.get()
    assert (
        "You are banned from commenting. Reason: insult." in client.get("/account/status/").content.decode()
    )
    for _time in range(2):  # a double click
        appeal = {"sanction": made.pk, "text": "It was a joke."}
        assert client.post("/account/status/", appeal).status_code == 302
    second_appeal = client.post("/account/status/", {"sanction": made.pk, "text": "Again."})
    assert second_appeal.status_code == 422
    assert "You have appealed this decision already." in second_appeal.text
    assert "Your text, which was not sent" in second_appeal.text
    assert "Again.</textarea>" in second_appeal.text
    assert 'value="Appeal this decision"' not in second_appeal.text
    assert Sanction.objects.get().appeal_text == "It was a joke."
    maria_client = client_of(maria)
    second = "/moderation/?queue=second"
    assert re.search(r"<span>Appeals</span>\s*<b>1</b>", maria_client.get("/moderation/").content.decode())
    open_appeals = "1 appeal against a sanction is waiting."
    assert open_appeals in maria_client.get(second).text  # she is alone
    assert "It was a joke." in maria_client.get("/moderation/people/").content.decode()
    omar = client_with_role("Moderator")
    assert open_appeals in omar.get(second).text
    assert (
        "appeal against a sanction" not in maria_client.get(second).content.decode()
    )  # the same as for a comment that she removed
    keeps, profile = f"/moderation/sanctions/{made.pk}/uphold/", f"/moderation/people/u{reader.pk}/"
    assert keeps not in maria_client.get(profile).content.decode()
    assert "another moderator answers this" in maria_client.post(keeps, follow=True).content.decode()
    assert keeps in omar.get(profile).content.decode()
    editor = client_with_role("Editor")
    assert "It was a joke." not in editor.get("/moderation/people/").content.decode()
    assert "appeal against a sanction" not in editor.get(second).content.decode()
    omar.post(keeps)
    assert re.search(r"<span>Appeals</span>\s*<b>0</b>", omar.get("/moderation/").content.decode())
    assert "upheld the decision" in client.get("/account/status/").content.decode()
    assert "It was a joke." not in maria_client.get("/moderation/people/").content.decode()


def test_account_status_shows_the_answer_when_an_appealed_sanction_is_ended(maria, reader):
    client = client_of(reader)
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", actor=maria)
    made = Sanction.objects.get()
    client.post("/account/status/", {"sanction": made.pk, "text": "It was a joke."})
    client_of(maria).post(f"/moderation/sanctions/{made.pk}/end/")
    text = client.get("/account/status/").text
    assert "You are banned from commenting. Reason: insult." in text
    answer = "You appealed this decision. A moderator reviewed your appeal and ended the decision."
    assert answer in text
    assert "Your account is in good standing" in text
    assert 'name="sanction"' not in text
    undo(action=Action.objects.latest("at"), actor=maria)
    text = client.get("/account/status/").text
    assert answer not in text
    assert "You will see the answer here." in text
    Sanction.objects.update(until=timezone.now() - timedelta(hours=1))
    assert "It expired before a moderator answered." in client.get("/account/status/").text
    Sanction.objects.update(until=timezone.now() - timedelta(days=91))
    assert "It expired before a moderator answered." not in client.get("/account/status/").text


@pytest.mark.parametrize("text", ["It was a joke.", ""])
def test_an_appeal_against_a_sanction_that_has_ended_comes_back(maria, reader, text):
    client = client_of(reader)
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", actor=maria)
    made = Sanction.objects.get()
    sanctions.end(sanction=made, actor=maria)
    refused = client.post("/account/status/", {"sanction": made.pk, "text": text})
    assert refused.status_code == 422
    assert "This decision no longer applies." in refused.text
    assert f"{text}</textarea>" in refused.text
    assert "You are banned" not in refused.text
    assert Sanction.objects.get().appealed_at is None


def test_an_appeal_after_the_session_has_ended_comes_back(maria, reader):
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", actor=maria)
    sent = {"sanction": Sanction.objects.get().pk, "text": "It was a joke."}
    earlier_guest = client_of_guest(GuestFactory.create())  # the member was one in this browser before
    for client in (Client(), earlier_guest):
        refused = client.post("/account/status/", sent, headers={"origin": "http://testserver"})
        assert refused.status_code == 403
        assert 'name="text" value="It was a joke."' in refused.text


def test_a_guest_sees_only_their_own_account_status(maria):
    guest, other = GuestFactory.create(name="Jo"), GuestFactory.create()
    for one in (guest, other):
        sanctions.impose(person=Person(guest=one), kind="ban", reason="insult", actor=maria)
    text = client_of_guest(guest).get("/account/status/").content.decode()
    assert text.count("You are banned") == 1
    theirs = Sanction.objects.get(guest=other)
    sent = {"sanction": theirs.pk, "text": "x"}
    assert client_of_guest(guest).post("/account/status/", sent).status_code == 403
    theirs.refresh_from_db()
    assert theirs.appealed_at is None


def test_a_stranger_with_a_banned_e_mail_is_refused_without_the_reason(maria):
    banned = GuestFactory.create(email="ada@example.org", confirmed_at=timezone.now())
    sanctions.impose(person=Person(guest=banned), kind="ban", reason="insult", actor=maria)
    text = (
        client_of_guest(GuestFactory.create(email="Ada@example.org")).get("/account/status/").content.decode()
    )
    assert "Comments with this e-mail are not accepted" in text
    for untold in ("Your account is in good standing", "insult", "banned"):
        assert untold not in text


def test_the_reply_form_keeps_the_text_and_says_why(maria, reader):
    article, client = make_article(), client_of(reader)
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", actor=maria)
    path = f"/stories/{article.slug}/reply/"
    form = client.get(path)
    assert "You are banned from commenting. Reason: insult." in form.content.decode()
    nonce = form.context["form"].initial["nonce"]
    answer = client.post(path, {"body": "What I typed", "nonce": nonce})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert text.count("You are banned from commenting") == 1
    assert "What I typed" in text
    assert '<a href="/account/status/"' in text
    assert not Comment.objects.exists()


def test_a_banned_guests_browser_is_known_under_another_name_and_keeps_no_new_guest(maria):
    article, guest = make_article(), GuestFactory.create()
    sanctions.impose(person=Person(guest=guest), kind="ban", reason="insult", actor=maria)
    client, path = client_of_guest(guest), f"/stories/{article.slug}/reply/"
    nonce = client.get(path).context["form"].initial["nonce"]
    sent = {"body": "Me again", "nonce": nonce, "name": "Somebody else", "email": "else@example.org"}
    assert client.post(path, sent).status_code == 422
    assert list(Guest.objects.all()) == [guest]
