"""/.well-known/security.txt"""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from articles.models import Site

pytestmark = pytest.mark.django_db

URL = "/.well-known/security.txt"


def test_it_has_the_contact_and_a_future_expiry(client: Client) -> None:
    Site.objects.update(contact_email="desk@example.org", written_in="nb")
    answer = client.get(URL, headers={"Host": "localhost:9999"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "public, no-cache, max-age=0"
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    expires = datetime.fromisoformat(fields.pop("Expires"))
    assert timedelta(days=100) < expires - timezone.now() < timedelta(days=365)
    assert fields == {
        "Contact": "mailto:desk@example.org",
        "Preferred-Languages": "nb",
        "Canonical": f"{settings.SITE_URL}{URL}",
    }


def test_the_expiry_moves_with_time(client: Client, time_machine: object) -> None:
    Site.objects.update(contact_email="desk@example.org")
    time_machine.move_to(timezone.now() + timedelta(days=1_000))  # type: ignore[attr-defined]
    expires = client.get(URL).content.decode().split("Expires: ")[1].splitlines()[0]
    assert datetime.fromisoformat(expires) > timezone.now()


def test_it_is_404_without_a_contact(client: Client) -> None:
    assert client.get(URL).status_code == 404
    assert client.post(URL).status_code == 405
