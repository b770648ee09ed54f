"""Mails to followers after a backup was restored: none is sent that may have been sent since the backup."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import User
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.models import Article
from comments.following.mails import notify_followers
from comments.models import Follow
from tests.comments.following.conftest import follow, send_due
from tests.factories import make_comment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_folder")]
Later = Callable[..., datetime]


@pytest.mark.parametrize("state", ["not noted", "due", "being sent"])
def test_a_restore_sends_no_mail_that_was_sent_since_the_backup(
    article: Article, jane: User, later: Later, tmp_path: Path, state: str
) -> None:
    follow(jane, article)
    make_comment(article)
    at = later()
    if state != "not noted":
        notify_followers()
    if state == "being sent":
        Follow.objects.update(due_at=None, sending_until=at)
    backup(tmp_path / "site.zip")
    assert len(send_due()) == 1
    call_command("flush", interactive=False, verbosity=0)
    restore(tmp_path / "site.zip")
    later()
    assert send_due() == []
    assert [row.unread_count for row in Follow.objects.unread()] == [1], "it is unread on the site"


def test_a_restore_keeps_a_mail_that_was_not_due_yet(
    article: Article, jane: User, later: Later, tmp_path: Path
) -> None:
    follow(jane, article, delivery="daily")
    make_comment(article)
    later()
    notify_followers()
    backup(tmp_path / "site.zip")
    call_command("flush", interactive=False, verbosity=0)
    restore(tmp_path / "site.zip")
    assert send_due() == []
    later(60 * 24)
    assert len(send_due()) == 1
