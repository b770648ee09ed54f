"""The page that switches a member's public page on and off."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

URL = "/accounts/page/"


@pytest.fixture
def member(client):
    member = UserFactory.create(name="Ida")
    client.force_login(member)
    return member


def test_a_member_switches_the_page_on_and_off(client, member):
    page = client.get(URL).content.decode()
    assert "Switch it on" in page
    assert f"/people/{member.pk}/" not in page
    assert client.get(f"/people/{member.pk}/").status_code == 404

    response = client.post(URL, {"on": "1"}, follow=True)

    assert response.redirect_chain == [(URL, 302)]
    assert "Your public page is on." in response.content.decode()
    assert f'href="/people/{member.pk}/"' in response.content.decode()
    assert client.get(f"/people/{member.pk}/").status_code == 200

    assert "Your public page is off." in client.post(URL, {"on": "0"}, follow=True).content.decode()
    assert client.get(f"/people/{member.pk}/").status_code == 404


def test_only_the_own_page_is_switched(client, member):
    other = UserFactory.create()
    client.post(URL, {"on": "1", "pk": other.pk})
    assert list(User.objects.filter(has_page=True)) == [member]


@pytest.mark.parametrize("sent", [{}, {"on": ""}, {"on": "yes"}])
def test_other_values_switch_the_page_off(client, member, sent):
    User.objects.update(has_page=True)
    client.post(URL, sent)
    assert not User.objects.get().has_page


def test_it_is_in_the_menu(client, member):
    assert f'href="{URL}"' in client.get("/").content.decode()


def test_anonymous_visitors_log_in_first(client):
    for method in (client.get, client.post):
        response = method(URL)
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={URL}")


def test_a_csrf_token_is_required(member):
    other = Client(enforce_csrf_checks=True)
    other.force_login(member)
    assert other.post(URL, {"on": "1"}).status_code == 403


def test_other_methods_are_not_allowed(client, member):
    assert client.put(URL).status_code == 405
