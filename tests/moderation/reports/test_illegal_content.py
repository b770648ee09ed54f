"""Reports of illegal content: anyone can send one and gets a receipt; moderators are mailed at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult, get_date_max

from articles.models import UNPUBLISHED_TITLE, Article
from comments.models import Reason, State
from comments.services.states import change_states, delete_comment
from core.rate_limits import MAX_MAILS_PER_DAY
from moderation.actions.decisions import decide
from moderation.models import Case, IllegalContentReport
from moderation.reports import reporting
from moderation.tasks import notify_moderators, notify_reporters, send_receipt
from tests.factories import UserFactory, confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL = "/report-illegal/"


@pytest.fixture
def comment():
    return make_comment(make_article("The slip"), "A threat of some kind.")


def moderator(role="Moderator", **fields):
    return confirm_email(UserFactory.create(roles=(role,), **fields))


def filled(comment, **fields) -> dict[str, str]:
    return {
        "url": str(comment.pk),
        "why": "It is a threat: § 241.",
        "name": "Nia",
        "email": "nia@example.org",
        "in_good_faith": "on",
    } | fields


def report_illegal(comment, **fields) -> IllegalContentReport:
    return reporting.report_illegal_content(
        comment=comment, **({"why": "A threat.", "email": "n@example.org"} | fields)
    )


def test_a_too_long_text_is_refused_with_the_count(client, comment):
    """The form has no maxlength, since browsers would cut pasted text silently."""
    assert "maxlength" not in client.get(URL).text
    why = "It is a threat. " * 2_000
    answer = client.post(URL, filled(comment, why=why))
    assert (answer.status_code, IllegalContentReport.objects.exists()) == (422, False)
    assert f"{len(why.strip()):,}" in answer.text
    assert why.strip() in answer.text


def test_every_page_links_to_the_form_and_a_report_page_fills_in_the_comment(client, comment):
    assert f'href="{URL}"' in client.get("/").content.decode()
    page = client.get(f"{comment.discussion.article.get_absolute_url()}report/{comment.pk}/").content.decode()
    assert f'href="{URL}?comment={comment.pk}"' in page
    form = client.get(f"{URL}?comment={comment.pk}").content.decode()
    assert f'value="{comment.pk}"' in form


def test_anyone_can_report_and_gets_a_receipt_with_the_status(
    client, comment, maria, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(URL, filled(comment))
    row = IllegalContentReport.objects.get()
    assert response.headers["Location"] == f"{URL}{row.receipt}/"
    assert (row.name, row.email, row.in_good_faith, row.why) == (
        "Nia",
        "nia@example.org",
        True,
        "It is a threat: § 241.",
    )
    page = client.get(response.headers["Location"])
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Not reviewed yet." in page.content.decode()
    jobs = {job.task_path.rpartition(".")[2] for job in DBTaskResult.objects.all()}
    assert jobs == {"notify_moderators", "send_receipt"}

    act = decide(ids=[comment.pk], to=State.REJECTED, reason="other", actor=maria).action
    page = client.get(response.headers["Location"]).content.decode()
    assert "A moderator reviewed the comment and removed it." in page
    assert "to a court" in page
    assert "report the comment again" not in page.lower()  # the comment is removed already
    assert notify_reporters.func(str(act.pk)) == 1
    (message,) = mail.outbox
    assert message.to == ["nia@example.org"]
    assert (
        "reviewed the comment and removed it. A person decided this, not an automatic check." in message.body
    )
    assert "to a court" in message.body
    assert f"{URL}{row.receipt}/" in message.body


def test_child_abuse_is_reported_anonymously(client, comment, django_capture_on_commit_callbacks):
    assert "leave name and e-mail empty." in client.get(URL).text  # the sentence does not name the reason
    bare = {"url": str(comment.pk), "is_child_abuse": "on", "why": "It links to pictures."}
    unfinished = client.post(URL, bare)  # the good-faith box is not checked
    assert unfinished.status_code == 422
    page = unfinished.content.decode()  # the fields are there without an error, in case the box is unchecked
    assert page.count("is-invalid") == 1
    assert 'class="reporter"' in page
    assert 'name="name"' in page
    assert "It links to pictures." in unfinished.content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(URL, bare | {"in_good_faith": "on", "name": "Nia", "email": "no e-mail"})
    row = IllegalContentReport.objects.get()
    assert (row.is_child_abuse, row.name, row.email) == (True, "", "")
    assert client.get(response.headers["Location"]).status_code == 200
    assert [job.task_path.rpartition(".")[2] for job in DBTaskResult.objects.all()] == ["notify_moderators"]

    unticked = client.post(URL, bare | {"in_good_faith": "on", "is_child_abuse": "false"})
    assert unticked.status_code == 422  # other reports cannot be anonymous
    assert IllegalContentReport.objects.count() == 1


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("name", "This field is required, except to report child abuse."),
        ("email", "This field is required, except to report child abuse."),
        ("why", "This field is required."),
        ("url", "This field is required."),
        ("in_good_faith", "Please confirm this."),
    ],
)
def test_missing_fields_are_required_and_input_is_kept(client, comment, missing, words):
    response = client.post(URL, filled(comment, **{missing: ""}))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert missing == "why" or "It is a threat: § 241." in page
    assert not IllegalContentReport.objects.exists()


def test_the_comment_is_found_by_its_number_or_its_links(client, comment):
    story = comment.discussion.article.get_absolute_url()
    ways = [
        f" {comment.pk} ",
        f"#{comment.pk}",
        f"http://testserver{comment.get_absolute_url()}",
        f"https://elsewhere.example{story}#comment-{comment.pk}",
        f"{comment.get_absolute_url()}?after=7",
    ]
    for url in ways:
        assert client.post(URL, filled(comment, url=url)).status_code == 302, url


@pytest.mark.parametrize("url", ["0", "9" * 18, "9" * 40, "x", "https://[", "/comments/", "#comment-", "²"])
def test_an_unknown_comment_is_refused(client, comment, url):
    response = client.post(URL, filled(comment, url=url))
    assert response.status_code == 422
    assert "We found no comment there." in response.content.decode()
    assert client.get(URL, {"comment": url}).status_code == 200


def test_nothing_about_hidden_comments_is_revealed(client, comment, maria):
    waiting, gone = (
        make_comment(comment.discussion.article, "Waits."),
        make_comment(comment.discussion.article, "Gone."),
    )
    draft = make_comment(make_article("Draft", published_at=timezone.now() + timedelta(days=1)), "Early.")
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    for hidden in (waiting, draft):
        assert "We found no comment there." in client.post(URL, filled(hidden)).content.decode()
    assert "already removed" in client.post(URL, filled(gone)).content.decode()


def test_its_case_is_first_and_the_comment_stays_published(comment):
    early = make_comment(comment.discussion.article, "Reported by many.")
    for _ in range(20):
        reporting.report_comment(
            comment=early, user=UserFactory.create(), guest=None, why="abuse", details=""
        )
    report_illegal(comment)
    report_illegal(comment)
    first, second = Case.objects.open().order_by("due_at")
    assert (first.comment, second.comment) == (comment, early)
    assert first.is_reported_illegal
    assert first.due_at > timezone.now() - timedelta(days=3_651)  # its priority was raised once
    comment.refresh_from_db()
    assert comment.state == State.PUBLISHED


def test_moderators_are_mailed_at_once_without_a_quote(comment, maria, django_capture_on_commit_callbacks):
    confirm_email(maria)
    moderator("Administrator", email="ada@example.org")
    moderator("Editor")
    UserFactory.create(roles=("Moderator",))  # an unconfirmed e-mail
    moderator(is_active=False)
    with django_capture_on_commit_callbacks(execute=True):
        first = report_illegal(comment, why="It is a threat.")
        report_illegal(comment, email="")  # in the same case: no second mail
    job = DBTaskResult.objects.get(task_path="moderation.tasks.notify_moderators")
    assert job.run_after == get_date_max()  # that is, at once
    assert notify_moderators.func(first.pk) == 2
    assert {tuple(m.to) for m in mail.outbox} == {("maria@example.org",), ("ada@example.org",)}
    for message in mail.outbox:
        assert "/moderation/" in message.body
        assert "threat" not in message.body


def test_a_receipt_quotes_nothing_and_mails_are_limited(comment):
    rows = [report_illegal(comment, why="Buy pills", name="Buy pills") for _ in range(MAX_MAILS_PER_DAY + 2)]
    assert [send_receipt.func(row.pk) for row in rows] == [1] * MAX_MAILS_PER_DAY + [0, 0]
    for message, row in zip(mail.outbox, rows, strict=False):
        assert "pills" not in message.body
        assert f"{URL}{row.receipt}/" in message.body


def test_the_url_of_a_receipt_cannot_be_guessed(client, comment):
    report_illegal(comment)
    assert client.get(f"{URL}{uuid4()}/").status_code == 404
    assert client.get(f"{URL}1/").status_code == 404
    assert client.post(f"{URL}{IllegalContentReport.objects.get().receipt}/").status_code == 405


def test_reports_per_network_are_limited_and_input_is_kept(client, comment, monkeypatch):
    monkeypatch.setattr("moderation.screening.origins.MAX_ANONYMOUS_REPORTS_PER_HOUR", 1)
    here = {"REMOTE_ADDR": "192.0.2.78"}
    assert client.post(URL, filled(comment), **here).status_code == 302
    response = client.post(URL, filled(comment), **here)
    assert response.status_code == 429
    assert "It is a threat: § 241." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_for_simultaneous_reports(monkeypatch):
    """Each comes over its own connection, as from a script."""
    monkeypatch.setattr("moderation.screening.origins.MAX_ANONYMOUS_REPORTS_PER_HOUR", 2)
    sent, together = filled(make_comment(make_article())), Barrier(6)

    def send(_number: int) -> int:
        try:
            together.wait()
            return Client().post(URL, sent, REMOTE_ADDR="192.0.2.79").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [302, 302, 429, 429, 429, 429]
    assert IllegalContentReport.objects.count() == 2


def test_a_second_report_after_a_decision_opens_a_new_case(comment, maria):
    first = report_illegal(comment)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    again = report_illegal(comment)
    assert again.case != first.case
    assert again.case.closed_at is None


def test_the_receipt_hides_the_title_of_an_unpublished_story(client, comment):
    row = report_illegal(comment)
    path = f"{URL}{row.receipt}/"
    assert "under “The slip”" in client.get(path).text
    Article.objects.filter(pk=comment.discussion_id).update(published_at=None, title="Unheardof")
    page = client.get(path).text
    assert "Unheardof" not in page
    assert UNPUBLISHED_TITLE in page


def test_a_kept_comment_can_be_reported_again_from_the_receipt(client, comment, maria):
    row = report_illegal(comment)
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria).action
    page = client.get(f"{URL}{row.receipt}/").content.decode()
    assert f'href="{URL}?comment={comment.pk}"' in page
    notify_reporters.func(str(act.pk))
    assert "report the comment again with what we overlooked" in mail.outbox[0].body


def test_a_card_shows_the_first_and_last_of_hundreds_of_reports(client, comment, maria):
    """A card shows only some of many long reports, but always those of child abuse."""
    for number in range(30):
        report_illegal(comment, why=f"It is a threat: {number:02}.", is_child_abuse=number == 15)
    client.force_login(maria)
    page = client.get(f"/moderation/comments/{comment.pk}/").content.decode()
    read = [int(number) for number in re.findall(r"It is a threat: (\d\d)\.", page)]
    assert read == [0, 1, 2, 3, 4, 15, 25, 26, 27, 28, 29]
    assert "19 more reports followed." in page


def test_a_deletion_by_the_author_is_not_called_a_decision(client, maria):
    jim = UserFactory.create()
    comment = make_comment(make_article(), author=jim)
    row = report_illegal(comment)
    delete_comment(comment=comment, user=jim, guest=None)
    notify_reporters.func(str(Case.objects.get(comment=comment).closing_action_id))
    page = client.get(f"{URL}{row.receipt}/").content.decode()
    for text in (page, mail.outbox[0].body):
        assert "The comment was deleted by its author." in text
        assert "A person decided" not in text
        assert "court" not in text
