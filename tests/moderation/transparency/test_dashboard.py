"""The dashboard: the numbers in its charts, and that text of users cannot break the SVG."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment, Reason, State, Transition
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import delete_comment
from core.dates.formats import time_formatter
from moderation.actions.decisions import decide, undo
from moderation.models import Action, Case, Finding, Rule
from moderation.transparency import charts, dashboard
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]
URL = "/moderation/dashboard/"


def last_entry(article) -> bytes:
    return Transition.objects.filter(discussion=article.pk).latest("seq").hash


def test_a_dashboard_without_data_says_so(maria_client):
    page = maria_client.get(URL)
    assert page.status_code == 200
    assert "Nothing to show." in page.text
    assert "This queue is empty." in page.text


def test_removals_are_counted_by_day_and_reason(maria_client, maria):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(4)]
    decide(ids=ids[:3], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    decide(ids=ids[3:], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    period = dashboard.load_period(30, UTC)
    today = time_formatter(UTC).date_text(timezone.now())
    assert period.chart.rows[-1] == (today, [4, 4])
    assert len(period.chart.rows) == 30
    assert [(share.label, share.n, share.percent) for share in period.reasons] == [
        ("spam", 3, 75),
        ("insult", 1, 25),
    ]


def test_undone_removals_do_not_count(maria):
    article = make_article("The pier")
    ids = [make_comment(article).pk for _ in range(3)]
    with triggers_disabled():
        Comment.objects.filter(pk=ids[2]).update(state_reason=Reason.IMPORTED)
    decide(ids=ids[:1], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria)
    undone = undo(action=act.action, actor=maria)

    def reasons() -> list[tuple[str, int]]:
        return [(share.label, share.n) for share in dashboard.load_period(30, UTC).reasons]

    assert reasons() == [("insult", 1)]
    undo(action=undone.action, actor=maria)
    assert reasons() == [("spam", 3)]
    assert dashboard.load_period(30, UTC).decided == 4
    assert dashboard.busiest_articles(30, UTC, None) == [(article.slug, "The pier", 3)]


def test_the_end_of_a_removal_before_the_period_does_not_count(maria):
    article = make_article()
    old, restored, redone, changed, new = (make_comment(article).pk for _ in range(5))
    decide(ids=[old, restored, changed], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    before = decide(ids=[redone], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    with triggers_disabled():
        Transition.objects.update(at=timezone.now() - timedelta(days=40))
    decide(ids=[new], to=State.SPAM, reason=Reason.SPAM, actor=maria)

    def reasons(days: int = 30) -> dict[str, int]:
        return {share.label: share.n for share in dashboard.load_period(days, UTC).reasons}

    assert reasons() == {"spam": 1}
    decide(ids=[restored], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    undone = undo(action=before.action, actor=maria)
    assert reasons() == {"spam": 1}
    undo(action=undone.action, actor=maria)  # the removal of 40 days ago holds again
    assert reasons() == {"spam": 1}
    decide(ids=[redone], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert reasons() == {"spam": 1}
    decide(ids=[changed], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert reasons() == {"spam": 1, "insult": 1}
    assert reasons(days=90) == {"spam": 2, "insult": 1}
    decide(ids=[new], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert reasons() == {"insult": 1}


def test_a_removal_before_the_period_that_is_confirmed_does_not_count(maria):
    """As after an appeal."""
    article = make_article()
    old, new = make_comment(article).pk, make_comment(article).pk
    decide(ids=[old], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    with triggers_disabled():
        Transition.objects.update(at=timezone.now() - timedelta(days=40))

    def reasons() -> list[int]:
        return [share.n for share in dashboard.load_period(30, UTC).reasons]

    decide(ids=[new], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    decide(ids=[old, new], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert reasons() == [1]
    decide(ids=[old], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert reasons() == [1]
    decide(ids=[new], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert reasons() == []


def test_a_removal_before_the_period_that_is_restored_does_not_count(maria):
    comment = make_comment(make_article()).pk
    decide(ids=[comment], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    with triggers_disabled():
        Transition.objects.update(at=timezone.now() - timedelta(days=40))
    insult = decide(ids=[comment], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    undo(action=insult.action, actor=maria)
    assert dashboard.load_period(30, UTC).reasons == []
    assert [share.n for share in dashboard.load_period(90, UTC).reasons] == [1]


def test_undone_postings_and_imports_do_not_count(maria):
    article, ada = make_article("The pier", source_key="one"), UserFactory.create(name="Ada")
    kept, undone = (make_comment(article, f"Word {n}", author=ada) for n in range(2))
    delete_comment(comment=undone, user=ada, guest=None, reason=Reason.POSTING_UNDONE)
    rows = [
        ImportedComment(source_id=str(n), author_name="Jim", body=f"Jim {n}", created_at=timezone.now())
        for n in range(3)
    ]
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    imported = import_comments(article=article, comments=rows, actor=None, action_id=action.pk).created

    def counts() -> tuple[int, int, int]:
        """Return the comments that were posted, those of the story, and those of its timeline."""
        found = dashboard.load_timeline(article.pk, UTC, last_entry(article))
        assert found
        period, stories = dashboard.load_period(30, UTC), dashboard.busiest_articles(30, UTC, None)
        assert period.chart.rows[-1][1][0] == period.posted
        return period.posted, sum(n for *_, n in stories), sum(n for _label, (n, _) in found[0].rows)

    assert counts() == (1, 4, 4)
    decide(ids=imported[:1], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert counts() == (1, 4, 4)
    away = undo(action=action, actor=maria).action
    assert counts() == (1, 2, 2)  # the one that was decided on stays
    undo(action=away, actor=maria)
    assert counts() == (1, 4, 4)
    delete_comment(comment=kept, user=ada, guest=None)
    assert counts() == (1, 4, 4)


def test_an_action_undone_today_does_not_count_on_the_day_before(maria):
    article, ada = make_article("The pier"), UserFactory.create(name="Ada")
    comments = [make_comment(article, f"Word {n}", author=ada) for n in range(2)]
    yesterday = timezone.now() - timedelta(days=1)
    with triggers_disabled():
        Transition.objects.update(at=yesterday)
        Comment.objects.update(created_at=yesterday)

    def counts() -> tuple[list[int], int]:
        rows = dashboard.load_period(30, UTC).chart.rows[-2:]
        return [posted for _day, (posted, _n) in rows], sum(
            n for *_, n in dashboard.busiest_articles(30, UTC, None)
        )

    assert counts() == ([2, 0], 2)
    delete_comment(comment=comments[0], user=ada, guest=None, reason=Reason.POSTING_UNDONE)
    assert counts() == ([1, 0], 1)
    decide(ids=[comments[1].pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert counts() == ([1, 0], 1)


def test_days_that_have_passed_are_counted_once_and_today_each_time(maria, django_assert_num_queries):
    """Past days take one statement in total, since their entries can't change."""
    article = make_article("Long ago")
    comment = make_comment(article)

    def line(days_ago: int) -> None:
        with triggers_disabled("transition_true"):
            Transition.objects.create(
                discussion_id=article.pk,
                comment=comment,
                revision=1,
                actor=maria,
                from_state=State.PUBLISHED,
                to_state=State.SPAM,
                reason=Reason.SPAM,
                at=timezone.now() - timedelta(days=days_ago),
                seq=0,
                hash=b"",
            )

    line(2)
    assert [n for _day, (_posted, n) in dashboard.load_period(30, UTC).chart.rows[-3:]] == [1, 0, 0]
    line(0)
    with django_assert_num_queries(
        2 + 1
    ):  # the last entry before today, today's entries, and the labels of reasons
        period = dashboard.load_period(30, UTC)
    assert [n for _day, (_posted, n) in period.chart.rows[-3:]] == [1, 0, 1]
    assert dashboard.busiest_articles(30, UTC, None) == [
        (article.slug, "Long ago", 1)
    ]  # one comment, whatever was decided
    line(1)  # an entry as in another database
    assert [n for _day, (_posted, n) in dashboard.load_period(30, UTC).chart.rows[-3:]] == [1, 1, 1]


