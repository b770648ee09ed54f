"""The admin page for the settings of moderation."""

from datetime import time

import pytest

from moderation.models import ModerationSettings
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_administrator_changes_moderation_settings(client):
    client.force_login(UserFactory.create(roles=("Administrator",)))
    form = client.get("/admin/moderation/moderationsettings/", follow=True)
    assert "Hours after which moderators are e-mailed" in form.text
    values = {"alert_hours": "2", "alert_from": "09:00", "alert_until": "17:00"}
    client.post("/admin/moderation/moderationsettings/1/change/", values)
    stored = ModerationSettings.objects.get()
    assert (stored.alert_hours, stored.alert_until) == (2, time(17))


def test_moderator_cannot_change_moderation_settings(client, maria):
    client.force_login(maria)
    assert client.get("/admin/moderation/moderationsettings/").status_code == 403
    assert client.get("/admin/moderation/moderationsettings/1/change/").status_code in {302, 403}
