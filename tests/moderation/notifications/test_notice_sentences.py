"""The sentences of a notice: proposals of checks, earlier reports, and the right to appeal."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import Comment, Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.actions.redactions import redact
from moderation.notifications.notices import render_notices
from moderation.reports import reporting
from tests.factories import UserFactory, make_article
from tests.moderation.notifications.decided_comments import appeal_turned_down, checked, restricted
from tests.moderation.notifications.helpers import PERSON, approved, decided, page_of, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("reason", "is_proposed"), [("spam", True), ("off_topic", False), ("sealed", False)])
def test_a_check_proposed_only_removals_for_its_own_reasons(reason, is_proposed, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    to = State.SPAM if reason == "spam" else State.REJECTED
    change_states(ids=[comment.pk], to=to, reason=reason, actor=maria)
    comment.refresh_from_db()
    sentence = render_notices([comment])[comment.pk].sentences[-1]
    assert sentence == ("An automatic check proposed this, and a person decided." if is_proposed else PERSON)


def test_the_page_says_that_a_restriction_cannot_be_appealed(client, jim, maria):
    comment, _ = restricted(make_article(), jim, maria)
    client.force_login(jim)
    page = text(page_of(client, comment))
    assert "What you can do You can’t appeal this decision here: only an administrator" in page


def test_many_notices_take_as_many_statements_as_one(jim, maria):
    article = make_article()
    made = [approved(article, f"Word {n} of the harbour.", author=jim, maria=maria) for n in range(4)]
    decide(ids=[one.pk for one in made], to=State.REJECTED, reason="insult", actor=maria)

    def statements(ids) -> int:
        rows = list(
            Comment.objects.filter(pk__in=ids).select_related("author", "guest", "discussion__article")
        )
        with CaptureQueriesContext(connection) as captured:
            render_notices(rows)
        return len(captured)

    statements([made[0].pk])  # the process caches the reasons from now on
    assert statements([made[0].pk]) == statements([one.pk for one in made]) <= 9


def test_a_notice_mentions_reports_of_every_earlier_case(jim, maria):
    article, otto = make_article(), UserFactory.create(roles=("Moderator",))
    kept = approved(article, author=jim, maria=maria)
    looked_at = approved(article, "Another word.", author=jim, maria=maria)
    later = approved(article, "Call Ann Smith.", author=jim, maria=maria)
    for one in (kept, looked_at):
        reporting.report_comment(comment=one, user=UserFactory.create(), guest=None, why="abuse", details="")
    decided(kept, State.PUBLISHED, Reason.APPROVED, maria)
    decided(kept, State.REJECTED, "off_topic", maria)
    decided(looked_at, State.REJECTED, "off_topic", maria)
    looked_at.refresh_from_db()
    reporting.appeal_removal(comment=looked_at, user=jim, guest=None, text="")
    decided(looked_at, State.REJECTED, "off_topic", otto)
    redact(comment=later, marked="Call [[Ann Smith]].", actor=maria)
    reporting.report_comment(comment=later, user=UserFactory.create(), guest=None, why="abuse", details="")

    notices = render_notices(list(Comment.objects.filter(pk__in=[kept.pk, looked_at.pk, later.pk])))

    assert "A reader had reported it." in notices[kept.pk].sentences
    assert "A reader had reported it." in notices[looked_at.pk].sentences
    assert "Nobody had reported it." in notices[later.pk].sentences  # at the time of the decision


def test_after_an_appeal_no_second_one_is_offered(jim, maria):
    comment, _ = appeal_turned_down(make_article(), jim, maria)
    decided(comment, State.SPAM, Reason.SPAM, maria)
    assert render_notices([Comment.objects.get(pk=comment.pk)])[comment.pk].next_step.startswith(
        "This decision is final"
    )
