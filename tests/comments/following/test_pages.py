"""The pages to follow, the list of what one follows, and the link that stops mails."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts import guests, undeliverable
from accounts.models import User
from articles.models import Article, Topic
from comments.following import services
from comments.following.mails import notify_followers
from comments.following.tokens import follow_token, follower_token
from comments.models import Discussion, Follow
from tests.comments.following.conftest import follow, send_due
from tests.factories import GuestFactory, make_comment

pytestmark = pytest.mark.django_db
Later = Callable[..., datetime]


def test_a_stranger_is_asked_to_log_in(client: Client, article: Article) -> None:
    url = f"/stories/{article.slug}/follow/"
    response = client.get(url)
    assert response.status_code == 200
    assert f"/accounts/login/?next={url}" in response.content.decode()
    client.post(url, {"discussion": "comments", "delivery": "daily"})
    assert not Follow.objects.exists()


def test_a_member_follows_a_story_and_stops(jane_client: Client, article: Article, jane: User) -> None:
    url = f"/stories/{article.slug}/follow/"
    data = {"discussion": "comments", "corrections": "on", "delivery": "daily"}
    assert jane_client.post(url, data).url == article.get_absolute_url()
    page = jane_client.get(article.get_absolute_url()).content.decode()
    assert 'Saved. Updates appear under <a href="/account/notifications/">Notifications</a>.' in page
    rows = Follow.objects.values_list("user", "kind", "article", "delivery").order_by("kind")
    assert list(rows.all()) == [
        (jane.pk, "comments", article.pk, "daily"),
        (jane.pk, "corrections", article.pk, "daily"),
    ]
    jane_client.post(url, {"discussion": "replies", "delivery": "at_once"})
    assert list(rows.all()) == [(jane.pk, "replies", article.pk, "at_once")]
    jane_client.post(url, {"discussion": "", "delivery": "at_once"})
    assert list(rows.all()) == []


def test_only_the_corrections_of_a_closed_story_can_be_followed(
    jane_client: Client, article: Article
) -> None:
    Discussion.objects.create(article=article, status="closed")
    url = f"/stories/{article.slug}/follow/"
    assert 'name="discussion"' not in jane_client.get(url).content.decode()
    jane_client.post(url, {"discussion": "comments", "corrections": "on", "delivery": "daily"})
    assert list(Follow.objects.values_list("kind", flat=True)) == ["corrections"]


def test_changing_a_deleted_follow_reports_that_it_is_gone(jane_client: Client) -> None:
    page = jane_client.post("/account/following/", {"follow": 1, "delivery": "daily"}, follow=True)
    assert "You no longer follow it." in page.content.decode()


def test_a_wrong_choice_is_refused(jane_client: Client, article: Article) -> None:
    response = jane_client.post(f"/stories/{article.slug}/follow/", {"discussion": "x", "delivery": "daily"})
    assert response.status_code == 422
    assert not Follow.objects.exists()


def test_a_member_follows_a_topic_and_stops(jane_client: Client, jane: User) -> None:
    topic = Topic.objects.create(name="Harbour & <sea>", slug="harbour")
    assert jane_client.post("/topics/harbour/follow/", {"delivery": "hourly"}).url == "/topics/harbour/"
    page = jane_client.get("/topics/harbour/").content.decode()
    assert 'You follow “Harbour &amp; &lt;sea&gt;”. Updates appear under <a href="/account/not' in page
    assert Follow.objects.get().topic == topic
    page = jane_client.get("/account/following/").content.decode()
    assert "Harbour" in page
    row = Follow.objects.get()
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": "site"})
    assert Follow.objects.get().delivery == "site"
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": ""})
    assert not Follow.objects.exists()


def test_the_follows_of_others_can_not_be_changed(jane_client: Client, article: Article, kofi: User) -> None:
    row = follow(kofi, article)
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": ""})
    assert Follow.objects.get().delivery == "at_once"


def test_a_guest_follows_with_the_first_comment(client: Client, article: Article) -> None:
    form = {"body": "Hello.", "name": "Ann", "email": "ann@example.org", "follow": "on"}
    form["nonce"] = "6c1f1f5e-3f7e-4f57-9a87-0d5f4e0e4a01"
    assert client.post(f"/stories/{article.slug}/reply/", form).status_code == 302
    row = Follow.objects.get()
    assert (row.kind, row.delivery, row.guest and row.guest.email) == (
        "replies",
        "at_once",
        "ann@example.org",
    )
    page = client.get(f"/stories/{article.slug}/reply/").content.decode()
    assert 'name="follow"' not in page  # offered once
    assert "confirmed e-mail" in client.get("/account/following/").content.decode()
    page = client.get(article.get_absolute_url()).content.decode()
    own = page.partition('<article id="comment-')[2].partition("</article>")[0]
    assert all(f'<a href="/account/{path}/">' in own for path in ("comments", "notifications"))


def test_commenting_creates_no_follow_by_itself(client: Client, article: Article) -> None:
    form = {"body": "Hello.", "name": "Ann", "email": "ann@example.org"}
    form["nonce"] = "6c1f1f5e-3f7e-4f57-9a87-0d5f4e0e4a02"
    assert 'name="follow"' in client.get(f"/stories/{article.slug}/reply/").content.decode()
    client.post(f"/stories/{article.slug}/reply/", form)
    assert not Follow.objects.exists()


def test_a_guest_sees_their_updates(client: Client, article: Article, later: Later) -> None:
    guest = GuestFactory.create(confirmed_at=timezone.now())
    client.cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    follow(guest, article)
    make_comment(article, "Something new.")
    later()
    notify_followers()
    assert "Something new." in client.get("/account/notifications/").content.decode()
    client.get(article.get_absolute_url())
    assert Follow.objects.get().news_at is None


def test_mails_stop_without_a_log_in(client: Client, article: Article, jane: User) -> None:
    row = follow(jane, article)
    url = f"/stop-mails/{follow_token(row)}/"
    assert "Stop these mails?" in client.get(url).content.decode()
    assert Follow.objects.get().delivery == "at_once"  # a mail scanner opens links too
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(url, {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert Follow.objects.get().delivery == "site"
    page = client.get(url).content.decode()
    assert "The mails are stopped" in page
    assert 'appear under <a href="/account/notifications/">Notifications</a> on this site.' in page
    client.post(url, {"mails": "on"})
    assert Follow.objects.get().delivery == "at_once"


def test_the_link_stops_all_mails_of_the_person(
    client: Client, article: Article, jane: User, kofi: User
) -> None:
    follow(jane, article, "comments")
    mine = follow(jane, article, "corrections")
    follow(kofi, article)
    url = f"/stop-mails/{follower_token(mine)}/"
    client.post(url)
    assert set(Follow.objects.values_list("user", "delivery")) == {(jane.pk, "site"), (kofi.pk, "at_once")}
    assert "/account/following/" in client.get(url).content.decode()
    client.post(url, {"mails": "on"})  # the site does not store which mails were on before
    assert set(Follow.objects.values_list("user", "delivery")) == {(jane.pk, "site"), (kofi.pk, "at_once")}


def test_stopped_mails_stay_stopped_while_one_is_sent(article: Article, jane: User, later: Later) -> None:
    row = follow(jane, article, sending_until=timezone.now())
    services.set_delivery(Follow.objects.all(), "site")
    make_comment(article)
    later(60)
    assert send_due() == []
    row.refresh_from_db()
    assert (row.sending_until, row.due_at) == (None, None)


def test_the_number_of_follows_is_limited_to_the_length_of_the_list(
    jane_client: Client, article: Article, jane: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comments.following.services.MAX_FOLLOWS", 1)
    url = f"/stories/{article.slug}/follow/"
    response = jane_client.post(url, {"discussion": "comments", "corrections": "on", "delivery": "daily"})
    assert response.status_code == 422
    assert "You follow 1 things already." in response.content.decode()


@pytest.mark.parametrize("token", ["f1-00000000000000000000", "x1-1", "f1", "u0-1"])
def test_a_forged_link_is_not_found(client: Client, token: str) -> None:
    assert client.get(f"/stop-mails/{token}/").status_code == 404
    assert client.post(f"/stop-mails/{token}/").status_code == 404


def test_an_undeliverable_address_is_explained(jane_client: Client, jane: User, article: Article) -> None:
    undeliverable.add(jane.email, "550 5.1.1 No such user")
    page = jane_client.get("/account/following/").content.decode()
    assert "550 5.1.1 No such user" in page
    jane_client.post("/account/following/send-again/")
    assert undeliverable.find([jane.email]) == set()


def test_an_unconfirmed_guest_learns_nothing_of_an_address(client: Client, article: Article) -> None:
    guest = GuestFactory.create(email="vera@example.org")
    client.cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    undeliverable.add("vera@example.org", "550 5.1.1 No such user")
    assert "No such user" not in client.get("/account/following/").content.decode()
    client.post("/account/following/send-again/")
    assert undeliverable.find(["vera@example.org"]) == {"vera@example.org"}
