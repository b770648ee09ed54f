"""Outage copies of pages. Two instances of the application stand for two web processes."""

import os
import time
from pathlib import Path

import pytest
from django.db import transaction

from articles.models import Article, Site
from articles.site import cached_pages
from articles.site.cached_pages import invalidate_outage_copies, outage_copies_invalidated_at
from comments.services.states import delete_comment
from config.page_cache import application, outage_copies
from config.page_cache.application import PageCacheApp
from config.page_cache.keys import Key
from config.page_cache.outage_copies import OutageCopies, OutageCopy
from moderation.erasure import account_erasure
from moderation.models import AccountErasure
from moderation.people.profiles import Person
from tests.config.fallback import NOTICE, frozen
from tests.factories import UserFactory, make_comment
from tests.helpers.wsgi_requests import send_request


def key(path: str) -> Key:
    return Key(path, "", "")


def copy(page: bytes) -> OutageCopy:
    return OutageCopy([("Content-Type", "text/html")], page, "UTC", "en")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(outage_copies, "FOLDER", tmp_path / "pages")
    monkeypatch.setattr(application, "SWEEP_SECONDS", 3600)
    return tmp_path / "pages"


def test_a_process_shows_copies_of_another_one(
    site: PageCacheApp, other: PageCacheApp, article: Article
) -> None:
    make_comment(article, "Words of before.")
    story = article.get_absolute_url()
    send_request(site, story)
    site.sweep()
    with frozen():
        shown = send_request(other, story)
        assert shown.status == 200
        assert NOTICE in shown.text
        assert "Words of before." in shown.text
        assert shown.headers["Cache-Control"] == "no-store"
        assert "ETag" not in shown.headers
        assert send_request(other, f"{story}?order=oldest").status == 503  # another page
        assert send_request(other, story, Cookie="theme=dark").status == 503


def test_without_the_database_the_language_is_still_that_of_the_site(
    site: PageCacheApp, article: Article
) -> None:
    Site.objects.update(language="ar")
    story = article.get_absolute_url()
    send_request(site, story)
    with frozen():
        failed = send_request(site, "/accounts/login/")
        assert failed.status == 503
        assert '<html lang="ar" dir="rtl">' in failed.text
        assert "يتعذر على الموقع الوصول إلى قاعدة بياناته" in failed.text
        assert "هذه هي الصفحة كما كانت في" in send_request(site, story).text


def test_the_next_sweep_deletes_outdated_copies(
    site: PageCacheApp, other: PageCacheApp, article: Article
) -> None:
    story = article.get_absolute_url()
    send_request(site, story)
    site.sweep()
    make_comment(article, "Words that are new.")
    site.sweep()
    with frozen():
        assert send_request(other, story).status == 503


def test_a_hidden_copy_is_not_shown(site: PageCacheApp, other: PageCacheApp, article: Article) -> None:
    story, made = article.get_absolute_url(), make_comment(article, "Words to take back.")
    send_request(site, story)
    site.sweep()
    assert delete_comment(comment=made, user=None, guest=made.guest)
    with frozen():
        assert send_request(other, story).status == 503


@pytest.mark.parametrize("deletes_comments", [False, True])
def test_an_erased_name_is_in_no_copy(
    site: PageCacheApp, other: PageCacheApp, article: Article, folder: Path, deletes_comments: bool
) -> None:
    jim = UserFactory.create(name="Jim Zyxbelnap")
    comment = make_comment(article, "Words of Jim.", author=jim)
    make_comment(article, "An answer.", parent=comment)
    pages = [article.get_absolute_url(), f"{comment.get_absolute_url()}", "/"]

    def copies() -> int:
        return sum("Zyxbelnap" in path.read_text() for path in folder.rglob("*") if path.is_file())

    for page in pages:
        send_request(site, page)
    site.sweep()
    assert copies() >= 1
    account_erasure.start(person=Person(user=jim), deletes_comments=deletes_comments)
    account_erasure.erase.func(AccountErasure.objects.get().pk)
    with frozen():
        assert send_request(other, pages[0]).status == 503
    for page in pages:
        assert "Zyxbelnap" not in send_request(site, page).text
    site.sweep()
    assert copies() == 0


def test_an_old_copy_is_not_shown(site: PageCacheApp, other: PageCacheApp, story: str, folder: Path) -> None:
    send_request(site, story)
    site.sweep()
    (mark,) = folder.glob("*/confirmed")
    os.utime(mark, (time.time() - 60, time.time() - 60))
    with frozen():
        assert send_request(other, story).status == 503


def test_copies_are_private_and_deleted_with_the_process(folder: Path) -> None:
    copies = OutageCopies()
    copies.store([(key("/"), "1", copy(b"page"))], 1000)
    assert OutageCopies().find(key("/")) == (1000, copy(b"page"))
    assert OutageCopies().find(key("/archive/")) is None
    paths = [folder, *folder.rglob("*")]
    assert len(paths) == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    copies.close()
    assert list(folder.iterdir()) == []


def test_only_new_versions_are_written(folder: Path) -> None:
    copies = OutageCopies()
    copies.store([(key("/"), "1", copy(b"one")), (key("/a/"), "1", copy(b"two"))], 1000)
    (written,) = [path for path in folder.glob("*/*") if path.name == outage_copies._file_name(key("/"))]
    before = written.stat().st_ino
    copies.store([(key("/"), "1", copy(b"one")), (key("/b/"), "1", copy(b"three"))], 1001)
    assert written.stat().st_ino == before
    assert copies.find(key("/")) == (1001, copy(b"one"))
    assert copies.find(key("/a/")) is None
    copies.store([(key("/"), "2", copy(b"four"))], 1002)
    assert copies.find(key("/")) == (1002, copy(b"four"))


def test_bytes_and_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_copies, "MAX_BYTES", 10)
    monkeypatch.setattr(outage_copies, "MAX_FILES", 2)
    copies = OutageCopies()
    copies.store([(key(f"/{n}/"), "1", copy(b"page")) for n in range(9)], 1000)
    assert [bool(copies.find(key(f"/{n}/"))) for n in range(4)] == [True, True, False, False]
    copies.store([(key(f"/{n}/"), "1", copy(b"p" * 6)) for n in range(9)], 1001)
    assert [bool(copies.find(key(f"/{n}/"))) for n in range(3)] == [True, False, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [0, 3600])
def test_a_late_commit_invalidates_the_copies_again(
    own_folder: None, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(cached_pages, "COMMIT_SECONDS", seconds)
    with transaction.atomic():
        invalidate_outage_copies()
        before = outage_copies_invalidated_at()
    is_later = outage_copies_invalidated_at() > before
    assert is_later == (seconds == 0)


def test_the_folder_of_a_killed_process_is_deleted(folder: Path) -> None:
    killed, lives = OutageCopies(), OutageCopies()
    killed.store([(key("/"), "1", copy(b"page"))], time.time() - 120)
    lives.store([], time.time())
    assert len(list(folder.iterdir())) == 1
    killed.store([(key("/"), "1", copy(b"page"))], time.time())  # the process was only suspended
    assert killed.find(key("/"))


def test_write_errors_do_not_fail_pages(site: PageCacheApp, story: str, folder: Path, tmp_path: Path) -> None:
    folder.write_text("no folder")
    assert send_request(site, story).status == 200
    site.sweep()
    invalidate_outage_copies()
    assert send_request(site, story).status == 200
