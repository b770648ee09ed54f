"""The scan for similar comments: repeated, each night, and by a job on a large site."""

from datetime import timedelta

import pytest
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from archive.services import import_page
from moderation.models import Case, CommentGroup, SimilarityScan
from moderation.similar import scan
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.similar.helpers import LIST, flood

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_scan_deletes_earlier_groups_and_keeps_the_order(client, maria):
    for n in range(5):
        guest, own = GuestFactory.create(name=f"Maria {n}"), make_article(f"Story {n}")
        for body in (f"{n} cats", f"{n} cats.", f"{n} cats.."):
            make_comment(own, f"{body} were on the ferry of the captain's uncle {n * 'again '}.", guest=guest)
    SimilarityScan.objects.create(requested_at=timezone.now() - timedelta(days=1))  # its job was lost
    client.force_login(maria)
    orders = []
    for _ in range(4):
        scan.run_scan()
        orders.append([line.title for line in client.get(LIST).context["rows"]])
    assert len(orders[0]) > 4
    assert orders == [orders[0]] * 4
    assert SimilarityScan.objects.count() == 1


OLD = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

Topics: Harbour

soundoff (4 Responses)
  1. Ann

    My mother lives over there.

    March 3, 2014 at 9:40 am | Reply

  2. Bo

    Very useful blog, keep going.

    March 3, 2018 at 9:40 am | Reply

  3. Cy

    My mother crosses the sound on Mondays now.

    March 4, 2018 at 9:40 am | Reply

  4. Di

    Such useful information, thanks.

    March 5, 2018 at 9:40 am | Reply

Post a comment
"""


def test_nightly_scan_opens_a_case_for_the_most_doubtful_comment():
    import_page(data=OLD.encode(), filename="story.txt")

    scan.nightly_scan()
    scan.nightly_scan()

    assert not CommentGroup.objects.exists()
    assert [case.comment.source_number for case in Case.objects.all()] == [2]


def test_large_site_is_scanned_by_a_job(client, maria, article, monkeypatch):
    monkeypatch.setattr("moderation.similar.views.MAX_SYNCHRONOUS_SCAN", 2)
    flood(article, 4)
    client.force_login(maria)

    with TestCase.captureOnCommitCallbacks(execute=True):
        first = client.get(LIST)
        client.get(LIST)

    assert first["Refresh"] == "3"
    assert "Scanning the site" in first.text
    task = DBTaskResult.objects.get()  # once, however often the page is opened meanwhile
    assert scan.run_requested_scan.call(*task.args_kwargs["args"]) == 1
    assert scan.run_requested_scan.call(*task.args_kwargs["args"]) == 0  # a job may run twice
    page = client.get(LIST)
    assert "Refresh" not in page
    assert "4 comments made of the same phrases" in page.text
    again = client.post(reverse("moderation:rescan"), follow=True)
    assert again["Refresh"] == "3"
    assert "4 comments made of the same phrases" in again.text
