"""The link with which `serve` makes the first administrator."""

import pytest
import time_machine
from django.contrib.auth import get_user
from django.test import Client

from accounts.models import ADMINISTRATOR, User
from accounts.services import SETUP_LINK_SECONDS, AlreadySetUp, create_first_administrator, setup_link

pytestmark = pytest.mark.django_db
FORM = {"name": "Ada", "email": "ada@example.org", "password": "seven-green-herons"}


@pytest.fixture
def path() -> str:
    return setup_link().removeprefix("http://127.0.0.1:8000")


def test_makes_an_administrator_and_logs_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    response = client.post(path, FORM)
    assert response.status_code == 302
    user = User.objects.get()
    assert (user.name, user.email, user.is_administrator) == ("Ada", "ada@example.org", True)
    assert get_user(client) == user


def test_works_once(client: Client, path: str) -> None:
    client.post(path, FORM)
    response = Client().get(path)
    assert response.status_code == 404
    assert "This link no longer works" in response.content.decode()
    assert Client().post(path, FORM | {"email": "eve@example.org"}).status_code == 404
    assert User.objects.count() == 1


def test_the_second_of_two_at_once_is_refused(client: Client, path: str) -> None:
    token = path.strip("/").split("/")[-1]
    create_first_administrator(token=token, **FORM)
    with pytest.raises(AlreadySetUp):
        create_first_administrator(token=token, **FORM | {"email": "eve@example.org"})


def test_a_link_that_is_not_ours(client: Client, path: str) -> None:
    assert client.get("/setup/administrator:1abcde:forged/").status_code == 404
    assert client.get(path[:-3] + "/").status_code == 404


def test_a_link_lasts_a_day(client: Client) -> None:
    with time_machine.travel("2026-03-01 12:00Z", tick=False) as now:
        path = setup_link().removeprefix("http://127.0.0.1:8000")
        now.shift(SETUP_LINK_SECONDS)
        assert client.get(path).status_code == 200
        now.shift(1)
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "12345"),
        ("password", "ada@example.org"),
        ("email", "ada"),
        ("name", ""),
        ("name", "\u200b"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(client: Client, path: str, field: str, value: str) -> None:
    response = client.post(path, FORM | {field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not User.objects.filter(groups__name=ADMINISTRATOR).exists()


def test_other_methods(client: Client, path: str) -> None:
    assert client.put(path).status_code == 405
