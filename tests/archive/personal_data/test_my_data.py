"""The page "My data": asking for the file."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Guest, User
from archive.models import PersonalDataFile
from archive.personal_data import files
from tests.archive.personal_data.conftest import words
from tests.factories import GuestFactory
from tests.helpers.clients import client_of_guest
from tests.helpers.html import repeated_ids

pytestmark = pytest.mark.django_db

URL = "/account/data/"


def test_a_member_requests_and_downloads_the_file(jim: User, jim_client: Client) -> None:
    page = jim_client.get(URL)
    assert "no-store" in page["Cache-Control"]
    assert repeated_ids(page.text) == []
    assert "Collect my data" in words(page)
    response_text = words(jim_client.post(URL, follow=True))
    assert "Your data is being collected." in response_text
    assert "Collect my data" not in response_text
    assert "Your data is already being collected." in words(jim_client.post(URL, follow=True))
    job = DBTaskResult.objects.get(task_path=files.make_file.module_path)
    files.make_file.func(*job.args_kwargs["args"])
    ready = words(jim_client.get(URL))
    assert "Download your data" in ready
    assert "You can make a new file from" in ready
    assert "Make a new file" not in ready
    assert "You can make one file a day." in words(jim_client.post(URL, follow=True))
    PersonalDataFile.objects.update(requested_at=timezone.now() - timedelta(days=1))
    assert "Make a new file" in words(jim_client.get(URL))
    assert "Your data is being collected." in words(jim_client.post(URL, follow=True))
    assert "The file is deleted on" in ready


def test_a_guest_with_a_confirmed_e_mail_can_request_the_file(gwen: Guest) -> None:
    client = client_of_guest(gwen)
    assert "Gwen" in words(client.get(URL))
    client.post(URL)
    assert PersonalDataFile.objects.get().guest == gwen


def test_a_guest_without_a_confirmed_e_mail_cannot_request_it() -> None:
    client = client_of_guest(GuestFactory.create())
    assert "Your e-mail is not confirmed yet." in words(client.get(URL))
    assert "Your e-mail is not confirmed yet." in words(client.post(URL))
    assert not PersonalDataFile.objects.exists()


def test_a_visitor_is_asked_to_log_in() -> None:
    page = words(Client().get(URL))
    assert "You are not logged in" in page
    assert "/accounts/login/?next=/account/data/" in page
    Client().post(URL)
    assert not PersonalDataFile.objects.exists()


def test_other_methods_are_not_allowed(jim_client: Client) -> None:
    assert jim_client.delete(URL).status_code == 405


def test_the_account_menu_leads_there(jim_client: Client) -> None:
    assert f'href="{URL}"' in words(jim_client.get("/"))
