"""Pages for refused requests and forms (a wrong CSRF token), and for mailed links that do not work."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import sign_up
from accounts.guests import make_confirmation_token
from archive.personal_data import erasure_links
from articles.models import Site, Subscriber, Subscription
from articles.newsletter import subscriptions
from moderation.notifications.notices import decision_url
from moderation.people.profiles import Person
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

DAMAGED_LINKS = {
    "/accounts/sign-up/x/": "/accounts/signup/",
    "/accounts/password/reset/key/x/": "/accounts/password/reset/",
    "/accounts/password/reset/key/x_-y/": "/accounts/password/reset/",
    "/accounts/password/reset/key/x-y/": "/accounts/password/reset/",
    "/accounts/confirm-email/x/": "/accounts/email/",
    "/guests/confirm/x/": "/",
    "/newsletter/confirm/x/": "/newsletter/",
    "/newsletter/mails/x/": "/newsletter/",
    "/stop-mails/x/": "/account/following/",
    "/account/data/erase/x/": "/account/data/",
    "/removal-request/x/": "/removal-request/",
    "/removal-request/00000000-0000-4000-8000-000000000000/": "/removal-request/",
    "/report-illegal/x/": "/report-illegal/",
    "/report-illegal/00000000-0000-4000-8000-000000000000/": "/report-illegal/",
    "/comments/1/decision/?key=x": "/account/comments/",
    "/comments/1/resubmit/?key=x": "/account/comments/",
    "/setup/x/": "/",
}


def test_a_form_with_a_wrong_token_is_refused_on_a_page_of_this_site():
    Site.objects.update(name="The Harbour Post", accent="#7a1f3d")
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ida"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "<title>Not sent · The Harbour Post</title>" in " ".join(page.split())
    assert "/accent-7a1f3d.css" in page
    assert '<meta name="robots" content="noindex">' in page
    assert "This form was not sent" in page


def test_a_request_for_another_host_is_refused_on_a_page_that_leads_to_the_site(client: Client):
    answer = client.get("/", headers={"Host": "other.example"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "<h1>This request was refused</h1>" in page
    assert "This is not the address of the site." in page
    assert f'<a href="{settings.SITE_URL}/">' in page
    assert '<meta name="robots" content="noindex">' in page


def test_a_refused_request_is_answered_in_the_sites_language(client: Client):
    Site.objects.update(language="ar")
    page = client.get("/", headers={"Host": "other.example"}).content.decode()
    assert '<html lang="ar" dir="rtl">' in page


@pytest.mark.parametrize(
    ("name", "limit", "explanation"),
    [
        ("DATA_UPLOAD_MAX_MEMORY_SIZE", 1, "You sent more text than the site can take at once."),
        ("DATA_UPLOAD_MAX_NUMBER_FIELDS", 1, "The site could not read what your browser sent."),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_with_the_reason(
    client: Client, settings: Any, name: str, limit: int, explanation: str
):
    setattr(settings, name, limit)
    data = "login=ida&password=x"
    answer = client.post("/accounts/login/", data, content_type="application/x-www-form-urlencoded")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert explanation in page
    assert '<a href="/">' in page


@pytest.mark.parametrize(("path", "url"), DAMAGED_LINKS.items())
def test_a_damaged_link_says_where_to_get_a_new_one(client: Client, path: str, url: str):
    answer = client.get(path)
    page = answer.content.decode().partition("<main")[2]
    assert answer.status_code == 404
    assert "This link no longer works" in page
    assert f'<a class="btn" href="{url}">' in page


def test_an_expired_link_says_where_to_get_a_new_one(client: Client, time_machine: Any):
    ruth = UserFactory.create()
    added = EmailAddress.objects.create(user=ruth, email="other@example.org", verified=False)
    pending = sign_up.create(name="Ida", email="ida@example.org", password="nine-quiet-otters")
    guest = GuestFactory.create(confirmed_at=timezone.now())
    comment = make_comment(make_article(), guest=guest)
    subscriber = Subscriber.objects.create(email="ida@example.org")
    subscription = Subscription.objects.create(subscriber=subscriber)
    key = f"{user_pk_to_url_str(ruth)}-{default_token_generator.make_token(ruth)}"
    erasure = erasure_links.make_token(Person(guest=guest), deletes_comments=False)
    links = {
        reverse("sign-up-confirm", args=[sign_up.make_token(pending)]): "/accounts/signup/",
        f"/accounts/password/reset/key/{key}/": "/accounts/password/reset/",
        reverse("account_confirm_email", args=[EmailConfirmationHMAC(added).key]): "/accounts/email/",
        reverse("guest-confirm", args=[make_confirmation_token(guest)]): "/",
        reverse(
            "newsletter-confirm", args=[subscriptions.make_confirmation_token(subscription)]
        ): "/newsletter/",
        reverse("erase-account-confirm", args=[erasure]): "/account/data/",
        decision_url(comment).removeprefix(settings.SITE_URL): "/account/comments/",
    }
    assert {client.get(link, follow=True).status_code for link in links} == {200}
    time_machine.move_to(timezone.now() + timedelta(days=400))
    for link, url in links.items():
        answer = client.get(link)
        assert answer.status_code == 404, link
        assert f'<a class="btn" href="{url}">' in answer.content.decode().partition("<main")[2]
