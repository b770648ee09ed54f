"""Admin pages: rules and the log are read-only; rules are changed in moderation."""

import re
from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import Reason, RemovalReason, State, Transition
from moderation.actions.decisions import decide
from moderation.models import Batch, ModerationSettings, Rule
from tests.factories import UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_rules_are_read_only(client):
    """Rules are changed in moderation, where the change can be undone."""
    client.force_login(UserFactory.create(roles=("Administrator",)))
    rule = Rule.objects.create(value="casino")
    assert "casino" in client.get("/admin/moderation/rule/?q=casino").text
    assert f"/moderation/rules/{rule.pk}/" in client.get("/admin/moderation/rule/").text
    assert client.post("/admin/moderation/rule/add/", {"value": "pill"}).status_code == 403
    assert client.post(f"/admin/moderation/rule/{rule.pk}/change/", {"value": "pill"}).status_code == 403
    assert client.post(f"/admin/moderation/rule/{rule.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Rule.objects.get().value == "casino"


def test_moderator_has_no_rules_in_the_admin(client, maria):
    client.force_login(maria)
    assert client.get("/admin/moderation/rule/").status_code == 403


def remove_comment(maria) -> None:
    comment = make_comment(make_article())
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)


def test_administrator_changes_moderation_settings(client):
    client.force_login(UserFactory.create(roles=("Administrator",)))
    form = client.get("/admin/moderation/moderationsettings/", follow=True)
    assert "Hours after which moderators are e-mailed" in form.text
    values = {"alert_hours": "2", "alert_from": "09:00", "alert_until": "17:00"}
    client.post("/admin/moderation/moderationsettings/1/change/", values)
    stored = ModerationSettings.objects.get()
    assert (stored.alert_hours, stored.alert_until) == (2, time(17))
    assert client.get("/admin/moderation/jobrun/").status_code == 200


def test_moderator_cannot_change_moderation_settings(client, maria):
    client.force_login(maria)
    assert client.get("/admin/moderation/moderationsettings/").status_code == 403
    assert client.get("/admin/moderation/moderationsettings/1/change/").status_code in {302, 403}


def test_actions_and_the_log_are_in_words(client, maria):
    client.force_login(maria)
    RemovalReason.objects.create(code="house_rule", label="house rule")
    comment = make_comment(make_article("The slip"))
    decide(ids=[comment.pk], to=State.REJECTED, reason="house_rule", actor=maria)
    batch, entry = Batch.objects.get(), Transition.objects.latest("id")

    page = client.get("/admin/moderation/batch/?reason=house_rule").text
    assert "Removed: house rule" in page
    assert 'data-label="Page"' in page
    assert "<span></span>" not in page  # a column without a name
    assert "house_rule</a>" not in page
    page = client.get(f"/admin/moderation/batch/{batch.pk}/change/").text
    assert "Removed: house rule" in page
    assert f'href="/moderation/actions/{batch.pk}/"' in page

    page = client.get("/admin/comments/transition/?to_state=rejected").text
    assert page.count("<tr>") == 1 + 1
    assert re.search(r">Published</td>\s*<td[^>]*>Removed by a moderator</td>\s*<td[^>]*>house rule<", page)
    page = client.get(f"/admin/comments/transition/{entry.pk}/change/").text
    assert f"#{comment.pk}: Published → Removed by a moderator" in page
    assert f'<a href="/admin/moderation/batch/{batch.pk}/change/">Removed: house rule</a>' in page
    for code in ("rejected", "house_rule"):
        assert f">{code}<" not in page


@pytest.mark.parametrize("path", ["/admin/moderation/batch/", "/admin/comments/transition/"])
def test_log_is_filtered_by_the_reasons_of_this_site(client, maria, path):
    client.force_login(maria)
    RemovalReason.objects.create(code="house_rule", label="house rule")
    insult = RemovalReason.objects.get(code=Reason.INSULT)
    insult.label, insult.is_active = "rude words", False
    for reason in ("house_rule", Reason.INSULT):
        comment = make_comment(make_article("The slip"))
        decide(ids=[comment.pk], to=State.REJECTED, reason=reason, actor=maria)
    insult.save()  # a reason that is no longer active remains in the log

    page = client.get(path).text
    assert re.search(r'href="\?reason=house_rule"[^>]*>house rule</a>', page)
    assert re.search(r'href="\?reason=insult"[^>]*>rude words</a>', page)
    assert re.search(r'href="\?reason=approved"[^>]*>approved</a>', page)
    for reason in ("house_rule", "insult"):
        listed = client.get(path, {"reason": reason}).context["cl"].queryset
        assert [entry.reason for entry in listed] == [reason]


@pytest.mark.parametrize("path", ["/admin/moderation/batch/", "/admin/comments/transition/"])
def test_log_is_read_only(client, maria, path):
    client.force_login(maria)
    remove_comment(maria)
    with CaptureQueriesContext(connection) as few:
        page = client.get(path)
    assert "Maria" in page.content.decode()
    assert client.get(path, {"q": "Maria", "reason": "insult"}).status_code == 200
    assert client.get(path + "add/").status_code == 403
    for _ in range(3):
        remove_comment(maria)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)
