"""Login throttling: a guesser has to wait, the owner does not."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.authentication import login_throttling
from accounts.models import ADMINISTRATOR, FailedLoginCount
from tests.accounts.authentication.conftest import PASSWORD
from tests.factories import UserFactory
from tests.helpers.clients import is_logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_run_at_once")]

HOME, OFFICE, FAR = "192.0.2.1", "192.0.2.2", "198.51.100.7"


@pytest.fixture(autouse=True)
def clock(time_machine: Any) -> Any:
    """Stop the clock until a test moves it, as a wait of a second may be over on a busy machine."""
    time_machine.move_to(timezone.now(), tick=False)
    return time_machine


def client_at(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def log_in(client: Client, password: str = PASSWORD, email: str = "ruth@example.org") -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password})


def guess(address: str, times: int, email: str = "ruth@example.org", clock: Any = None) -> None:
    """Send wrong passwords. With a clock, move it past the wait before each."""
    for _ in range(times):
        answer = log_in(client_at(address), "a wrong guess", email)
        if answer.status_code == 429:
            clock.move_to(timezone.now() + timedelta(seconds=int(answer["Retry-After"])), tick=False)
            answer = log_in(client_at(address), "a wrong guess", email)
        assert answer.status_code == 200


def test_each_wrong_password_lengthens_the_wait_up_to_half_a_minute(ruth, clock):
    waits = []
    for _ in range(8):
        assert log_in(client_at(FAR), "a wrong guess").status_code == 200
        refused = log_in(client_at(FAR))  # the right password has to wait, too
        assert refused.status_code == 429
        waits.append(int(refused["Retry-After"]))
        assert f"Wait {waits[-1]} second" in refused.content.decode()
        assert 'value="ruth@example.org"' in refused.content.decode()
        clock.move_to(timezone.now() + timedelta(seconds=waits[-1]), tick=False)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    client = client_at(FAR)
    assert log_in(client).status_code == 302
    assert is_logged_in(client)
    assert log_in(client_at(FAR), "a wrong guess").status_code == 200, "from the start again"


def test_a_wait_applies_to_one_account_and_one_address(ruth, clock):
    UserFactory.create(email="bo@example.org", password=PASSWORD)
    guess(HOME, 12, clock=clock)
    assert log_in(client_at(HOME)).status_code == 429
    for client, email in ((client_at(OFFICE), "ruth@example.org"), (client_at(HOME), "bo@example.org")):
        assert log_in(client, email=email).status_code == 302
        assert is_logged_in(client)


def test_wrong_passwords_for_many_accounts_do_not_lock_an_address(ruth):
    for n in range(40):
        assert log_in(client_at(OFFICE), "a wrong guess", f"person{n}@example.org").status_code == 200
    client = client_at(OFFICE)
    log_in(client)
    assert is_logged_in(client)


def test_a_known_browser_does_not_wait_for_others_guesses(ruth, clock):
    mine = client_at(HOME)
    log_in(mine)
    cookie = mine.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/accounts/")
    mine.post("/accounts/logout/")
    guess(HOME, 12, clock=clock)
    assert log_in(client_at(HOME)).status_code == 429
    assert log_in(mine, "mistyped").status_code == 200
    log_in(mine)
    assert is_logged_in(mine)


def test_a_stolen_or_forged_cookie_is_throttled_as_well(ruth):
    mine = client_at(HOME)
    log_in(mine)
    stolen = mine.cookies["device"].value
    thief = client_at(FAR)
    thief.cookies["device"] = stolen
    statuses = [log_in(thief, "a wrong guess").status_code for _ in range(13)]
    assert statuses == [200] * 11 + [429] * 2
    forged = client_at(FAR)
    forged.cookies["device"] = stolen[:-1] + ("a" if stolen[-1] != "a" else "b")
    assert [log_in(forged, "a wrong guess").status_code for _ in range(2)] == [200, 429]
    others = client_at(OFFICE)  # the cookie is of one account only
    UserFactory.create(email="bo@example.org", password=PASSWORD)
    others.cookies["device"] = stolen
    assert [log_in(others, "wrong", "bo@example.org").status_code for _ in range(2)] == [200, 429]


def test_the_mailed_link_works_during_an_attack(ruth, clock):
    guess(HOME, 12, clock=clock)
    for _ in range(30):  # requests from the same address do not block that page
        client_at(HOME).post("/accounts/password/reset/key/1-set-password/", {"password1": "x"})
    mail.outbox.clear()
    owner = client_at(HOME)
    owner.post("/accounts/password/reset/", {"email": ruth.email})
    (link,) = re.findall(r"http://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    form = owner.get(link, follow=True)
    new = "ten-louder-otters"
    owner.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert is_logged_in(owner)
    owner.post("/accounts/logout/")
    log_in(owner, new)  # the browser is known by now
    assert is_logged_in(owner)


def test_after_ten_wrong_passwords_the_owner_gets_one_mail_a_day(ruth, clock):
    for n in range(9):
        guess(f"192.0.2.{n + 10}", 1)
    assert mail.outbox == []
    for n in range(9, 25):
        guess(f"192.0.2.{n + 10}", 1)
    (message,) = mail.outbox
    assert message.to == ["ruth@example.org"]
    assert "Ten wrong passwords" in message.body
    assert "/accounts/password/reset/" in message.body
    clock.move_to(timezone.now() + timedelta(days=1, minutes=1), tick=False)
    for n in range(10):
        guess(f"192.0.2.{n + 10}", 1)
    assert len(mail.outbox) == 2
    for n in range(12):
        guess(f"192.0.2.{n + 10}", 1, "nobody@example.org")
    assert len(mail.outbox) == 2


def test_nobody_can_lock_an_administrator_out_of_the_admin(clock):
    ada = UserFactory.create(email="ada@example.org", password=PASSWORD, roles=(ADMINISTRATOR,))
    for _ in range(3):
        client_at(FAR).post("/admin/login/", {"username": ada.email, "password": "a wrong guess"})
    assert not FailedLoginCount.objects.exists(), "the admin looks at no password"
    guess(FAR, 15, ada.email, clock=clock)
    client = client_at(HOME)
    log_in(client, email=ada.email)
    assert client.get("/admin/", follow=True).status_code == 200


def test_the_admins_own_login_form_is_closed():
    UserFactory.create(email="ada@example.org", password=PASSWORD, roles=(ADMINISTRATOR,))
    moderator = UserFactory.create(password=PASSWORD, roles=("Moderator",))
    client = client_at(OFFICE)
    client.force_login(moderator)
    answer = client.post("/admin/login/", {"username": "ada@example.org", "password": PASSWORD})
    assert answer["Location"] == "/admin/"
    assert get_user(client) == moderator


def test_reauthentication_is_throttled_as_well(ruth):
    client = client_at(FAR)
    client.force_login(ruth)
    statuses = [client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_the_table_stores_only_hashes(ruth):
    guess(FAR, 1)
    rows = FailedLoginCount.objects.values_list("account_hash", "origin_hash")
    kept = b"".join(bytes(part) for row in rows for part in row)
    assert len(rows) == 2
    assert b"ruth" not in kept
    assert b"198" not in kept


def test_counts_are_deleted_after_a_day(ruth, clock):
    guess(FAR, 1)
    assert login_throttling.delete_old_counts() == 0
    clock.move_to(timezone.now() + timedelta(days=1, minutes=1), tick=False)
    assert login_throttling.delete_old_counts() == 2


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_simultaneous_guesses_is_tried(ruth):
    def one(_: int) -> int:
        try:
            return int(log_in(client_at(FAR), "a wrong guess").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(one, range(6)))
    tried = FailedLoginCount.objects.exclude(origin_hash=b"").get().count
    assert (statuses.count(200), tried) == (1, 1)


def test_a_log_in_from_an_unknown_address_is_refused(ruth):
    """The list of devices could not store it, so nobody could end it."""
    client = client_at("")
    assert log_in(client).status_code == 403
    assert not is_logged_in(client)
