"""Screening of large imports by a job: the same findings as at once, in blocks, and resumable."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse
from django_tasks_db.models import DBTaskResult
from pytest_django.asserts import assertContains, assertNotContains

from archive.models import Import
from archive.services import SAMPLE
from comments.integrity import check
from comments.models import Comment, CommentText, Discussion, InferredParent, Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.models import Batch, Case, Finding, ImportScreening
from moderation.screening import import_jobs
from tests.archive.saved_pages import take

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_job(monkeypatch):
    """Let the job screen imports of any size, in blocks of 7 comments."""
    monkeypatch.setattr(import_jobs, "LARGE", 0)
    monkeypatch.setattr(import_jobs, "BLOCK", 7)


def run_jobs() -> None:
    """Run the queued screenings to their end, as the job worker does."""
    for screening in ImportScreening.objects.filter(finished_at=None):
        import_jobs.screen_imported.call(str(screening.pk))


def results() -> dict[str, list]:
    """Return all that the screening of an import has stored, with comments as their numbers in the file."""
    findings = Finding.objects.order_by("comment__created_at", "comment", "pk")
    proposals = InferredParent.objects.order_by("comment__source_number")
    return {
        "findings": list(
            findings.values_list(
                "comment__source_number",
                "check_name",
                "revision",
                "strength",
                "holds",
                "spans",
                "number",
                "twin__source_number",
            )
        ),
        "cases": sorted(Case.objects.values_list("comment__source_number", "score", "script")),
        "texts": sorted(CommentText.objects.values_list("comment__source_number", "folded", "author_name")),
        "proposals": list(
            proposals.values_list("comment__source_number", "parent__source_number", "confidence", "reason")
        ),
    }


def import_both_ways(data: bytes, monkeypatch) -> tuple[dict[str, list], dict[str, list]]:
    """Return the results of the same import, screened at once and by the job."""
    with transaction.atomic():
        take(data)
        at_once = results()
        transaction.set_rollback(True)
    monkeypatch.setattr(import_jobs, "LARGE", 0)
    monkeypatch.setattr(import_jobs, "BLOCK", 7)
    take(data)
    run_jobs()
    return at_once, results()


def test_the_job_finds_what_an_import_finds_at_once(monkeypatch, starter):
    at_once, by_job = import_both_ways(SAMPLE.read_bytes(), monkeypatch)

    assert by_job == at_once
    assert {"repeat", "near_repeat", "late", "filter"} <= {row[1] for row in by_job["findings"]}
    assert by_job["texts"]


@pytest.mark.data
@pytest.mark.parametrize(
    "path",
    [
        "seed/story.txt",
        "import/soundoff_text/chrisjrob_github_io_1082.txt",
        "import/soundoff_text/mythz_blog_748.txt",
    ],
)
def test_the_job_finds_the_same_in_real_discussions(data: Path, path, monkeypatch, starter):
    at_once, by_job = import_both_ways((data / path).read_bytes(), monkeypatch)
    assert by_job == at_once


def test_readers_see_the_comments_before_the_job(by_job, client):
    report = take(SAMPLE.read_bytes())

    assert report.is_screened_later
    assert Discussion.objects.get().visible_count == Comment.objects.count() == report.created
    assert set(Comment.objects.values_list("state", flat=True)) == {State.PUBLISHED}
    response = client.get(report.article.get_absolute_url())
    assert "My grandmother ran for the last boat" in response.content.decode()
    assert not Finding.objects.exists()
    assert not CommentText.objects.exists()
    assert check() == {}  # texts that are still to come are no damage

    run_jobs()

    assert CommentText.objects.count() == report.created
    assert ImportScreening.objects.get().finished_at
    assert Import.objects.in_screening().count() == 0
    assert check() == {}


def test_the_owner_sees_how_many_comments_are_checked(by_job, monkeypatch, client, ada):
    take(SAMPLE.read_bytes())
    ImportScreening.objects.update(screened_count=7)
    client.force_login(ada)
    status, page = (
        reverse("owner-status"),
        reverse("admin:archive_import_change", args=[Import.objects.get().pk]),
    )

    assertContains(client.get(status), "7 of 31 comments are checked.")
    assertContains(client.get(page), "7 of 31; the rest follows in the background")

    run_jobs()

    assertNotContains(client.get(status), "comments are checked.")
    assertNotContains(client.get(page), "the rest follows in the background")


def test_a_stopped_job_goes_on_where_it_was(by_job, monkeypatch):
    take(SAMPLE.read_bytes())
    everything = Comment.objects.count()
    batch = str(Batch.objects.get().pk)
    # Each run does one step and queues the next run.
    monkeypatch.setattr(import_jobs, "RUN_SECONDS", -1)
    done = [import_jobs.screen_imported.call(batch) for _ in range(60)]

    assert done == sorted(done)
    assert {7, 14, everything} <= set(done)
    pairs = Finding.objects.values_list("comment", "check_name", "spans", "number")
    assert len(pairs) == len({repr(pair) for pair in pairs})
    assert DBTaskResult.objects.filter(task_path__endswith="screen_imported").exists()
    assert ImportScreening.objects.get().finished_at


def test_a_failed_block_stores_nothing_and_runs_again(by_job, monkeypatch):
    take(SAMPLE.read_bytes())
    with monkeypatch.context() as broken:
        broken.setattr("moderation.screening.flags.open_cases_of", lambda *_args, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_jobs()
    assert not Finding.objects.exists()
    assert ImportScreening.objects.get().screened_count == 0

    run_jobs()

    assert ImportScreening.objects.get().finished_at
    assert Finding.objects.exists()


def test_the_undo_of_an_import_removes_all_before_and_after_the_job(by_job, maria):
    take(SAMPLE.read_bytes())
    batch = Batch.objects.get()
    undo(batch=batch, actor=maria)
    run_jobs()

    assert set(Comment.objects.values_list("state", flat=True)) == {State.DELETED}
    assert not Case.objects.open().exists()
    assert check() == {}

    take(SAMPLE.read_bytes())  # the comments return, and the checks ran before
    run_jobs()
    assert set(Comment.objects.values_list("state_reason", flat=True)) == {Reason.IMPORTED}
    assert not ImportScreening.objects.filter(finished_at=None).exists()


def test_what_a_moderator_approved_meanwhile_opens_no_case(by_job, maria):
    body = "Call me at 555-867-5309 or write to ann@example.org, she lives at 12 Harbour Street."
    data = SAMPLE.read_bytes().replace(b"My grandmother ran", body.encode() + b" My grandmother ran")
    take(data)
    approved = Comment.objects.get(body__contains="555-867")
    decide(ids=[approved.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)

    run_jobs()

    assert Finding.objects.filter(comment=approved, check_name="personal_data").exists()
    assert not Case.objects.open().filter(comment=approved).exists()


def test_a_restricted_comment_gets_neither_text_nor_findings(by_job):
    take(SAMPLE.read_bytes())
    first = Comment.objects.order_by("pk")[0]
    Comment.objects.filter(pk=first.pk).update(erased_at=first.created_at + timedelta(days=1))
    change_states(ids=[first.pk], to=State.REJECTED, reason=Reason.SPAM, actor=None)

    run_jobs()

    assert not CommentText.objects.filter(comment=first).exists()
    assert not Finding.objects.filter(comment=first).exists()
