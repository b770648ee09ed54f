"""Second factors: authenticator apps and recovery codes, their throttling, and staff who need one."""

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.contrib import admin
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, READER, FailedLoginCount, SecondFactorRemoval, User
from accounts.services import erase_account
from articles.models import Article, Site
from comments.models import Discussion
from comments.services.discussions import change_discussion
from tests.accounts.authentication.conftest import PASSWORD
from tests.articles.images.sample_images import make_image
from tests.factories import make_article, make_comment
from tests.helpers.clients import client_of, is_logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_run_at_once")]


@pytest.fixture(autouse=True)
def clock(time_machine: Any) -> Any:
    """Stop the clock, since a code is valid for half a minute."""
    time_machine.move_to(timezone.now(), tick=False)
    return time_machine


def code_of(secret: str) -> str:
    """Return the code that an app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def confirmed_client(user: User) -> Client:
    """Return a client of a user who has just entered the password again."""
    client = client_of(user)
    confirm(client)
    return client


def confirm(client: Client, password: str = PASSWORD) -> None:
    """Enter the password again."""
    assert client.post("/accounts/reauthenticate/", {"password": password}).status_code == 302


def client_with_code(user: User, secret: str) -> Client:
    """Return a client of a user who has just entered a code again."""
    client = client_of(user)
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)}).status_code == 302
    return client


def set_up_app(client: Client, callbacks: Any) -> str:
    """Set up an authenticator app, and return its secret."""
    page = client.get("/accounts/2fa/totp/activate/")
    secret = str(page.context["form"].secret)
    with callbacks(execute=True):
        answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    return secret


@pytest.fixture
def secret(ruth: User, django_capture_on_commit_callbacks: Any, clock: Any) -> str:
    """Give Ruth an authenticator app, and return its secret. The code of the set-up is over."""
    found = set_up_app(confirmed_client(ruth), django_capture_on_commit_callbacks)
    clock.move_to(timezone.now() + timedelta(seconds=60), tick=False)
    return found


def enter_password(client: Client) -> Any:
    return client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD})


def enter_code(client: Client, code: str) -> Any:
    return client.post("/accounts/2fa/authenticate/", {"code": code})


def recovery_codes(user: User) -> list[str]:
    found = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    return list(found.wrap().get_unused_codes())


def test_setting_up_an_app_asks_for_the_password_and_shows_a_qr_code_and_recovery_codes(
    ruth: User, django_capture_on_commit_callbacks: Any
) -> None:
    Site.objects.update(name="The Slip")
    client = client_of(ruth)
    response = client.get("/accounts/2fa/totp/activate/")
    assert response["Location"].startswith("/accounts/reauthenticate/?next=")
    client = confirmed_client(ruth)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    assert "<svg" in page
    assert "otpauth://totp/ruth%40example.org?secret=" in page
    assert "issuer=The%20Slip" in page
    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert "This code is wrong" in wrong.content.decode()
    set_up_app(client, django_capture_on_commit_callbacks)
    assert [message.to for message in mail.outbox] == [["ruth@example.org"]]
    assert "An authenticator app was added to your account at The Slip." in mail.outbox[0].body
    codes = re.findall(r"<code>(\d{8})</code>", client.get("/accounts/2fa/recovery-codes/").content.decode())
    assert codes == recovery_codes(ruth)
    assert len(codes) == 10
    assert client.get("/accounts/2fa/recovery-codes/download/").content.decode().split() == codes
    page = client.get("/accounts/2fa/").content.decode()
    assert "Your authenticator app is set up." in page
    assert "10 codes are left." in page


def test_the_key_for_the_app_stays_until_it_is_set_up(
    ruth: User, django_capture_on_commit_callbacks: Any
) -> None:
    """A phone may load the page again when one comes back from the app. A second tab shows the same key."""
    client = confirmed_client(ruth)
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert set_up_app(client, django_capture_on_commit_callbacks) == secret
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert client.get("/accounts/2fa/totp/activate/").context["form"].secret != secret
    assert confirmed_client(ruth).get("/accounts/2fa/totp/activate/").context["form"].secret != secret


def test_the_key_for_the_app_is_another_after_a_quarter_of_an_hour_or_with_a_new_password(
    ruth: User, clock: Any
) -> None:
    client = confirmed_client(ruth)

    def shown() -> str:
        return str(client.get("/accounts/2fa/totp/activate/").context["form"].secret)

    first = shown()
    clock.shift(timedelta(minutes=10))
    confirm(client)
    assert shown() == first
    clock.shift(timedelta(minutes=5))
    confirm(client)
    late = client.post("/accounts/2fa/totp/activate/", {"code": code_of(first)})
    assert late.context["form"].errors["code"]
    second = shown()
    assert second != first

    new = "ten-quiet-otters"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", fields).status_code == 302
    confirm(client, new)
    assert shown() != second


def test_the_code_of_the_app_logs_in_once(ruth: User, secret: str) -> None:
    client = Client()
    assert enter_password(client)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_logged_in(client)
    page = client.get("/accounts/2fa/authenticate/").content.decode()
    assert "Two-factor authentication" in page
    assert "Use a security key" not in page, "she has none"
    code = code_of(secret)
    assert enter_code(client, code).status_code == 302
    assert is_logged_in(client)
    other = Client()
    enter_password(other)
    assert "it was used already" in enter_code(other, code).content.decode()
    assert not is_logged_in(other)


def test_a_recovery_code_logs_in_once(ruth: User, secret: str) -> None:
    code = recovery_codes(ruth)[3]
    client, other = Client(), Client()
    enter_password(client)
    assert enter_code(client, code).status_code == 302
    assert is_logged_in(client)
    enter_password(other)
    assert enter_code(other, code).status_code == 200
    assert not is_logged_in(other)


def test_wrong_codes_wait_for_the_account_from_everywhere_and_the_owner_gets_one_mail(
    ruth: User, secret: str, clock: Any
) -> None:
    mail.outbox.clear()
    waits = []
    for number in range(14):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        enter_password(client)
        answer = enter_code(client, "000000")
        if answer.status_code == 429:
            waits.append(int(answer["Retry-After"]))
            assert f"Too many wrong codes. Wait {waits[-1]} second" in answer.content.decode()
            assert enter_code(client, code_of(secret)).status_code == 429, "the right one has to wait, too"
            clock.move_to(timezone.now() + timedelta(seconds=waits[-1]), tick=False)
            answer = enter_code(client, "000000")
        assert answer.status_code == 200
        assert not is_logged_in(client)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    (message,) = mail.outbox
    assert message.to == ["ruth@example.org"]
    assert message.subject == "Somebody knows your password at Soundoff"
    clock.move_to(timezone.now() + timedelta(seconds=900), tick=False)
    enter_password(client)
    assert enter_code(client, code_of(secret)).status_code == 302
    assert is_logged_in(client)
    assert not FailedLoginCount.objects.filter(origin_hash=b"codes").exists(), "from the start again"


def test_a_mailed_link_asks_for_the_code_as_well(ruth: User, secret: str) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ruth@example.org"})
    link = re.findall(r"(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))[0]
    form = client.get(link)["Location"]
    new = "ten-loud-herons"
    assert (
        client.post(form, {"password1": new, "password2": new})["Location"] == "/accounts/2fa/authenticate/"
    )
    assert not is_logged_in(client)
    enter_code(client, code_of(secret))
    assert is_logged_in(client)


def test_a_code_also_confirms_a_change(ruth: User, secret: str) -> None:
    client = client_of(ruth)
    response = client.get("/accounts/2fa/totp/deactivate/")
    assert "/reauthenticate/" in response["Location"]
    page = client.get("/accounts/2fa/reauthenticate/").content.decode()
    assert "From your authenticator app, or a recovery code." in page
    for _ in range(3):
        assert client.post("/accounts/2fa/reauthenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/reauthenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)}).status_code == 429


def test_the_password_alone_confirms_no_change_of_second_factors(ruth: User, secret: str) -> None:
    client = client_of(ruth)
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer["Location"] == "/accounts/2fa/reauthenticate/"
    for path in ("totp/deactivate/", "recovery-codes/generate/"):
        answer = client.post(f"/accounts/2fa/{path}")
        assert answer["Location"].startswith("/accounts/2fa/reauthenticate/?next=")
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()
    assert "Use your password" not in client.get("/accounts/2fa/reauthenticate/").content.decode()


def test_removing_the_app_removes_the_recovery_codes(ruth: User, secret: str) -> None:
    mail.outbox.clear()
    client = client_with_code(ruth, secret)
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 200
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert "The authenticator app was removed" in mail.outbox[0].body
    other = Client()
    enter_password(other)
    assert is_logged_in(other)


def test_new_recovery_codes_replace_the_old_ones(ruth: User, secret: str) -> None:
    before = recovery_codes(ruth)
    client = client_with_code(ruth, secret)
    assert "will no longer work" in client.get("/accounts/2fa/recovery-codes/generate/").content.decode()
    client.post("/accounts/2fa/recovery-codes/generate/")
    assert not set(before) & set(recovery_codes(ruth))


def test_secrets_are_encrypted_with_a_key_from_the_secret_key(
    ruth: User, secret: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    codes = recovery_codes(ruth)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        stored = cursor.fetchone()[0]
    assert secret not in stored
    assert not [code for code in codes if code in stored]
    settings.SECRET_KEY = "another one"
    client = Client()
    enter_password(client)
    assert enter_code(client, code_of(secret)).status_code == 200
    assert not is_logged_in(client)
    assert "another SECRET_KEY" in caplog.text
    assert secret not in caplog.text


def test_recovery_codes_of_another_key_are_not_shown(ruth: User, secret: str, settings: Any) -> None:
    client = client_with_code(ruth, secret)
    stored = recovery_codes(ruth)
    Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).update(
        data={"seed": Fernet(Fernet.generate_key()).encrypt(b"seed").decode(), "used_mask": 0}
    )
    for path in ("", "recovery-codes/", "recovery-codes/download/"):
        page = client.get(f"/accounts/2fa/{path}").content.decode()
        assert "Your recovery codes can’t be read" in page
        assert not re.findall(r"\b\d{8}\b", page)
        assert "codes are left" not in page
    client.post("/accounts/2fa/recovery-codes/generate/")
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert "can’t be read" not in page
    assert recovery_codes(ruth)[0] in page
    assert not set(stored) & set(recovery_codes(ruth))


def test_the_admin_shows_no_second_factors() -> None:
    assert not admin.site.is_registered(Authenticator)


def test_an_erased_account_has_no_second_factors(ruth: User, secret: str) -> None:
    erase_account(user=ruth)
    assert not Authenticator.objects.exists()


def test_the_command_removes_the_second_factors_and_logs_it(
    ruth: User, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mail.outbox.clear()
    call_command("remove_second_factors", "Ruth@example.org")
    assert "The password alone logs in." in capsys.readouterr().out
    assert not Authenticator.objects.exists()
    assert SecondFactorRemoval.objects.get().user == ruth
    assert "All second factors were removed from your account at Soundoff." in mail.outbox[0].body
    client = Client()
    enter_password(client)
    assert is_logged_in(client)
    with pytest.raises(CommandError, match="has no second factors"):
        call_command("remove_second_factors", "ruth@example.org")
    with pytest.raises(CommandError, match="There is no account"):
        call_command("remove_second_factors", "nobody@example.org")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SecondFactorRemoval.objects.all().delete()


def test_the_command_names_the_reset_for_an_account_without_a_password(
    ruth: User, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ruth.set_unusable_password()
    ruth.save()
    call_command("remove_second_factors", "ruth@example.org")
    output = capsys.readouterr().out
    assert "can reset the password" in output
    assert "The password alone" not in output
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ruth@example.org"})
    (link,) = re.findall(r"(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    client.post(client.get(link)["Location"], {"password1": PASSWORD, "password2": PASSWORD})
    assert is_logged_in(client)


def test_staff_need_a_second_factor_if_the_owner_requires_it(
    ruth: User, django_capture_on_commit_callbacks: Any
) -> None:
    ruth.set_roles([EDITOR])
    client = confirmed_client(ruth)
    assert client.get("/admin/").status_code == 200
    Site.objects.update(staff_need_second_factor=True)
    for path in ("/admin/", "/moderation/", "/owner/settings/"):
        response = client.get(path, follow=True)
        assert response.redirect_chain == [("/accounts/2fa/", 302)]
        assert "This site requires a second factor from staff." in response.content.decode()
    assert client.get("/").status_code == 200
    assert client.get("/accounts/email/").status_code == 200
    sent = client.post(
        "/admin/articles/article/add/",
        {"title": "A boat", "body": "It *sails*."},
        headers={"Origin": "http://testserver"},
    )
    assert sent.status_code == 403
    assert "Not saved: you need a second factor" in sent.content.decode()
    assert "It *sails*." in sent.content.decode()
    set_up_app(client, django_capture_on_commit_callbacks)
    assert client.get("/admin/").status_code == 200


def test_staff_without_a_required_second_factor_read_stories_as_readers(
    ruth: User, django_capture_on_commit_callbacks: Any
) -> None:
    ruth.set_roles([MODERATOR])
    client = confirmed_client(ruth)
    change_discussion(article=(article := make_article()), moderation=Discussion.Moderation.PRE)
    story, comment = article.get_absolute_url(), make_comment(article, "It waits.").get_absolute_url()
    assert "It waits." in client.get(story).content.decode()
    Site.objects.update(staff_need_second_factor=True)
    page = client.get(story).content.decode()
    assert "It waits." not in page
    assert 'action="/moderation/' not in page
    assert client.get(comment).status_code == 404
    set_up_app(client, django_capture_on_commit_callbacks)
    assert "It waits." in client.get(story).content.decode()


def test_staff_without_a_required_second_factor_see_no_drafts_and_no_count(
    ruth: User, tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    ruth.set_roles([EDITOR, MODERATOR])
    client = confirmed_client(ruth)
    change_discussion(article=(article := make_article()), moderation=Discussion.Moderation.PRE)
    make_comment(article)
    draft = make_article("A draft", published_at=None)
    Article.objects.filter(pk=draft.pk).update(stage=Article.Stage.PRIVATE)
    settings.HOME = tmp_path
    image, waiting = make_image(), '1<span class="sr-only"> waiting'

    def seen() -> list[bool]:
        return [
            waiting in client.get("/").content.decode(),
            client.get(draft.preview_url()).status_code == 200,
            client.get(f"/images/{image.pk}/w400.webp").status_code == 200,
        ]

    assert seen() == [True, True, True]
    Site.objects.update(staff_need_second_factor=True)
    assert seen() == [False, False, False]
    set_up_app(client, django_capture_on_commit_callbacks)
    assert seen() == [True, True, True]


def test_a_warning_before_the_last_required_second_factor_is_removed(ruth: User, secret: str) -> None:
    warning = "This site requires a second factor from staff, and this is your only one."
    key = Authenticator.objects.create(user=ruth, type=Authenticator.Type.WEBAUTHN, data={"name": "Blue"})
    client = client_with_code(ruth, secret)

    def warned() -> list[bool]:
        pages = ["/accounts/2fa/totp/deactivate/", reverse("mfa_remove_webauthn", args=[key.pk])]
        return [warning in client.get(page).content.decode() for page in pages]

    Site.objects.update(staff_need_second_factor=True)
    assert warned() == [False, False], "a reader"
    ruth.set_roles([MODERATOR])
    assert warned() == [False, False], "another one is left"
    Authenticator.objects.filter(user=ruth, type=Authenticator.Type.TOTP).delete()
    assert warned()[1]
    Site.objects.update(staff_need_second_factor=False)
    assert not warned()[1]


def test_readers_need_no_second_factor(ruth: User) -> None:
    Site.objects.update(staff_need_second_factor=True)
    assert ruth.roles == {READER}
    assert client_of(ruth).get("/moderation/").status_code in {403, 404}
    assert Client().get("/admin/").status_code == 302
