"""The link of a mailed notice, which a guest can open in any browser."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.guests import COOKIE
from comments.models import Reason, State
from comments.services.claims import claim_comments
from comments.services.states import change_states
from moderation.notifications.notices import decision_url
from moderation.tasks import notify_authors
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.moderation.notifications.helpers import decided

pytestmark = pytest.mark.django_db


def test_a_guest_opens_the_mailed_link_in_any_browser(client, maria):
    guest = GuestFactory.create(confirmed_at=timezone.now(), email="g@example.org")
    comment = make_comment(make_article(), guest=guest)
    act = decided(comment, State.REJECTED, "insult", maria)
    notify_authors.func(str(act.pk))
    url = re.search(r"http\S+/decision/\S+", mail.outbox[-1].body)
    assert url
    path = "/" + url[0].split("/", 3)[3]
    page = client.get(path).content.decode()
    assert "Removed by a moderator: insult." in page
    assert client.post(path, {"text": "Please."}).status_code == 302
    assert "You have appealed this decision." in client.get(path).content.decode()
    other = make_comment(make_article(), guest=GuestFactory.create())
    assert client.get(f"/comments/{other.pk}/decision/?{path.partition('?')[2]}").status_code == 404
    assert client.get(f"/comments/{comment.pk}/decision/?key=forged").status_code == 404
    assert client.get(f"/comments/{comment.pk}/decision/").status_code == 302
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("page", ["decision", "resubmit"])
def test_the_link_of_a_claimed_comment_leads_to_the_log_in(client, maria, page):
    user = confirm_email(UserFactory.create(email="g@example.org"))
    comment = make_comment(make_article(), guest=GuestFactory.create(email="g@example.org"))
    decided(comment, State.REJECTED, "insult", maria)
    path = "/" + decision_url(comment).split("/", 3)[3].replace("/decision/", f"/{page}/")
    claim_comments(user=user, ids=[comment.pk])
    where = f"/comments/{comment.pk}/{page}/"
    assert client.get(path).headers["Location"] == f"/accounts/login/?next={where}"
    sent = client.post(where, {"text": "It was calm."}, headers={"origin": "http://testserver"})
    assert "Not saved: you are logged out" in sent.text
    assert 'name="text" value="It was calm."' in sent.text
    client.force_login(user)
    assert client.get(where).status_code == 200
    change_states(ids=[comment.pk], to=State.DELETED, reason=Reason.AUTHOR, actor=user)
    assert client.get(path).status_code == Client().get(path).status_code == 404


def test_a_mailed_link_does_not_offer_the_edit_page(client, maria):
    guest = GuestFactory.create(confirmed_at=timezone.now())
    comment = make_comment(make_article(), guest=guest)
    comment.refresh_from_db()
    page = client.get("/" + decision_url(comment).split("/", 3)[3]).content.decode()
    assert f"/comments/{comment.pk}/edit/" not in page
    assert f"/comments/{comment.pk}/resubmit/?key=" in page
