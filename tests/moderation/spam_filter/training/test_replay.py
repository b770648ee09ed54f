"""manage.py replay_filter predicts each decision before it learns it."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.moderation.spam_filter.training.decisions import decided_comments

pytestmark = pytest.mark.django_db


def test_a_replay_predicts_each_decision_before_learning_it(starter, maria, capsys):
    decided_comments(100, maria)
    call_command("replay_filter", "--json", "--each", "25")
    result = json.loads(capsys.readouterr().out)
    assert [(step["from"], step["until"]) for step in result["steps"]] == [
        (1, 25),
        (26, 50),
        (51, 75),
        (76, 100),
    ]
    assert sum(step["spam"] for step in result["steps"]) == 34
    first, *_, last = result["steps"]
    assert first["learnt_log_loss"] < 1.5 * first["starter_log_loss"]
    assert last["learnt_log_loss"] < 0.5 * last["starter_log_loss"]
    call_command("replay_filter")
    assert "▇" in capsys.readouterr().out


def test_a_replay_needs_decisions(starter):
    with pytest.raises(CommandError, match="There are no decisions to replay yet"):
        call_command("replay_filter")
