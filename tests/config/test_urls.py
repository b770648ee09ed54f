import pytest
from django.contrib.staticfiles.finders import find
from django.test import Client

from tests.factories import UserFactory


@pytest.mark.django_db
def test_the_icon_is_found_where_browsers_look_and_linked_in_the_admin(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert find(response["Location"].removeprefix("/static/"))
    client.force_login(UserFactory.create(roles=("Administrator",)))
    assert f'<link rel="icon" href="{response["Location"]}"' in client.get("/admin/").content.decode()
