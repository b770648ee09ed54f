"""The download of the file of personal data, by its person only."""

import io
import zipfile

import pytest
from django.test import Client

from accounts.models import Guest, User
from archive.models import PersonalDataFile
from archive.personal_data import files
from moderation.people.profiles import Person
from tests.helpers.clients import client_of_guest
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db

URL = "/account/data/file/"


def make(person: Person) -> None:
    row = files.request_file(person)
    assert row
    files.make_file.func(str(row.pk))


def test_the_person_downloads_the_file(jim: User, jim_client: Client) -> None:
    assert jim_client.get(URL).status_code == 404
    make(Person(user=jim))
    got = jim_client.get(URL)
    assert got["Content-Type"] == "application/zip"
    assert "no-store" in got["Cache-Control"]
    assert "my-data-" in got["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(got.streaming_content))) as archive:  # type: ignore[attr-defined]
        assert archive.testzip() is None
        assert b'"jim@example.org"' in archive.read("data.json")


def test_other_people_cannot_download_it(jim: User, gwen: Guest, ada: User) -> None:
    make(Person(user=jim))
    admin = Client()
    admin.force_login(ada)
    assert admin.get(URL).status_code == 404
    assert client_of_guest(gwen).get(URL).status_code == 404
    assert Client().get(URL)["Location"] == "/account/data/"


def test_a_guest_downloads_their_own_file(gwen: Guest) -> None:
    make(Person(guest=gwen))
    assert client_of_guest(gwen).get(URL).status_code == 200


def test_a_missing_file_is_not_found(jim: User, jim_client: Client) -> None:
    make(Person(user=jim))
    data_path(files.file_name(PersonalDataFile.objects.get().pk)).unlink()
    assert jim_client.get(URL).status_code == 404
    assert jim_client.post(URL).status_code == 405
