import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker


def test_healthz_makes_no_query(client: Client) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_readyz_is_200_when_ready(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "database": "ok", "unapplied": []}
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_lists_unapplied_migrations(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'accounts' AND name >= '0002'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["unapplied"][0] == "accounts.0002_data"


def test_readyz_without_a_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unready", "database": "no answer"}
