"""The site of the admin: forms that are sent after the session has ended."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_a_form_comes_back_after_a_log_out(client: Client, model) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    sent = client.post(url, {"text": "An hour of work."}, headers={"origin": "http://testserver"})
    assert sent.status_code == 403
    assert "Not saved: you are logged out" in sent.text
    assert 'name="text" value="An hour of work."' in sent.text
    assert client.get(url).status_code == 302
