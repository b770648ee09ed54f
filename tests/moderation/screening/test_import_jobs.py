"""Screening of large imports by a job: the same findings as at once, in batches, and resumable."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from archive.models import Import
from archive.services import SAMPLE_STORY_FILE
from comments.integrity import check
from comments.models import Comment, CommentSearchText, Discussion, InferredParent, Reason, State
from comments.services.text_changes import erase_comments
from config.owner import jobs
from moderation.actions.decisions import decide, undo
from moderation.checks import registry
from moderation.erasure.restrictions import restrict
from moderation.models import Action, Case, Finding, ImportScreening, Restriction
from moderation.screening import flags, import_jobs
from moderation.transparency.removal_counts import wrong_counts
from tests.archive.saved_pages import import_saved_page
from tests.helpers.waiting import PATIENCE, is_a_lock_waited_for, until

pytestmark = pytest.mark.django_db

HARMFUL = b"Call me at 555-867-5309 or write to ann@example.org, she lives at 12 Harbour Street."


@pytest.fixture
def by_job(monkeypatch):
    """Let the job screen imports of any size, in batches of 7 comments."""
    monkeypatch.setattr(import_jobs, "MAX_SCREENED_IN_IMPORT", 0)
    monkeypatch.setattr(import_jobs, "BATCH_SIZE", 7)


def with_harmful_comment() -> bytes:
    """Return the sample with personal data in one of its comments."""
    return SAMPLE_STORY_FILE.read_bytes().replace(b"My grandmother ran", HARMFUL + b" My grandmother ran")


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
                "duplicate_of__source_number",
            )
        ),
        "cases": sorted(Case.objects.values_list("comment__source_number", "score", "script")),
        "texts": sorted(
            CommentSearchText.objects.values_list("comment__source_number", "normalized_body", "author_name")
        ),
        "proposals": list(
            proposals.values_list("comment__source_number", "parent__source_number", "confidence", "reason")
        ),
    }


def import_both_ways(data: bytes, monkeypatch) -> tuple[dict[str, list], dict[str, list]]:
    """Return the results of the same import, screened at once and by the job."""
    with transaction.atomic():
        import_saved_page(data)
        at_once = results()
        transaction.set_rollback(True)
    monkeypatch.setattr(import_jobs, "MAX_SCREENED_IN_IMPORT", 0)
    monkeypatch.setattr(import_jobs, "BATCH_SIZE", 7)
    import_saved_page(data)
    run_jobs()
    return at_once, results()


def test_the_job_and_an_immediate_import_have_the_same_findings(monkeypatch, starter):
    at_once, by_job = import_both_ways(SAMPLE_STORY_FILE.read_bytes(), monkeypatch)

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
    report = import_saved_page(SAMPLE_STORY_FILE.read_bytes())

    assert report.is_screened_later
    assert Discussion.objects.get().visible_count == Comment.objects.count() == report.created_count
    assert set(Comment.objects.values_list("state", flat=True)) == {State.PUBLISHED}
    response = client.get(report.article.get_absolute_url())
    assert "My grandmother ran for the last boat" in response.content.decode()
    assert not Finding.objects.exists()
    assert not CommentSearchText.objects.exists()
    assert check() == {}  # texts that are still to come are no damage

    run_jobs()

    assert CommentSearchText.objects.count() == report.created_count
    assert ImportScreening.objects.get().finished_at
    assert Import.objects.in_screening().count() == 0
    assert check() == {}


def test_the_owner_sees_how_many_comments_are_checked(by_job, monkeypatch, client, ada):
    import_saved_page(SAMPLE_STORY_FILE.read_bytes())
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


def run_worker() -> None:
    call_command("db_worker", batch=True, startup_delay=False, reload=False)


@pytest.mark.django_db(transaction=True)
def test_a_failed_job_is_shown_and_starts_again(by_job, monkeypatch, client, ada):
    import_saved_page(SAMPLE_STORY_FILE.read_bytes())
    page = reverse("admin:archive_import_change", args=[Import.objects.get().pk])
    client.force_login(ada)
    assert import_jobs.restart_screenings() == 0  # its job is waiting
    with monkeypatch.context() as broken:
        broken.setattr("moderation.screening.flags.open_cases_for_flagged", lambda *_args, **_options: 1 / 0)
        run_worker()

    assertContains(client.get(page), "0 of 31; the job failed, and starts again within ten minutes")
    assert import_jobs.restart_screenings() == 1
    assertContains(client.get(page), "0 of 31; the rest follows in the background")
    assert [job.status for job in DBTaskResult.objects.all()] == [TaskResultStatus.READY]

    run_worker()

    assert ImportScreening.objects.get().finished_at
    assert import_jobs.restart_screenings() == 0


def test_a_screening_whose_failed_job_was_deleted_starts_again(by_job):
    import_saved_page(SAMPLE_STORY_FILE.read_bytes())
    DBTaskResult.objects.update(status=TaskResultStatus.FAILED)
    assert jobs.discard(pk=DBTaskResult.objects.get().pk) == 1

    assert import_jobs.restart_screenings() == 1
    assert DBTaskResult.objects.get().args_kwargs["args"] == [str(Action.objects.get().pk)]


def test_a_stopped_job_goes_on_where_it_was(by_job, monkeypatch):
    import_saved_page(SAMPLE_STORY_FILE.read_bytes())
    everything = Comment.objects.count()
    action = str(Action.objects.get().pk)
    # Each run does one step and queues the next run.
    monkeypatch.setattr(import_jobs, "RUN_SECONDS", -1)
    done = [import_jobs.screen_imported.call(action) for _ in range(60)]

    assert done == sorted(done)
    assert {7, 14, everything} <= set(done)
    pairs = Finding.objects.values_list("comment", "check_name", "spans", "number")
    assert len(pairs) == len({repr(pair) for pair in pairs})
    assert DBTaskResult.objects.filter(task_path__endswith="screen_imported").exists()
    assert ImportScreening.objects.get().finished_at


def test_a_failed_batch_stores_nothing_and_runs_again(by_job, monkeypatch):
    import_saved_page(SAMPLE_STORY_FILE.read_bytes())
    with monkeypatch.context() as broken:
        broken.setattr("moderation.screening.flags.open_cases_for_flagged", lambda *_args, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_jobs()
    assert not Finding.objects.exists()
    assert ImportScreening.objects.get().screened_count == 0

    run_jobs()

    assert ImportScreening.objects.get().finished_at
    assert Finding.objects.exists()


def import_again(imported: Action, undone: Action, actor: User) -> None:
    report = import_saved_page(with_harmful_comment())
    assert (report.created_count, report.is_screened_later) == (Comment.objects.count(), True)


def undo_the_undo(imported: Action, undone: Action, actor: User) -> None:
    returned = undo(action=undone, actor=actor).action
    assert DBTaskResult.objects.filter(
        task_path=import_jobs.screen_imported.module_path,
        args_kwargs__args=[str(returned.pk)],
        status=TaskResultStatus.READY,
    ).exists()
    assert import_jobs.restart_screenings() == 0


def undo_the_undo_of_the_redo(imported: Action, undone: Action, actor: User) -> None:
    redone = undo(action=undone, actor=actor).action
    again = undo(action=redone, actor=actor).action
    run_jobs()
    undo(action=again, actor=actor)


@pytest.mark.parametrize("bring_back", [import_again, undo_the_undo, undo_the_undo_of_the_redo])
def test_an_import_that_was_undone_before_its_job_is_screened_when_it_returns(
    by_job, maria, starter, bring_back
):
    with transaction.atomic():
        import_saved_page(with_harmful_comment())
        run_jobs()
        expected = results()
        transaction.set_rollback(True)
    assert expected["cases"]
    import_saved_page(with_harmful_comment())
    imported = Action.objects.get()
    undone = undo(action=imported, actor=maria).action
    run_jobs()

    assert set(Comment.objects.values_list("state", flat=True)) == {State.DELETED}
    assert not Finding.objects.exists()
    assert not Case.objects.open().exists()
    assert check() == {}

    bring_back(imported, undone, maria)
    assert Import.objects.in_screening().get().unfinished_screening
    run_jobs()

    assert not Import.objects.in_screening().exists()
    assert set(Comment.objects.values_list("state_reason", flat=True)) == {Reason.IMPORTED}
    assert results() == expected
    assert not ImportScreening.objects.filter(finished_at=None).exists()
    assert check() == {}
    assert wrong_counts() == []


def test_an_undo_after_the_job_stores_nothing_twice(by_job, maria, starter):
    import_saved_page(with_harmful_comment())
    run_jobs()
    expected = results()
    undo(action=Action.objects.get(), actor=maria)
    assert not Case.objects.open().exists()

    import_saved_page(with_harmful_comment())
    run_jobs()

    again = results()
    assert again["findings"] == expected["findings"]
    assert list(Case.objects.open().values_list("comment__body", flat=True)) == list(
        Comment.objects.filter(body__contains="555-867").values_list("body", flat=True)
    )
    assert wrong_counts() == []


def test_a_few_comments_of_a_large_import_are_screened_as_they_return(by_job, maria, monkeypatch):
    import_saved_page(with_harmful_comment())
    undo(action=Action.objects.get(), actor=maria)
    run_jobs()
    monkeypatch.setattr(import_jobs, "MAX_SCREENED_IN_IMPORT", 500)

    assert not import_saved_page(with_harmful_comment()).is_screened_later

    harmful = Comment.objects.get(body__contains="555-867")
    assert Finding.objects.filter(comment=harmful, check_name="personal_data").exists()
    assert Case.objects.open().filter(comment=harmful).exists()


def test_a_comment_approved_before_the_job_opens_no_case(by_job, maria):
    import_saved_page(with_harmful_comment())
    approved = Comment.objects.get(body__contains="555-867")
    decide(ids=[approved.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)

    run_jobs()

    assert Finding.objects.filter(comment=approved, check_name="personal_data").exists()
    assert not Case.objects.open().filter(comment=approved).exists()


@pytest.mark.django_db(transaction=True)
def test_a_decision_waits_for_the_batch_that_is_stored(by_job, monkeypatch, maria):
    """Otherwise it would not count a finding that is older and committed later."""
    import_saved_page(with_harmful_comment())
    harmful = Comment.objects.get(body__contains="555-867").pk
    open_cases_for_flagged, decisions = flags.open_cases_for_flagged, []

    def remove() -> None:
        try:
            decide(ids=[harmful], to=State.REJECTED, reason=Reason.PERSONAL_INFORMATION, actor=maria)
        finally:
            connections.close_all()

    def remove_before_commit(ids, **options):
        if harmful in ids:
            decisions.append(moderator.submit(remove))
            until(lambda: decisions[0].done() or is_a_lock_waited_for())
        open_cases_for_flagged(ids, **options)

    monkeypatch.setattr(flags, "open_cases_for_flagged", remove_before_commit)
    with ThreadPoolExecutor(1) as moderator:
        run_jobs()
        decisions[0].result(timeout=PATIENCE)

    assert Discussion.objects.get().removal_counts == {"rejected/personal_info/confirmed": 1}
    assert wrong_counts() == []
    assert not Case.objects.open().filter(comment=harmful).exists()


def test_findings_of_the_weekly_job_are_stored_once(by_job):
    import_saved_page(with_harmful_comment())
    flags.flag_old_comments()
    stored = list(Finding.objects.values_list("comment", "check_name"))
    assert stored

    run_jobs()

    again = Finding.objects.filter(check_name__in=[name for _, name in stored])
    assert sorted(again.values_list("comment", "check_name")) == sorted(stored)


def test_a_restricted_comment_gets_no_search_text_and_no_findings(by_job, maria):
    import_saved_page(with_harmful_comment())
    harmful = Comment.objects.get(body__contains="555-867")
    restrict(ids=[harmful.pk], why=Restriction.Why.COURT, actor=maria)

    run_jobs()

    assert Comment.objects.get(pk=harmful.pk).state_reason == Reason.RESTRICTED
    assert not CommentSearchText.objects.filter(comment=harmful).exists()
    assert not Finding.objects.filter(comment=harmful).exists()
    assert ImportScreening.objects.get().finished_at


def test_an_erased_comment_gets_no_search_text_and_no_findings(by_job, maria):
    import_saved_page(with_harmful_comment())
    harmful = Comment.objects.get(body__contains="555-867")
    decide(ids=[harmful.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    with transaction.atomic():
        assert erase_comments(ids=[harmful.pk], at=timezone.now()) == [harmful.pk]

    run_jobs()

    assert not CommentSearchText.objects.filter(comment=harmful).exists()
    assert not Finding.objects.filter(comment=harmful).exists()
    assert ImportScreening.objects.get().finished_at


@pytest.mark.parametrize("is_restricted", [True, False])
def test_a_comment_that_is_withdrawn_while_its_batch_is_checked_gets_no_findings(
    by_job, monkeypatch, maria, is_restricted
):
    import_saved_page(with_harmful_comment())
    harmful = Comment.objects.get(body__contains="555-867").pk
    run_checks, left = registry.run_checks, [harmful]

    def withdraw_after_check(submission, *args, **options):
        found = run_checks(submission, *args, **options)
        if HARMFUL.decode() in submission.body and left:
            left.clear()
            if is_restricted:
                restrict(ids=[harmful], why=Restriction.Why.COURT, actor=maria)
            else:
                decide(ids=[harmful], to=State.SPAM, reason=Reason.SPAM, actor=maria)
                erase_comments(ids=[harmful], at=timezone.now())
        return found

    monkeypatch.setattr(registry, "run_checks", withdraw_after_check)
    run_jobs()

    assert not left
    assert not Finding.objects.filter(comment=harmful).exists()
    assert wrong_counts() == []
