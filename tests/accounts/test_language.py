"""The language that a member chooses: of their pages, and of the mails that they get."""

import re
from datetime import datetime

import pytest
from django.core import mail
from django.test import Client

from accounts.models import MODERATOR, User
from articles.models import Article, Site
from comments.models import Reason, State
from moderation.actions.decisions import decide
from moderation.tasks import notify_authors
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL = "/account/language/"


@pytest.fixture
def member() -> User:
    return confirm_email(UserFactory.create(name="Mona", email="mona@example.org", password="long enough"))


@pytest.fixture
def arabic_member(member: User) -> User:
    member.language = "ar"
    member.save()
    return member


@pytest.fixture
def article() -> Article:
    return make_article("The slip closes")


def direction_of(client: Client, url: str) -> str:
    page = client.get(url).content.decode()
    return (
        "rtl" if '<html lang="ar" dir="rtl"' in page else "ltr" if '<html lang="en" dir="ltr"' in page else ""
    )


def test_a_chosen_language_applies_to_all_pages_of_the_member_only(member: User, article: Article) -> None:
    client, other = client_of(member), client_of(UserFactory.create())
    assert client.get(URL).content.decode().count("<option") == 3

    response = client.post(URL, {"language": "ar"}, follow=True)

    assert response.redirect_chain == [(URL, 302)]
    assert "حُفظت لغتك." in response.content.decode()
    for url in ("/", article.get_absolute_url(), "/search/?q=slip", "/no-such-page/"):
        for _ in range(2):  # first rendered, then from the cache
            assert direction_of(client, url) == "rtl", url
            assert direction_of(other, url) == direction_of(Client(), url) == "ltr", url

    response = client.post(URL, {"language": ""}, follow=True)
    assert "Your language is saved." in response.content.decode()
    assert direction_of(client, article.get_absolute_url()) == "ltr"


def test_a_member_can_choose_english_on_an_arabic_site(member: User, article: Article) -> None:
    Site.objects.update(language="ar")
    client = client_of(member)
    assert "لغة الموقع (العربية)" in client.get(URL).content.decode()
    client.post(URL, {"language": "en"})
    for url in ("/", article.get_absolute_url()):
        assert direction_of(client, url) == "ltr"
        assert direction_of(Client(), url) == "rtl"


def test_an_unknown_language_is_refused(member: User) -> None:
    response = client_of(member).post(URL, {"language": "xx"})
    assert response.status_code == 422
    assert User.objects.get(pk=member.pk).language == ""


def test_visitors_are_redirected_to_the_log_in() -> None:
    assert Client().get(URL)["Location"].startswith("/accounts/login/")


def test_mails_about_decisions_are_in_the_language_of_each_author(
    arabic_member: User, article: Article
) -> None:
    moderator = UserFactory.create(name="Mo", roles=(MODERATOR,))
    english = confirm_email(UserFactory.create(name="Kofi", email="kofi@example.org"))
    comments = [make_comment(article, author=user) for user in (arabic_member, english)]
    result = decide(
        ids=[comment.pk for comment in comments], to=State.REJECTED, reason=Reason.INSULT, actor=moderator
    )
    mail.outbox.clear()
    assert notify_authors.func(str(result.action.pk)) == 2
    sent = {message.to[0]: message for message in mail.outbox}
    assert sent["kofi@example.org"].subject == "Your comment was removed"
    message = sent["mona@example.org"]
    assert message.subject == "أُزيل تعليقك"
    assert "أزاله مشرف: إساءة." in message.body
    html = message.alternatives[0][0]  # type: ignore[attr-defined]
    assert '<html lang="ar" dir="rtl">' in html


def test_a_guest_gets_mails_in_the_language_of_the_site(article: Article) -> None:
    Site.objects.update(language="ar")
    moderator = UserFactory.create(name="Mo", roles=(MODERATOR,))
    guest = GuestFactory.create(confirmed_at=datetime.now().astimezone())
    comment = make_comment(article, guest=guest)
    result = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=moderator)
    mail.outbox.clear()
    notify_authors.func(str(result.action.pk))
    assert [message.subject for message in mail.outbox] == ["أُزيل تعليقك"]


def test_messages_after_a_log_in_and_a_log_out_are_in_the_language_of_the_page(arabic_member: User) -> None:
    client, password = Client(), "long enough"

    def message_after(url: str, data: dict[str, str]) -> str:
        page = client.post(url, data, follow=True).content.decode()
        (message,) = re.findall(r'<p class="alert alert-success">(.*?)</p>', page)
        return str(message)

    def log_in() -> str:
        return message_after("/accounts/login/", {"login": arabic_member.email, "password": password})

    assert log_in() == "سجّلت الدخول باسم Mona."
    assert message_after("/accounts/logout/", {}) == "You are logged out."
    log_in()
    assert message_after("/account/devices/", {}) == "You are logged out on all devices."
    log_in()
    erased = message_after("/account/data/erase/", {"comments": "delete", "password": password})
    assert erased.startswith("Your account is erased.")


def test_the_message_after_the_log_in_of_staff_is_in_english_as_their_pages(arabic_member: User) -> None:
    arabic_member.set_roles(["Moderator"], actor=None)
    data = {"login": arabic_member.email, "password": "long enough"}
    page = Client().post("/accounts/login/", data, follow=True).content.decode()
    assert '<html lang="en"' in page
    assert "You are logged in as Mona." in page


@pytest.mark.usefixtures("jobs_run_at_once")
def test_mails_about_the_account_are_in_its_language(arabic_member: User) -> None:
    Client().post("/accounts/password/reset/", {"email": arabic_member.email})
    (message,) = mail.outbox
    assert message.subject == "اختيار كلمة مرور جديدة في Soundoff"
