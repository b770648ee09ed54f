"""The active version is set by actions that are in the history and can be undone."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from moderation import explanations
from moderation.actions.decisions import undo
from moderation.models import Action, FilterVersion, ModerationSettings
from moderation.spam_filter import versions
from tests.moderation.spam_filter.helpers import active_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def two() -> list[FilterVersion]:
    return [FilterVersion.objects.create(kind=kind, weights=b"") for kind in FilterVersion.Kind]


def test_an_activation_can_be_undone(client, maria, ada, two):
    client.force_login(maria)
    first, second = two
    versions.activate(version=first, actor=maria)
    act = versions.activate(version=second, actor=None)  # the actor is the system
    assert active_version() == second.pk
    assert explanations.describe_action(act) == f"Version {second.pk} is active"
    assert str(second.pk) in client.get("/moderation/actions/").content.decode()
    assert undo(action=act, actor=ada).action.changes.count() == 1
    assert active_version() == first.pk
    off = versions.activate(version=None, actor=maria)
    assert explanations.describe_action(off) == "No filter is active"
    assert active_version() is None


def test_setting_the_current_value_is_no_action(maria, two):
    versions.activate(version=two[0], actor=maria)
    assert versions.activate(version=two[0], actor=maria) is None
    assert Action.objects.count() == 1


@pytest.mark.parametrize("percent", [0, 0.05, 21, -1, float("nan")])
def test_the_percentage_has_limits(maria, percent):
    with pytest.raises(ValueError, match="not between"):
        versions.set_false_positive_limit(percent=percent, actor=maria)
    assert not Action.objects.exists()


def test_an_undo_keeps_later_changes(ada, omar):
    act = versions.set_false_positive_limit(percent=2, actor=ada)
    versions.set_false_positive_limit(percent=3, actor=omar)
    assert undo(action=act, actor=ada).action is None
    assert ModerationSettings.objects.get(pk=1).false_positive_limit == 3


def test_only_administrators_undo_changes_of_the_filter(client, maria, ada):
    client.force_login(maria)
    act = versions.set_false_positive_limit(percent=5, actor=ada)
    refusal = "Only an administrator can change the spam filter."
    url = f"/moderation/actions/{act.pk}/"
    assert "Undo this action" not in client.get(url).text
    assert refusal in client.get(url).text
    assert refusal in client.post(f"{url}undo/", follow=True).text
    undone = undo(action=act, actor=ada).action
    assert "Undo this action" not in client.get(f"/moderation/actions/{undone.pk}/").text
    assert undo(action=undone, actor=maria).action is None
    assert ModerationSettings.objects.get(pk=1).false_positive_limit == 1


def test_the_upgrade_renames_the_keys_of_stored_numbers():
    old = {
        "figures": {"rows": 1},
        "honest": 2.0,
        "trial": {"version": 1, "honest": [1.0, 0.0]},
        "voices": [{"name": "late", "of_honest": 0.5}],
        "wronged": [{"comment": 3, "line": 4}],
    }
    version = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"x", evaluation=old)
    apps = MigrationLoader(connection).project_state(("moderation", "0030_job_names")).apps
    import_module("moderation.migrations.0031_filter_numbers").rename_keys(apps, None)
    version.refresh_from_db()
    assert version.evaluation == {
        "metrics": {"rows": 1},
        "good": 2.0,
        "trial": {"version": 1, "good": [1.0, 0.0]},
        "contributions": [{"name": "late", "of_good": 0.5}],
        "false_positives": [{"comment": 3, "transition": 4}],
    }
