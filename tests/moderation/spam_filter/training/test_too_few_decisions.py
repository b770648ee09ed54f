"""Nothing is trained on too few decisions, or on those that have only one label."""

import pytest

from comments.models import State
from moderation.actions.decisions import decide
from moderation.spam_filter import training
from tests.factories import make_article, make_comment
from tests.moderation.spam_filter.training.decisions import decided_comments

pytestmark = pytest.mark.django_db


def test_too_few_decisions_train_nothing(starter, maria):
    decided_comments(40, maria)
    assert training.run() == "there are too few new decisions"


def test_decisions_with_one_label_train_nothing(starter, maria):
    article = make_article()
    for n in range(training.MIN_NEW_DECISIONS):
        decide(
            ids=[make_comment(article, f"Word {n}").pk], to=State.PUBLISHED, reason="approved", actor=maria
        )
    assert training.run() == "all decisions have the same label"