def test_decisions_are_counted_by_rule(maria):
    article = make_article()
    rule = Rule.objects.create(kind="term", value="casino")
    comments = [make_comment(article) for _ in range(4)]
    for comment in comments:
        Finding.objects.create(
            comment=comment, revision=1, check_name="term", strength=1, holds=True, rule=rule
        )
    decide(ids=[c.pk for c in comments[:3]], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    wrong = decide(ids=[comments[3].pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    back = undo(action=wrong.action, actor=maria)
    (record,) = dashboard.decisions_by_check(30, UTC)
    assert (record.label, record.decided, record.removed_percent, record.undone_percent) == (
        "a term: casino",
        4,
        100,
        25,
    )
    again = undo(action=back.action, actor=maria)  # the undo was undone, so the decision is in effect
    assert dashboard.decisions_by_check(30, UTC)[0].undone_percent == 0
    undo(action=again.action, actor=maria)
    assert dashboard.decisions_by_check(30, UTC)[0].undone_percent == 25


def test_a_partly_undone_action_counts_by_comment(maria):
    article = make_article()
    comments = [make_comment(article) for _ in range(4)]
    for comment in comments:
        Finding.objects.create(comment=comment, revision=1, check_name="links", strength=1, holds=True)
    sweep = decide(ids=[c.pk for c in comments], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    for comment in comments[:3]:
        decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    undo(action=sweep, actor=maria)  # it undoes one decision, since three comments have newer ones
    (record,) = dashboard.decisions_by_check(30, UTC)
    assert (record.decided, record.undone_percent) == (7, 14)


def test_filter_findings_have_labels_and_count_if_they_caused_a_review(maria):
    comments = [make_comment(make_article()) for _ in range(2)]
    for comment, waits in zip(comments, (True, False), strict=True):
        for name, holds in (("filter", waits), ("praise", False)):
            Finding.objects.create(comment=comment, revision=1, check_name=name, strength=0.5, holds=holds)
    decide(ids=[c.pk for c in comments], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    decided = {one.label: one.decided for one in dashboard.decisions_by_check(30, UTC)}
    assert decided == {"generic praise": 2, "the spam filter": 1}


def test_waiting_comments_are_counted_by_age():
    article = make_article()
    for hours in (0.5, 2, 5, 30, 100, 1_000, 2_000):
        Case.objects.create(
            comment=make_comment(article),
            discussion_id=article.pk,
            is_pending=True,
            opened_at=timezone.now() - timedelta(hours=hours),
        )
    assert [share.n for share in dashboard.pending_by_age()] == [1, 1, 1, 1, 1, 2]


def test_a_burst_stands_out(maria_client):
    article = make_article()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    times = [start + timedelta(hours=6 * n) for n in range(20)]
    times += [start + timedelta(hours=50, minutes=n) for n in range(12)]
    for at in times:
        Comment.objects.filter(pk=make_comment(article).pk).update(created_at=at)
    found = dashboard.load_timeline(article.pk, UTC, last_entry(article))
    assert found is not None
    chart, bursts = found
    assert [(burst.at, burst.count) for burst in bursts] == [(start + timedelta(hours=50), 12)]
    assert sum(numbers[0] for _label, numbers in chart.rows) == 32
    assert len(chart.rows) <= dashboard.TIMELINE_BARS
    assert "12 comments in an hour, 0 of them removed" in maria_client.get(f"{URL}?story={article.slug}").text


def test_a_timeline_is_counted_once_until_the_log_of_its_discussion_goes_on(maria_client, maria):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(2)]

    def read_chart() -> tuple[list[int], int]:
        """Return the numbers of comments posted and removed, and how many statements counted them."""
        with CaptureQueriesContext(connection) as queries:
            chart, _bursts = maria_client.get(f"{URL}?story={article.slug}").context["timeline"]
        numbers = [sum(column) for column in zip(*(row for _label, row in chart.rows), strict=True)]
        return numbers, sum("date_trunc('hour'" in query["sql"] for query in queries)

    assert read_chart() == ([2, 0], 1)
    assert read_chart() == ([2, 0], 0)
    decision = decide(ids=ids[:1], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert read_chart() == ([2, 1], 1)
    undo(action=decision.action, actor=maria)
    assert read_chart() == ([2, 0], 1)
    make_comment(article)
    assert read_chart() == ([3, 0], 1)
    assert read_chart() == ([3, 0], 0)


def test_user_text_is_escaped(maria_client, maria):
    article = make_article('</title><script>alert(1)</script>"')
    rule = Rule.objects.create(kind="term", value="<svg onload=alert(2)>")
    comment = make_comment(article)
    Finding.objects.create(comment=comment, revision=1, check_name="term", strength=1, holds=True, rule=rule)
    decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    page = maria_client.get(URL).text
    assert "<script>alert" not in page
    assert "<svg onload" not in page
    assert "&lt;svg onload" in page
    assert " style=" not in page


def test_every_chart_has_a_title_and_a_table(maria_client):
    make_comment(make_article())
    page = maria_client.get(URL).text
    pictures = re.findall(r'<svg [^>]*role="img" aria-labelledby="([\w-]+) ([\w-]+)">', page)
    assert pictures
    for title, description in pictures:
        assert f'<title id="{title}">' in page
        assert f'<desc id="{description}">' in page
    assert page.count("As a table") == len(pictures)


def test_the_number_of_statements_does_not_grow(maria_client, maria):
    with CaptureQueriesContext(
        connection,
    ) as few:
        maria_client.get(URL)
    for n in range(6):
        article = make_article(f"Story {n}")
        for _ in range(3):
            make_comment(article)
    with CaptureQueriesContext(connection) as many:
        maria_client.get(URL)
    assert len(many) <= len(few) + 2  # one story's name and its timeline


@pytest.mark.parametrize(
    "query", ["?days=x", "?days=90", "?story=", "?story=%00", "?story=none", "?days[]=1"]
)
def test_invalid_queries_are_no_errors(maria_client, query):
    assert maria_client.get(URL + query).status_code in {200, 404}


def test_only_moderators_see_it(client):
    assert client.get(URL).status_code == 302
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert client.get(URL).status_code == 403


def test_bars_keep_the_small_beside_the_large():
    chart = charts.bars(title="", description="", names=["a", "b"], rows=[("x", [1, 0]), ("y", [10_000, 2])])
    assert chart.series[0].path == "M1 0v-1.5h4v1.5zM11 0v-100h4v100z"
    assert chart.series[1].path == "M15 0v-1.5h4v1.5z"
    assert (chart.top, chart.width) == (10_000, 20)
