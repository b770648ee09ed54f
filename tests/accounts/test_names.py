"""Characters that a name may contain, and names that look alike."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, SignUp, User
from accounts.names import clean_name, looks_like_any
from tests.accounts.helpers import USERS, person, roles
from tests.helpers.clients import client_with_role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    [
        "Jim\u202e",
        "\u2066Jim\u2069",
        "Jim\u200f",
        "\u061cJim",
        "J\u200bim",
        "Ji\u200cm",
        "Ji\u200dm",
        "Jim\u200d",
        "\ufeffJim",
        "Jim\u2060",
        "Ji\u00adm",
        "Ji\u034fm",
        "Jim\ufe0f",
        "Jim\U000e0041",
        "Jim\u3164",
        "Jim\u2800",
        "Jim\x07",
        "ا\u200c",
    ],
)
def test_hidden_characters_and_direction_marks_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="hidden characters"):
        clean_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "O’Neil",
        "José María",
        "عبد الله",
        "می\u200cخواهم",  # Persian separates the parts of a word by this character
        "שרה לוי",
        "राम",
        "क\u094d\u200dष",  # Hindi shows half of a letter by this character
        "ක\u0dca\u200dය",
        "র\u200d\u09cdয",
        "ﷴ",
        "Ada 👩\u200d💻",
        "Ada 👩🏽\u200d💻",
        "Ada ❤\ufe0f\u200d🔥",
        "Nr 1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "葛\U000e0100城",
        "김 민준",
        "李娜",
    ],
)
def test_characters_that_a_script_needs_are_kept(name: str) -> None:
    assert clean_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name", ["Mona", "mona", "Моnа", "M0na", "M o n a", "Ｍｏｎａ", "Mоna.", "Mόna", "МΟΝА"]
)
def test_lookalikes_of_a_name_are_found(name: str) -> None:
    assert looks_like_any(name, ["Ada", "Mona"])


@pytest.mark.parametrize("name", ["Monika", "Moma", "Nona", "Мона Лиза", "李娜", "محمد"])
def test_other_names_are_no_lookalikes(name: str) -> None:
    assert not looks_like_any(name, ["Ada", "Mona", "李明", "محمود"])


@pytest.mark.parametrize("role", [MODERATOR, EDITOR, ADMINISTRATOR])
def test_signing_up_with_a_staff_name_is_refused(client: Client, role: str) -> None:
    mona = person(role, "Mona")
    sent = {"name": "Моnа", "email": "eve@example.org", "password1": "nine-quiet-otters"}
    page = client.post("/accounts/signup/", sent).content.decode()
    assert "A member of the staff has this name" in page
    assert 'value="Моnа"' in page
    assert 'value="eve@example.org"' in page
    assert not SignUp.objects.exists()
    User.objects.filter(pk=mona.pk).update(is_active=False)
    assert client.post("/accounts/signup/", sent).status_code == 302


def test_an_administrator_cannot_give_a_reader_a_staff_name() -> None:
    person(MODERATOR, "Mona")
    ruth = person(READER, "Ruth")
    ada = client_with_role(ADMINISTRATOR)
    url, sent = f"{USERS}{ruth.pk}/change/", {"name": "Mоna", "is_active": "on"}
    page = ada.post(url, sent | {"groups": roles(READER)}).content.decode()
    assert "A member of the staff has this name" in page
    assert (
        "hidden characters"
        in ada.post(url, sent | {"name": "Ru\u200bth", "groups": roles(READER)}).content.decode()
    )
    assert User.objects.get(pk=ruth.pk).name == "Ruth"
    assert ada.post(url, sent | {"groups": roles(READER, EDITOR)}).status_code == 302, "two may be called so"
