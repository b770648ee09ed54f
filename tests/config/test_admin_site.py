"""The site of the admin: forms that are sent after the session has ended."""

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_a_form_comes_back_after_a_log_out(client: Client, model) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    sent = client.post(url, {"text": "An hour of work."}, headers={"origin": "http://testserver"})
    assert sent.status_code == 403
    assert "Not saved: you are logged out" in sent.text
    assert 'name="text" value="An hour of work."' in sent.text
    assert client.get(url).status_code == 302


def test_a_form_comes_back_if_somebody_else_has_logged_in(client: Client) -> None:
    client.force_login(UserFactory.create(name="Ruth"))
    url, origin = reverse("admin:articles_topic_add"), {"origin": "http://testserver"}
    only_text = client.post(url, {"body": "An hour of work"}, headers=origin)
    assert only_text.status_code == 403
    assert "An hour of work</textarea>" in only_text.text
    sent = client.post(
        url,
        {"name": "An hour of work", "file": SimpleUploadedFile("plan.png", b"x")},
        headers=origin,
    )
    assert sent.status_code == 403
    assert "You are logged in as <bdi>Ruth</bdi>, and your role does not allow this." in sent.text
    assert 'name="name" value="An hour of work"' in sent.text
    assert "Choose them again after sending" in sent.text
    assert "<bdi>plan.png</bdi>" in sent.text
