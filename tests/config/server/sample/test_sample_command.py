"""`manage.py sample`: what it creates, what it removes, and when it refuses."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.administrators import has_no_administrator
from accounts.models import RoleChange, User
from articles.models import Article
from comments.models import LastUpdateSearch
from config.server import sample
from config.server.sample import content
from moderation.models import JobRun
from tests.config.server.sample.conftest import damage
from tests.factories import make_article

pytestmark = pytest.mark.django_db

STORY = f"/stories/{content.CURRENT_STORY}/"


def count_rows() -> dict[str, int]:
    """Return the number of rows of each table, without those in which jobs note what they have done."""
    models = set(apps.get_models(include_auto_created=True)) - {DBTaskResult, JobRun, LastUpdateSearch}
    return {m._meta.label: m._base_manager.count() for m in models}


def test_the_sample_is_removed_completely(home: Path, remove: Callable[..., str]) -> None:
    before = count_rows()
    assert sample.create_sample_data(home)
    call_command("tick", stdout=StringIO())  # whose jobs add rows, such as a follow for an editor's pick
    assert remove() == (
        "Removed 9 stories, 92 comments, 1 report, 5 pictures, 8 topics, 2 authors and 4 accounts.\n"
    )
    roles = {User._meta.label: 4, RoleChange._meta.label: 8}  # which are logged
    assert {name: n for name, n in count_rows().items() if n != before[name]} == roles
    assert not User.objects.filter(is_active=True)
    assert not list((home / "media").rglob("*.jpg"))
    assert not sample.path(home).exists()
    assert not damage()
    assert list(sample.things_to_try()) == []
    assert has_no_administrator(), "serve would print no link to set the site up"
    assert Client().get(STORY).status_code == 404

    assert not sample.is_new_database(), "serve would create it again"
    assert sample.create_sample_data(home), "a person may"


def test_without_a_sample_nothing_is_removed(home: Path, remove: Callable[..., str]) -> None:
    article = make_article("A story of our own")
    with pytest.raises(CommandError, match="There is no sample on this site"):
        remove()
    assert Article.objects.filter(pk=article.pk).exists()


def test_the_command_says_why_it_creates_none(
    home: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")  # as on the embedded server
    settings.SITE_URL = "https://slip.example"
    with pytest.raises(CommandError, match="only for a site that nobody else can reach"):
        call_command("sample")
    settings.SITE_URL = "http://127.0.0.1:8000"
    make_article("A story of our own")
    with pytest.raises(CommandError, match="already has stories or accounts"):
        call_command("sample")
    assert not User.objects.exists()


def test_the_command_creates_it(
    home: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    settings.SITE_URL = "http://127.0.0.1:8000"
    call_command("sample")
    printed = capsys.readouterr().out
    assert f"The sample was created. Its accounts are in {home}/sample-accounts.json." in printed
    assert "Three things to try:" in printed
    assert Article.objects.published().count() == 8
