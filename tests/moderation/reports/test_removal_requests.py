"""Requests for removal or correction. Nia sends them; Ada is administrator, Mona moderator, Emil editor."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments.models import State
from comments.services.states import change_states
from core.rate_limits import MAX_MAILS_PER_DAY
from moderation.models import RemovalRequest
from moderation.reports import removal_request_views, removal_requests
from moderation.tasks import notify_administrators, notify_request_outcome, send_request_receipt
from tests.comments.in_a_browser import import_thread
from tests.factories import UserFactory, confirm_email, make_article, make_comment
from tests.helpers.clients import client_of, client_with_role
from tests.moderation.reports.helpers import filled, make_request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL = "/removal-request/"
RECEIPT = "7f0c1f5e-1c1c-4b58-9f0e-6f1d2a3b4c5d"


@pytest.fixture
def story():
    return make_article("The slip closes")


def test_every_story_links_to_the_form_with_its_own_url(client, story):
    page = client.get(story.get_absolute_url()).content.decode()
    assert f'href="{URL}?url=/stories/{story.slug}/"' in page
    form = client.get(f"{URL}?url=/stories/{story.slug}/").content.decode()
    assert f'/stories/{story.slug}/"' in form
    assert "noindex" in form


def test_imported_comments_and_every_report_page_link_to_the_form(client, story):
    import_thread(story, roots=1, replies=25)
    deep = story.discussion.comments.order_by("-pk").first()
    path = f"/stories/{story.slug}/comments/{deep.pk}/"
    assert f'href="{URL}?url={path}"' in client.get(path).content.decode()
    target = make_comment(story)
    report = client.get(f"/stories/{story.slug}/report/{target.pk}/").content.decode()
    assert "Request removal or correction" in report


def test_anyone_can_send_a_request_and_see_its_status(client, story, ada, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(URL, filled(f"http://testserver{story.get_absolute_url()}"))
    row = RemovalRequest.objects.get()
    assert response.headers["Location"] == f"{URL}{row.receipt}/"
    assert (row.article, row.comment) == (story, None)
    assert (row.article_title, row.requested_action) == ("The slip closes", "correct")
    page = client.get(response.headers["Location"])
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Not answered yet." in page.content.decode()
    assert "nia@example.org" not in page.content.decode()
    jobs = {job.task_path.rpartition(".")[2] for job in DBTaskResult.objects.all()}
    assert jobs == {"notify_administrators", "send_request_receipt"}

    url = f"/moderation/requests/{row.pk}/"
    ada_client = client_of(ada)
    assert "The slip closes" in ada_client.get("/moderation/requests/").content.decode()
    assert f"/admin/articles/article/{story.pk}/change/" in ada_client.get(url).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        done = ada_client.post(url, {"outcome": "corrected", "answer": "It says 2013 now."}, follow=True)
    assert "Answer sent." in done.content.decode()
    page = client.get(f"{URL}{row.receipt}/").content.decode()
    assert "Corrected." in page
    assert "It says 2013 now." in page
    assert "Ada" not in re.sub(r"<title>.*?</title>", "", page)
    assert "notify_request_outcome" in {
        job.task_path.rpartition(".")[2] for job in DBTaskResult.objects.all()
    }


def test_a_comment_is_found_by_its_link_or_its_number(client, story):
    target = make_comment(story)
    for url in (str(target.pk), f"http://testserver{target.get_absolute_url()}"):
        client.post(URL, filled(url, requested_action="remove"))
    assert set(RemovalRequest.objects.values_list("comment", flat=True)) == {target.pk}
    assert RemovalRequest.objects.count() == 2


def test_hidden_comments_and_stories_are_not_found(client, story):
    gone = make_comment(story)
    change_states(ids=[gone.pk], to=State.REJECTED, reason="insult", actor=None)
    draft = make_article("Not yet", published_at=None)
    for url in (str(gone.pk), draft.get_absolute_url(), "/stories/none/", "nothing", "\x00"):
        response = client.post(URL, filled(url))
        assert response.status_code == 422, url
        assert "I signed the paper." in response.content.decode()
    assert not RemovalRequest.objects.exists()


@pytest.mark.parametrize("field", ["requested_action", "passage", "reason", "role", "name", "email"])
def test_every_field_is_required_and_input_is_kept(client, story, field):
    response = client.post(URL, filled(story.get_absolute_url(), **{field: ""}))
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert story.get_absolute_url() in response.content.decode()
    assert not RemovalRequest.objects.exists()


def test_too_long_texts_are_refused_with_the_count_and_kept(client, story):
    response = client.post(URL, filled(story.get_absolute_url(), reason="x" * 5_001))
    assert "5,001" in response.content.decode()
    assert "x" * 5_001 in response.content.decode()
    assert "maxlength" not in response.content.decode()  # a browser would cut it


def test_requests_per_network_are_limited(client, story, monkeypatch):
    monkeypatch.setattr("moderation.screening.origins.MAX_ANONYMOUS_REPORTS_PER_HOUR", 1)
    assert client.post(URL, filled(story.get_absolute_url())).status_code == 302
    assert client.post(URL, filled(story.get_absolute_url())).status_code == 429


def test_mails_quote_only_the_answer(story, ada):
    confirm_email(ada)
    row = make_request(story)
    assert notify_administrators.call(row.pk) == 1
    assert send_request_receipt.call(row.pk) == 1
    for sent, to in zip(mail.outbox, ["ada@example.org", "nia@example.org"], strict=True):
        assert sent.to == [to]
        assert "2014" not in sent.body
        assert "Nia" not in sent.body
    assert f"/removal-request/{row.receipt}/" in mail.outbox[1].body
    mail.outbox.clear()
    assert notify_request_outcome.call(row.pk) == 0  # not answered yet
    removal_requests.answer(removal_request=row, outcome="refused", text="The paper says 2014.", actor=ada)
    assert notify_request_outcome.call(row.pk) == 1
    assert notify_request_outcome.call(row.pk) == 0  # sent once
    (sent,) = mail.outbox
    assert "Not changed.\n\nThe paper says 2014." in sent.body
    assert f"/removal-request/{row.receipt}/" in sent.body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/ask/?url=/stories/slip/", f"{URL}?url=/stories/slip/"),
        (f"/ask/{RECEIPT}/", f"{URL}{RECEIPT}/"),
        ("/account/standing/", "/account/status/"),
    ],
)
def test_urls_in_earlier_mails_redirect(client, old, new):
    response = client.get(old)
    assert (response.status_code, response.url) == (301, new)


def test_mails_to_one_e_mail_are_limited(story):
    rows = [make_request(story) for _n in range(MAX_MAILS_PER_DAY + 2)]
    assert sum(send_request_receipt.call(row.pk) for row in rows) == MAX_MAILS_PER_DAY


def test_a_request_is_answered_once(story, ada):
    row = make_request(story)
    other = UserFactory.create(name="Bea", roles=("Administrator",))
    first, second = client_of(ada), client_of(other)
    url = f"/moderation/requests/{row.pk}/"
    first.post(url, {"outcome": "done", "answer": "It is gone."})
    typed = "No, since the paper says so."
    page = second.post(url, {"outcome": "refused", "answer": typed}, follow=True).content.decode()
    assert "A colleague has already answered this request." in page
    assert "It is gone." in page
    assert typed in page
    row.refresh_from_db()
    assert (row.outcome, row.answer, row.decided_by) == ("done", "It is gone.", ada)


def test_an_answer_needs_a_sentence(story, ada):
    row = make_request(story)
    response = client_of(ada).post(f"/moderation/requests/{row.pk}/", {"outcome": "refused", "answer": " "})
    assert response.status_code == 422
    assert "Please write an answer." in response.content.decode()


def test_the_page_says_whether_readers_see_the_comment(story, ada):
    comment = make_comment(story)
    url = f"/moderation/requests/{make_request(story, comment=comment).pk}/"
    assert "(visible to readers)" in client_of(ada).get(url).content.decode()
    change_states(ids=[comment.pk], to=State.REJECTED, reason="personal_info", actor=ada)
    assert "(visible to readers)" not in client_of(ada).get(url).content.decode()


def test_a_request_is_kept_when_the_story_is_deleted(client, story):
    row = make_request(story)
    story.delete()
    page = client.get(f"{URL}{row.receipt}/").content.decode()
    assert "The slip closes" in page
    assert "/stories/" not in page


def test_an_unpublished_story_is_named_but_not_linked(client, story):
    row = make_request(story)
    story.published_at = None
    story.save()
    page = client.get(f"{URL}{row.receipt}/").content.decode()
    assert "The slip closes" in page
    assert f'href="/stories/{story.slug}/"' not in page


@pytest.mark.parametrize("role", ["Reader", "Editor", "Moderator"])
def test_only_administrators_see_the_requests(story, role):
    row = make_request(story)
    client = client_with_role(role)
    for url in ("/moderation/requests/", f"/moderation/requests/{row.pk}/"):
        assert client.get(url).status_code == 403
        assert (
            client.post(f"/moderation/requests/{row.pk}/", {"outcome": "done", "answer": "x"}).status_code
            == 403
        )
        assert Client().get(url).status_code == 302
    row.refresh_from_db()
    assert row.outcome == ""


def test_the_list_has_the_oldest_open_one_first(story, ada):
    for n, name in enumerate(["First", "Second"]):
        row = make_request(make_article(name))
        RemovalRequest.objects.filter(pk=row.pk).update(at=timezone.now().replace(microsecond=n))
    page = client_of(ada).get("/moderation/requests/").content.decode()
    assert page.index("First") < page.index("Second")


def test_the_list_says_that_it_has_only_the_first_open_ones(story, ada, monkeypatch):
    monkeypatch.setattr(removal_request_views, "MAX_OPEN_LISTED", 2)
    for _request in range(2):
        make_request(story)
    assert "are shown." not in client_of(ada).get("/moderation/requests/").text
    make_request(story)
    page = client_of(ada).get("/moderation/requests/")
    assert len(page.context["open_requests"]) == 2
    assert "The first 2 are shown." in page.text


def test_answered_requests_are_listed_page_by_page(story, ada, monkeypatch):
    monkeypatch.setattr(removal_request_views, "PAGE_SIZE", 1)
    rows = [make_request(story) for _request in range(3)]
    for row in rows:
        removal_requests.answer(removal_request=row, outcome="refused", text="It is true.", actor=ada)
    RemovalRequest.objects.update(decided_at=timezone.now())  # at one moment, so that ids decide the order
    client, path = client_of(ada), "/moderation/requests/"
    first = client.get(path)
    second = client.get(first.context["next_page"])
    third = client.get(second.context["next_page"])
    pages = [first, second, third]
    assert [list(page.context["answered"]) for page in pages] == [[row] for row in reversed(rows)]
    to_first = f'<a href="{path}">First page</a>'
    assert [to_first in page.text for page in pages] == [False, True, True]
    assert ["Next page" in page.text for page in pages] == [True, True, False]


def test_personal_data_is_deleted_a_year_after_the_answer(client, story, ada):
    row, fresh, waiting = make_request(story), make_request(story), make_request(story)
    for one in (row, fresh):
        removal_requests.answer(
            removal_request=one, outcome="refused", text="The paper says 2014.", actor=ada
        )
    RemovalRequest.objects.filter(pk=row.pk).update(decided_at=timezone.now() - timedelta(days=366))
    RemovalRequest.objects.filter(pk=waiting.pk).update(at=timezone.now() - timedelta(days=800))
    assert removal_requests.delete_personal_data() == 1
    assert removal_requests.delete_personal_data() == 0
    row.refresh_from_db()
    assert (row.name, row.email, row.passage, row.reason) == ("", "", "", "")
    assert row.answer == "The paper says 2014."
    assert "The paper says 2014." in client.get(f"{URL}{row.receipt}/").content.decode()
    assert (
        "Deleted one year after the answer."
        in client_of(ada).get(f"/moderation/requests/{row.pk}/").content.decode()
    )
    waiting.refresh_from_db()
    assert waiting.email == "nia@example.org"
