"""Cleanup of presence and drafts, which deletes no recent text."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from articles.editing.autosaves import autosave, discard_autosaves
from articles.editing.cleanup import delete_old_autosaves, delete_old_presence
from articles.editing.presence import record_presence
from articles.models import Article, Autosave, OpenForm, Presence
from config.scheduler.jobs import JOBS
from config.scheduler.runner import run_if_due
from tests.factories import make_article

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def story() -> Article:
    return make_article("Slipway", body="Old.")


def make_autosave(emil: User, article: Article | None, body: str, ago: timedelta) -> Autosave:
    fields = {"title": ["Slipway"], "body": [body]}
    stored = autosave(
        forms=[OpenForm(uuid4(), 1)], editor=emil, kind=Article, document=article, fields=fields, snapshot=""
    )
    assert stored
    Autosave.objects.filter(pk=stored.pk).update(at=timezone.now() - ago)
    return stored


def stored_autosaves() -> set[Any]:
    return set(Autosave.objects.values_list("pk", flat=True))


def test_drafts_are_deleted_after_a_year(emil, story):
    near = {make_autosave(emil, where, "Mine.", 364 * DAY).pk for where in (story, None)}
    for where in (story, None):
        make_autosave(emil, where, "Mine.", 366 * DAY)
    assert delete_old_autosaves() == 2
    assert stored_autosaves() == near


def test_rows_of_done_drafts_are_deleted_after_a_week(emil, story):
    """They stay for a week, so that a late autosave of a page that is left does not become a draft."""
    now, row = timezone.now(), make_autosave(emil, story, "Mine.", 30 * DAY)
    discard_autosaves(forms=[OpenForm(row.pk, 1)], editor=emil)
    with time_machine.travel(now + 6 * DAY):
        assert delete_old_autosaves() == 0
        assert stored_autosaves() == {row.pk}
    with time_machine.travel(now + 8 * DAY):
        assert delete_old_autosaves() == 1


def test_presence_is_deleted_after_a_day(emil, story):
    record_presence(document=story, editor=emil, has_typed=True)
    with time_machine.travel(timezone.now() + 23 * timedelta(hours=1)):
        assert delete_old_presence() == 0
    with time_machine.travel(timezone.now() + 25 * timedelta(hours=1)):
        assert delete_old_presence() == 1
    assert not Presence.objects.exists()


def test_the_scheduled_jobs_run_the_cleanup(emil, story):
    make_autosave(emil, story, "Mine.", 366 * DAY)
    jobs = [
        job for job in JOBS if job.run.__module__ in {"articles.editing.cleanup", "articles.images.services"}
    ]
    outcomes = [ran and (ran.result, ran.error) for ran in map(run_if_due, jobs)]
    assert outcomes == [(0, ""), (1, ""), (0, "")]
