"""Mails about several decisions on the same comments: one for each person and action, none twice."""

import pytest
from django.core import mail

from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide, undo
from moderation.models import Action
from moderation.notifications.decision_kinds import DecisionKind
from moderation.notifications.notices import render_notices
from moderation.tasks import notify_authors
from tests.factories import make_article, make_comment
from tests.moderation.notifications.decided_comments import redacted_comment
from tests.moderation.notifications.helpers import an_hour_later, approved, decided

pytestmark = pytest.mark.django_db


def test_one_mail_for_each_person_and_action(jim, maria):
    article = make_article()
    first, second = (
        approved(article, "One.", author=jim, maria=maria),
        make_comment(article, "Two.", author=jim),
    )
    decided(second, State.REJECTED, "insult", maria)
    an_hour_later()
    act = decide(ids=[first.pk, second.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria).action
    assert notify_authors.func(str(act.pk)) == 1  # the author of the first knows that it is published
    act = decide(ids=[first.pk, second.pk], to=State.REJECTED, reason="off_topic", actor=maria).action
    mail.outbox.clear()
    assert notify_authors.func(str(act.pk)) == 1
    (message,) = mail.outbox
    assert message.subject == "Your comments were removed"
    assert message.body.count("Removed by a moderator: off-topic.") == 1
    assert "“One.”" in message.body
    assert "“Two.”" in message.body


def test_no_mail_about_a_decision_that_is_undone_within_a_minute(jim, maria):
    comment = approved(make_article(), author=jim, maria=maria)
    an_hour_later()
    act = decided(comment, State.REJECTED, "insult", maria)
    back = undo(action=act, actor=maria).action
    assert [notify_authors.func(str(one.pk)) for one in (act, back)] == [0, 0]


def subjects(*acts: Action) -> list[str]:
    mail.outbox.clear()
    for act in acts:
        notify_authors.func(str(act.pk))
    return [message.subject for message in mail.outbox]


def test_two_decisions_within_a_minute_mail_only_the_second(jim, maria):
    comment = approved(make_article(), author=jim, maria=maria)
    an_hour_later()
    acts = [decided(comment, State.REJECTED, why, maria) for why in ("off_topic", "insult")]
    assert subjects(*acts) == ["Your comment was removed"]
    assert "insult" in mail.outbox[0].body
    an_hour_later()
    assert subjects(decided(comment, State.REJECTED, "off_topic", maria)) == ["Your comment was removed"]
    assert "off-topic" in mail.outbox[0].body


def test_a_decision_that_a_colleague_confirms_is_mailed_once(jim, maria):
    article = make_article()
    stays = approved(article, author=jim, maria=maria)
    redacted, act = redacted_comment(article, jim, maria)
    an_hour_later()
    acts = [decided(stays, State.REJECTED, "off_topic", maria) for _ in range(2)]
    assert subjects(*acts) == ["Your comment was removed"]
    confirmed = decided(redacted, State.PUBLISHED, Reason.APPROVED, maria)
    assert subjects(act, confirmed) == ["Your comment was redacted"]
    waits = make_comment(article, "See https://one.example and https://two.example here.", author=jim)
    acts = [decided(waits, State.PUBLISHED, Reason.APPROVED, maria) for _ in range(2)]
    assert subjects(*acts) == ["Your comment is published"]


def test_a_comment_published_removed_and_restored_is_mailed_as_published(jim, maria):
    comment = make_comment(make_article(), author=jim)
    acts = [decided(comment, State.PUBLISHED, Reason.APPROVED, maria)]
    acts.append(decided(comment, State.REJECTED, "insult", maria))
    acts.append(undo(action=acts[-1], actor=maria).action)
    assert subjects(*acts) == ["Your comment is published"]


def test_a_second_redaction_is_mailed_too(jim, maria):
    comment, act = redacted_comment(make_article(), jim, maria)
    back = undo(action=act, actor=maria).action
    again = undo(action=back, actor=maria).action
    assert [notify_authors.func(str(one.pk)) for one in (act, back, again)] == [0, 0, 1]
    assert mail.outbox[-1].subject == "Your comment was redacted"
    assert "Ann Smith" not in mail.outbox[-1].body
    assert render_notices([Comment.objects.get(pk=comment.pk)])[comment.pk].kind == DecisionKind.REDACTED
