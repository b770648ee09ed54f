"""The pages to follow, the list of what one follows, and the link that stops mails."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.core import signing
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import guests, undeliverable
from accounts.models import Guest, User
from articles.models import Article, Topic
from articles.site.cached_pages import make_anonymous
from comments.following import services
from comments.following.mails import notify_followers
from comments.following.tokens import follow_token, follower_token
from comments.models import Discussion, Follow
from tests.comments.following.conftest import follow, send_due
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.clients import client_of_guest

pytestmark = pytest.mark.django_db
Later = Callable[..., datetime]


def follow_labels(client: Client, url: str) -> list[str]:
    """Return the labels of the link to follow, on a page with a message and on one without."""
    pages = [client.get(url).content.decode() for _ in range(2)]
    assert ["messages" in page for page in pages] == [True, False]
    link = re.compile(r'href="follow/" rel="nofollow">.*?</svg>\s*(?:<span class="word">)?(\w+)', re.DOTALL)
    return [label for page in pages for label in link.findall(page)]


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
    assert "Saved. Updates come by e-mail and appear under" in page
    jane_client.post(url, data | {"delivery": "site"})
    page = jane_client.get(article.get_absolute_url()).content.decode()
    assert 'Saved. Updates appear under <a href="/account/notifications/">Notifications</a>.' in page
    jane_client.post(url, data)
    rows = Follow.objects.values_list("user", "kind", "article", "delivery").order_by("kind")
    assert list(rows.all()) == [
        (jane.pk, "comments", article.pk, "daily"),
        (jane.pk, "corrections", article.pk, "daily"),
    ]
    jane_client.post(url, {"discussion": "replies", "delivery": "at_once"})
    assert list(rows.all()) == [(jane.pk, "replies", article.pk, "at_once")]
    assert follow_labels(jane_client, article.get_absolute_url()) == ["Following", "Following"]
    jane_client.post(url, {"discussion": "", "corrections": "on", "delivery": "at_once"})
    assert [kind for _user, kind, *_rest in rows.all()] == ["corrections"]
    assert follow_labels(jane_client, article.get_absolute_url()) == ["Follow", "Follow"]
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
    stopped = jane_client.post(url, {"delivery": "daily"}, follow=True)
    assert "You do not follow this story." in stopped.content.decode()


def test_a_follow_of_a_closed_discussion_stays(jane: User, jane_client: Client, article: Article) -> None:
    follow(jane, article, "comments")
    Discussion.objects.create(article=article, status="closed")
    saved = jane_client.post(f"/stories/{article.slug}/follow/", {"delivery": "daily"}, follow=True)
    assert "You do not follow this story." not in saved.content.decode()
    assert "Saved." in saved.content.decode()
    assert Follow.objects.exists()


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
    assert "You follow “Harbour &amp; &lt;sea&gt;”. Updates come by e-mail and" in page
    assert Follow.objects.get().topic == topic
    jane_client.post("/topics/harbour/follow/", {"delivery": "hourly"})
    assert follow_labels(jane_client, "/topics/harbour/") == ["Following", "Following"]
    page = jane_client.get("/account/following/").content.decode()
    assert "Harbour" in page
    row = Follow.objects.get()
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": "site"})
    assert Follow.objects.get().delivery == "site"
    page = jane_client.post(
        "/account/following/", {"follow": row.pk, "delivery": ""}, follow=True
    ).content.decode()
    assert "Nothing was changed. Choose again." in page
    assert Follow.objects.get().delivery == "site", "without a choice, nothing changes"
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": "stop"})
    assert not Follow.objects.exists()


def test_the_page_to_follow_a_topic_stops_it_too(jane_client: Client, jane: User, kofi: User) -> None:
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    url = "/topics/harbour/follow/"
    assert "Stop following" not in jane_client.get(url).content.decode()
    assert jane_client.post(url, {"delivery": "stop"}).status_code == 422
    jane_client.post(url, {"delivery": "hourly"})
    assert "Stop following" in jane_client.get(url).content.decode()
    jane_client.post(url, {})  # without a choice, nothing changes
    assert Follow.objects.get().delivery == "hourly"
    page = jane_client.post(url, {"delivery": "stop"}, follow=True).content.decode()
    assert "You no longer follow it." in page
    assert not Follow.objects.exists()
    jane_client.post(url, {"delivery": "hourly"})
    jane_client.post(url, {"delivery": "stop"})
    services.follow_topic(kofi, None, topic, delivery="daily")
    assert follow_labels(jane_client, "/topics/harbour/") == ["Follow", "Follow"]


def test_the_follows_of_others_can_not_be_changed(jane_client: Client, article: Article, kofi: User) -> None:
    row = follow(kofi, article)
    jane_client.post("/account/following/", {"follow": row.pk, "delivery": "stop"})
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
    [box] = re.findall(r'<input[^>]*name="follow"[^>]*>', client.get(f"/stories/{article.slug}/reply/").text)
    assert "checked" not in box
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
    assert Follow.objects.get().first_unread_at is None


def new_in_masthead(client: Client, url: str) -> str:
    """Return the number of new updates in the masthead of a page, as text, or "" if there is none."""
    top = client.get(url).text.partition("<header")[2].partition("</header>")[0]
    found = re.search(r'href="/account/notifications/">.*?badge accent">([^<]+)<', top, re.DOTALL)
    return found[1] if found else ""


def test_the_masthead_counts_what_is_new_for_a_guest_and_shows_it_to_nobody_else(
    client: Client, article: Article, later: Later
) -> None:
    guest = GuestFactory.create(confirmed_at=timezone.now())
    guest_client, other = client_of_guest(guest), make_article("Another story")
    follow(guest, article)
    story = other.get_absolute_url()
    assert new_in_masthead(guest_client, "/") == ""
    for n in range(2):
        make_comment(article, f"Something new, {n}.")
    later()
    notify_followers()
    for url in ("/", story, "/search/", "/accounts/login/"):
        assert new_in_masthead(guest_client, url) == "2", url
        assert new_in_masthead(client, url) == "", url  # a stranger, whose page is cached
        assert guest_client.get(url).headers["Cache-Control"].find("public") == -1
    assert new_in_masthead(guest_client, article.get_absolute_url()) == ""  # they read it


def test_the_shell_of_a_story_has_no_count_of_the_member_for_whom_it_was_made(
    client: Client, article: Article, jane: User, later: Later
) -> None:
    guest = GuestFactory.create(confirmed_at=timezone.now())
    follow(guest, article)
    follow(jane, article)
    make_comment(article, "Something new.")
    later()
    notify_followers()
    browser, story = client_of_guest(guest), make_article("Another story").get_absolute_url()
    browser.force_login(jane)  # who wrote as a guest before
    page = browser.get(story).text  # this request makes the shell
    assert "Account of Jane" in page
    assert "1<span class=" in page
    assert new_in_masthead(client, story) == ""
    request = RequestFactory().get(story)
    request.COOKIES |= {name: morsel.value for name, morsel in browser.cookies.items()}
    make_anonymous(request)
    assert guests.guest_id_from_cookie(request) is None


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


def test_the_page_that_stops_mails_is_in_the_language_of_the_mail(
    client: Client, article: Article, jane: User, kofi: User
) -> None:
    User.objects.filter(pk=jane.pk).update(language="ar")
    row = follow(jane, article)
    for token in (follow_token(row), follower_token(row)):
        url = f"/stop-mails/{token}/"
        assert '<html lang="ar" dir="rtl"' in client.get(url).text
    client.force_login(kofi)  # who has chosen none, so reads the site in its own
    assert '<html lang="en"' in client.get(url).text


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


def deliveries(person: User | Guest) -> dict[str, str]:
    """Return how a person is notified, by kind of follow."""
    follows = Follow.objects.filter(**{type(person).__name__.lower(): person})
    return dict(follows.values_list("kind", "delivery"))


@pytest.mark.parametrize("follower", ["jane", "guest"])
def test_all_stopped_mails_are_sent_again_as_before_in_any_browser(
    article: Article, jane: User, follower: str
) -> None:
    guest = GuestFactory.create(email="bo@example.org", confirmed_at=timezone.now())
    person = jane if follower == "jane" else guest
    mine = follow(person, article, "comments", delivery="daily")
    follow(person, article, "corrections", delivery="site")
    url = f"/stop-mails/{follower_token(mine)}/"
    stranger = Client()
    assert "mails are stopped" not in stranger.get(url).text
    stranger.post(url, {"List-Unsubscribe": "One-Click"})
    assert deliveries(person) == {"comments": "site", "corrections": "site", "decisions": "site"}

    page = stranger.get(url).text
    assert f"<bdi>{person.email[0]}…@example.org</bdi>" in page
    assert person.email not in page
    assert re.findall("<li>([^<]+ comments)</li>", page) == ["All new comments", "Decisions on my comments"]
    is_known = follower == "jane"  # a member can log in
    assert ("/account/following/" in page) == ("/account/notifications/" in page) == is_known
    if follower == "guest":
        assert "/account/following/" in client_of_guest(guest).get(url).text
    stranger.post(url)  # once more loses nothing
    answer = stranger.post(url, {"mails": "on"}, follow=True)
    assert "You get these mails again." in answer.text
    assert "Stop all mails about what you follow" in answer.text
    assert deliveries(person) == {"comments": "daily", "corrections": "site", "decisions": "at_once"}


def test_the_link_of_one_follow_sends_its_mails_again_as_before_all_were_stopped(
    client: Client, article: Article, jane: User
) -> None:
    hourly = follow(jane, article, delivery="hourly")
    daily = follow(jane, make_article("Another story"), delivery="daily")
    url = f"/stop-mails/{follow_token(hourly)}/"
    client.post(f"/stop-mails/{follower_token(hourly)}/")
    client.post(url, {"mails": "on"})
    assert Follow.objects.get(pk=hourly.pk).delivery == "hourly"
    assert Follow.objects.get(pk=daily.pk).delivery == "site"
    client.post(url, {"mails": "on"})  # from a page that was open before
    assert Follow.objects.get(pk=hourly.pk).delivery == "hourly"


@pytest.mark.parametrize("delivery", ["at_once", "hourly", "daily"])
def test_the_link_of_one_follow_sends_its_mails_again_as_before_it_was_stopped(
    client: Client, article: Article, jane: User, delivery: str
) -> None:
    row = follow(jane, article, delivery=delivery)
    url = f"/stop-mails/{follow_token(row)}/"
    for _twice in range(2):  # the page that was open before sends it again
        client.post(url)
    services.stop_all_mails(jane.pk, None)
    row.refresh_from_db()
    assert row.delivery_before_stop == ""  # a server of the previous version resumes every follow that has it
    services.resume_all_mails(jane.pk, None)
    assert Follow.objects.get(pk=row.pk).delivery == "site"
    client.post(url, {"mails": "on"})
    row.refresh_from_db()
    assert (row.delivery, row.delivery_before_stop, row.delivery_before_own_stop) == (delivery, "", "")


def test_mails_are_sent_as_before_a_server_of_the_version_before_stopped_all(
    article: Article, jane: User
) -> None:
    row = follow(jane, article, delivery="daily")
    rows = Follow.objects.filter(pk=row.pk)
    services.stop_mails(rows)
    # That server does not know delivery_before_own_stop: the member chose "hourly" there, and stopped all.
    rows.update(delivery="site", delivery_before_stop="hourly")
    services.resume_mails(rows)
    row.refresh_from_db()
    assert (row.delivery, row.delivery_before_stop, row.delivery_before_own_stop) == ("hourly", "", "")


def test_what_was_chosen_after_all_mails_were_stopped_stays(article: Article, jane: User) -> None:
    mine, other = follow(jane, article, "comments"), follow(jane, article, "corrections")
    services.stop_all_mails(jane.pk, None)
    services.set_delivery(Follow.objects.filter(pk=other.pk), "daily")
    services.set_delivery(Follow.objects.filter(pk=other.pk), "site")
    services.set_own_comments_delivery(jane, None, kind="decisions", delivery="site")
    services.resume_all_mails(jane.pk, None)
    assert deliveries(jane) == {"comments": "at_once", "corrections": "site", "decisions": "site"}
    mine.refresh_from_db()
    assert mine.delivery_before_stop == ""


def test_mails_that_are_stopped_again_by_their_own_link_stay_stopped(
    client: Client, article: Article, jane: User
) -> None:
    follow(jane, article, "comments")
    other = follow(jane, article, "corrections")
    services.stop_all_mails(jane.pk, None)
    url = f"/stop-mails/{follow_token(other)}/"
    client.post(url, {"List-Unsubscribe": "One-Click"})
    services.resume_all_mails(jane.pk, None)
    assert deliveries(jane) == {"comments": "at_once", "corrections": "site", "decisions": "at_once"}
    client.post(url, {"mails": "on"})
    assert deliveries(jane)["corrections"] == "at_once"


def test_all_mails_that_a_guest_stopped_are_sent_again_after_a_claim(article: Article, jane: User) -> None:
    guest = GuestFactory.create(confirmed_at=timezone.now())
    follow(guest, article, "comments", delivery="daily")
    services.stop_all_mails(None, guest.pk)
    services.move_to_account([guest.pk], jane)
    assert deliveries(jane) == {"comments": "site", "decisions": "site"}
    services.resume_all_mails(jane.pk, None)
    assert deliveries(jane) == {"comments": "daily", "decisions": "at_once"}


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
    assert not Follow.objects.exists()  # no half of the form is stored


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
