"""Reports of comments: once per reader, weighted by their record; reports alone remove nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.guests import COOKIE, make_confirmation_token
from accounts.models import Guest
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from moderation.actions.cases import REPORT_HOURS
from moderation.actions.decisions import decide, undo
from moderation.actions.redactions import redact
from moderation.models import Case, Report
from moderation.reports import reporting
from moderation.tasks import notify_reporters
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture
def comment():
    return make_comment(
        make_article("The slip"), "Buy my <b>pills</b>.", guest=GuestFactory.create(name="Jim")
    )


def url(comment) -> str:
    return f"{comment.discussion.article.get_absolute_url()}report/{comment.pk}/"


def report(comment, who=None, why="spam", words="") -> Report:
    who = who or UserFactory.create()
    return reporting.report_comment(comment=comment, user=who, guest=None, why=why, details=words)


def remove(comment, actor, to=State.SPAM, reason=Reason.SPAM):
    return decide(ids=[comment.pk], to=to, reason=reason, actor=actor).action


def approve(comment, actor):
    return remove(comment, actor, State.PUBLISHED, Reason.APPROVED)


def make_reporter(right: int, wrong: int, maria):
    """Return a reader with this many right and wrong reports."""
    somebody = UserFactory.create()
    article = make_article()
    for number in range(right + wrong):
        comment = make_comment(article, f"Word {number}.")
        report(comment, somebody)
        (remove if number < right else approve)(comment, maria)
        Report.objects.filter(user=somebody).update(at=timezone.now() - timedelta(days=2))
    return somebody


def test_every_reader_sees_the_report_link_and_cached_pages_are_anonymous(client, comment):
    response = client.get(comment.discussion.article.get_absolute_url())
    assert f'<a href="report/{comment.pk}/">Report</a>' in response.content.decode()
    assert not response.cookies
    page = client.get(comment.get_absolute_url(), follow=True).content.decode()
    assert f'report/{comment.pk}/"' in page


def test_a_member_reports_once_and_is_thanked(client, comment):
    ruth = UserFactory.create(name="Ruth")
    client.force_login(ruth)
    form = client.get(url(comment))
    assert "Report <bdi>Jim</bdi>’s comment" in form.content.decode()
    assert "&lt;b&gt;pills" in form.content.decode()
    assert 'name="email"' not in form.content.decode()

    sent = client.post(url(comment), {"why": "spam", "details": "Sold thrice."}, follow=True)
    page = sent.content.decode()
    assert "Thank you for your report" in page
    assert "Not reviewed yet." in page
    assert "You reported this comment: “It is spam or advertising”, " in page
    (row,) = Report.objects.all()
    assert (row.user, row.why, row.details, row.weight) == (ruth, "spam", "Sold thrice.", 1)
    case = Case.objects.get(comment=comment)
    assert case.is_reported
    assert timedelta() <= case.opened_at - case.due_at - timedelta(hours=REPORT_HOURS) < timedelta(minutes=1)

    again = client.post(url(comment), {"why": "abuse"}, follow=True)
    assert "You have already reported this comment." in again.content.decode()
    assert Report.objects.count() == 1
    assert Comment.objects.get(pk=comment.pk).state == State.PUBLISHED


def test_an_unknown_reader_gives_name_and_e_mail_and_has_low_weight(
    client, comment, checking_policy, django_capture_on_commit_callbacks
):
    filled = {"why": "abuse", "details": "", "name": "Bo", "email": "bo@example.org"}
    empty = client.post(url(comment), {"why": "abuse", "details": "Rude."})
    assert empty.status_code == 422
    assert "Rude." in empty.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(url(comment), filled)
    assert response.status_code == 302
    assert COOKIE in response.cookies
    row = Report.objects.get()
    assert (row.guest.name, row.weight) == ("Bo", reporting.UNCONFIRMED_WEIGHT)
    assert DBTaskResult.objects.get().task_path.endswith("mail_confirmation")
    assert "Thank you for your report" in client.get(url(comment)).content.decode()

    confirm_url = f"/guests/confirm/{make_confirmation_token(row.guest)}/"
    assert f'href="{url(comment)}">Your report</a>' in client.get(confirm_url).content.decode()
    Guest.objects.update(confirmed_at=None)
    client.cookies.clear()
    confirmation = client.get(confirm_url).content.decode()
    assert "Did you use this e-mail here?" in confirmation
    assert "comment?" not in confirmation, "the reporter wrote none"
    assert "Your report" not in confirmation, "another browser does not show it"
    due_at = Case.objects.get().due_at
    other_browser = client.post(url(comment), filled | {"email": "BO@example.org"})
    # The same as for everybody, so that nobody can find out who reported it.
    assert other_browser.status_code == 302
    assert Report.objects.latest("at").weight == 0
    assert Case.objects.get().due_at == due_at


def test_something_else_needs_details(client, comment):
    client.force_login(UserFactory.create())
    response = client.post(url(comment), {"why": "other", "details": " "})
    assert response.status_code == 422
    assert "Please describe" in response.content.decode()


@pytest.mark.parametrize(("why", "status"), [("", 422), ("flag", 422), ("spam\x00", 422)])
def test_an_unknown_reason_is_refused(client, comment, why, status):
    client.force_login(UserFactory.create())
    assert client.post(url(comment), {"why": why}).status_code == status
    assert not Case.objects.exists()


def test_own_and_removed_comments_cannot_be_reported(client, maria):
    ruth = UserFactory.create()
    own, gone = make_comment(make_article(), author=ruth), make_comment(make_article())
    client.force_login(ruth)
    assert "This is your own comment." in client.get(url(own)).content.decode()
    assert client.post(url(own), {"why": "spam"}).status_code == 422
    remove(gone, maria)
    assert client.get(url(gone)).headers["Location"] == gone.get_absolute_url()
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("right", "wrong", "weight"),
    [(0, 0, 1), (1, 0, 4 / 3), (2, 0, 1.5), (8, 0, 1.8), (0, 1, 0.75), (0, 8, 0.4), (4, 4, 1)],
)
def test_the_weight_of_reports_depends_on_earlier_ones(maria, comment, right, wrong, weight):
    somebody = make_reporter(right, wrong, maria)
    assert report(comment, somebody).weight == pytest.approx(weight)


def test_the_extremes_are_two_and_a_quarter(maria, comment):
    assert 0.25 < report(comment, make_reporter(0, 30, maria)).weight < 0.35
    assert 1.9 < report(comment, make_reporter(30, 0, maria)).weight < 2


def test_a_burst_of_reports_raises_the_priority_and_removes_nothing(client, comment):
    calm = make_comment(comment.discussion.article, "Something else.")
    report(calm)
    before = client.get(comment.discussion.article.get_absolute_url()).content
    version = Comment.objects.get(pk=comment.pk).discussion.version
    for _ in range(60):
        reporting.report_comment(
            comment=comment, user=None, guest=GuestFactory.create(), why="abuse", details="Away with it!"
        )
    first, second = Case.objects.open().order_by("due_at")
    assert (first.comment, second.comment) == (comment, calm)
    row = Comment.objects.get(pk=comment.pk)
    assert (row.state, row.discussion.version) == (State.PUBLISHED, version)
    assert client.get(comment.discussion.article.get_absolute_url()).content == before


def test_three_reliable_reporters_raise_the_priority_further(maria, comment):
    # The second has been right once only, which is not enough to be usually right.
    people = [make_reporter(right, 0, maria) for right in (2, 1, 2, 2, 2)]
    dues = []
    for somebody in people:
        report(comment, somebody)
        dues.append(Case.objects.open().get(comment=comment).due_at)
    steps = [round((a - b) / timedelta(hours=1), 3) for a, b in pairwise(dues)]
    own = REPORT_HOURS * 1.5
    assert steps == [REPORT_HOURS * 4 / 3, own, own + 24, own]


def test_reports_per_hour_are_limited_and_input_is_kept(client):
    article = make_article()
    comments = [make_comment(article, f"Word {n}.") for n in range(reporting.MAX_REPORTS_PER_HOUR + 1)]
    client.force_login(UserFactory.create())
    assert {client.post(url(one), {"why": "spam"}).status_code for one in comments[:-1]} == {302}
    response = client.post(url(comments[-1]), {"why": "other", "details": "My reasons."})
    assert response.status_code == 429
    assert "My reasons." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_for_simultaneous_reports(monkeypatch):
    monkeypatch.setattr(reporting, "MAX_REPORTS_PER_HOUR", 2)
    article, somebody, together = make_article(), UserFactory.create(), Barrier(6)

    def send(comment: Comment) -> bool:
        try:
            together.wait()
            return report(comment, somebody).pk > 0
        except ValidationError:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(send, [make_comment(article, f"Word {n}.") for n in range(6)]))
    assert sum(sent) == Report.objects.count() == 2


def test_strangers_share_a_limit_for_each_network_and_hour(client, monkeypatch, time_machine):
    monkeypatch.setattr("moderation.screening.origins.MAX_ANONYMOUS_REPORTS_PER_HOUR", 2)
    article, began = make_article(), timezone.now() - timedelta(minutes=61)
    statuses = []
    for minutes in (0, 1, 2, 8, 50, 61):
        time_machine.move_to(began + timedelta(minutes=minutes))
        client.cookies.clear()
        filled = {"why": "spam", "name": "Bo", "email": f"bo{minutes}@example.org"}
        statuses.append(client.post(url(make_comment(article)), filled, REMOTE_ADDR="192.0.2.77").status_code)
    assert statuses == [302, 302, 429, 429, 429, 302]


def test_the_outcome_is_shown_on_the_page_and_mailed_to_confirmed_e_mails(client, comment, maria):
    ruth, unproved = UserFactory.create(email="ruth@example.org"), UserFactory.create()
    confirm_email(ruth)
    other = make_comment(comment.discussion.article, "Another one.")
    for one in (comment, other):
        report(one, ruth)
        report(one, unproved)
    act = decide(ids=[comment.pk, other.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    assert notify_reporters.func(str(act.pk)) == 1
    (message,) = mail.outbox
    assert message.to == ["ruth@example.org"]
    assert message.subject == "The decisions on your reports"
    outcome = "You reported: “It is spam or advertising”. A moderator reviewed the comment and removed it."
    assert message.body.count(outcome) == 2
    assert notify_reporters.func(str(act.pk)) == 0  # once
    assert {row.user for row in Report.objects.exclude(notified_at=None)} == {ruth}

    client.force_login(ruth)
    page = client.get(url(comment)).content.decode()
    assert "reviewed the comment and removed it" in page
    # Neither the comment nor its author is shown any more. A token of a form may contain the letters.
    assert not re.search(r"\bJim\b", page)


def test_mailing_many_outcomes_takes_no_more_statements(maria):
    def statements(count: int) -> int:
        article = make_article()
        comments = [make_comment(article, f"Word {n}.") for n in range(count)]
        for one in comments:
            guest = GuestFactory.create(confirmed_at=timezone.now())
            reporting.report_comment(comment=one, user=None, guest=guest, why="spam", details="")
            reporting.report_illegal_content(comment=one, why="§ 130", email=f"{one.pk}@example.org")
        act = decide(ids=[one.pk for one in comments], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
        with CaptureQueriesContext(connection) as queries:
            assert notify_reporters.func(str(act.pk)) == 2 * count
        return len(queries)

    assert statements(6) == statements(2) <= 10


def test_a_redaction_is_an_outcome_only_for_reports_before_it(client, maria):
    earlier, now = (make_comment(make_article(), "Call Ann Smith.") for _ in range(2))
    redact(comment=earlier, marked="Call [[Ann Smith]].", actor=maria)
    ruth = UserFactory.create()
    for one in (earlier, now):
        report(one, ruth)
    approve(earlier, maria)
    redact(comment=now, marked="Call [[Ann Smith]].", actor=maria)
    client.force_login(ruth)
    assert "reviewed the comment and kept it" in client.get(url(earlier)).content.decode()
    assert "reviewed the comment and removed words from it" in client.get(url(now)).content.decode()


def test_reporters_are_not_mailed_about_a_decision_that_is_undone_at_once(comment, maria):
    ruth = UserFactory.create()
    confirm_email(ruth)
    report(comment, ruth)
    act = remove(comment, maria)
    undo(action=act, actor=maria)
    assert notify_reporters.func(str(act.pk)) == 0
    kept = approve(comment, maria)
    assert notify_reporters.func(str(kept.pk)) == 1
    assert "reviewed the comment and kept it" in mail.outbox[0].body


def test_a_decision_queues_one_job_only_if_there_are_reports(
    comment, maria, django_capture_on_commit_callbacks
):
    quiet = make_comment(comment.discussion.article, "Nobody minds.")
    report(comment)
    report(comment)
    with django_capture_on_commit_callbacks(execute=True):
        decide(ids=[comment.pk, quiet.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    jobs = [job.task_path for job in DBTaskResult.objects.all()]
    assert jobs.count("moderation.tasks.notify_reporters") == 1
    with django_capture_on_commit_callbacks(execute=True):
        decide(ids=[quiet.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    jobs = [job.task_path for job in DBTaskResult.objects.all()]
    assert jobs.count("moderation.tasks.notify_reporters") == 1


def test_a_reported_comment_that_waits_is_in_both_queues(comment):
    report(comment)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    case = Case.objects.get(comment=comment)
    assert (case.is_reported, case.is_pending, case.closed_at) == (True, True, None)


def test_reports_are_read_without_names_in_one_statement_for_each_kind(comment, maria, emil):
    bo = UserFactory.create(name="Bo Reporter")
    report(comment, bo, "other", "See line two.")
    report(comment, make_reporter(2, 0, maria), "abuse")
    reporting.report_illegal_content(comment=comment, why="§ 130", name="Nia Notifier", email="n@example.org")
    case = Case.objects.open().get(comment=comment)
    assert not emil.is_moderator  # reads his roles
    with CaptureQueriesContext(connection) as statements:
        requests = reporting.review_requests(case, emil)
    assert len(statements) == 2
    assert [(one.kind, one.sentence, one.text, one.weight) for one in requests] == [
        ("report", "Reported: other.", "See line two.", ""),
        ("report", "Reported: abuse.", "", "usually right"),
        ("illegal_content", "Reported as illegal content.", "§ 130", ""),
    ]
    assert "Bo Reporter" not in str(requests)
    assert "Nia" not in str(requests)
    for_moderators = str(reporting.review_requests(case, maria))
    assert "Bo Reporter" not in for_moderators
    assert "Nia Notifier" in for_moderators


def test_the_heaviest_of_many_reports_are_shown_and_the_others_counted(comment, maria):
    for _ in range(reporting.MAX_REPORTS_SHOWN + 2):
        guest = GuestFactory.create()
        reporting.report_comment(
            comment=comment, user=None, guest=guest, why="abuse", details="Away with it!"
        )
    report(comment, make_reporter(2, 0, maria), "spam", "Sold thrice.")
    requests = reporting.review_requests(Case.objects.open().get(comment=comment), maria)
    assert len(requests) == reporting.MAX_REPORTS_SHOWN + 1
    assert "Sold thrice." in {one.text for one in requests}
    assert requests[-1].sentence == "3 more reports with at most the same weight."
