"""Backup and restore: complete, from one snapshot, and damaged files are refused."""

import json
import os
import threading
import zipfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import InternalError, connection, connections
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from archive.backup import container, tables
from archive.backup.container import BackupError, Writer, is_safe, open_backup
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.images.uploads import read_upload
from articles.models import Site, Topic
from articles.services import change_site
from articles.site import branding
from comments.integrity import check
from comments.models import Comment, Discussion, Reason, State
from comments.services.claims import claim_comments
from comments.services.editing import edit_comment
from core.backup_folder import last_backup
from moderation.actions.decisions import decide, move
from moderation.erasure import restrictions
from moderation.models import FilterVersion, RestrictedTextReading, Restriction
from tests.articles.images.made import make_image, photo, saved
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Return a data folder for the test."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.zip"


@pytest.fixture
def paths() -> list[str]:
    """Fill a site with something of everything and return the paths of its pages."""
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    ada = UserFactory.create(name="Ada\tof\\the ‘Isles’\n", roles=("Administrator",))
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    boat = make_article("The slip closes", body="A *story* — of boats 🚤.\n\n\\. \\N is no end.")
    other = make_article("The ferry is late")
    boat.topics.add(harbour)
    zoe = GuestFactory.create(name="Zoe", email="zoe@example.org", confirmed_at=timezone.now())
    first = make_comment(boat, "First!\r\n\\.\n\\N", guest=zoe)
    reply = make_comment(boat, "An answer, مرحبا.", parent=first, author=maria)
    make_comment(boat, "An answer to that.", parent=reply)
    edit_comment(comment=first, body="First, I think.", user=None, guest=zoe)
    moved, gone, hidden = (
        make_comment(boat, "Elsewhere."),
        make_comment(other, "Buy casino."),
        make_comment(other, "A number: 555."),
    )
    move(comment=moved, parent=reply, actor=maria)
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    restrictions.restrict(ids=[hidden.pk], why=Restriction.Why.PERSONAL, actor=ada)
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={"secret": "encrypted"})
    SocialAccount.objects.create(user=ada, provider="work", uid="1001")
    zoe_again = confirm_email(UserFactory.create(name="Zoe", email="zoe@example.org"))
    claim_comments(user=zoe_again, ids=[first.pk])
    DBTaskResult.objects.update(status=TaskResultStatus.SUCCESSFUL)
    Client().force_login(ada)
    return ["/", boat.get_absolute_url(), other.get_absolute_url(), "/topics/harbour/", "/feed/"]


def put_media(name: str, data: bytes) -> Path:
    path = data_path("media") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def media() -> dict[str, bytes]:
    root = data_path("media")
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def pages(paths: list[str]) -> list[tuple[int, bytes]]:
    client = Client()
    return [(answer.status_code, answer.content) for answer in map(client.get, paths)]


def rows() -> dict[str, list[Any]]:
    """Return all rows of the database except sessions and the version of the site."""
    found = {}
    with connection.cursor() as cursor:
        for name, columns in tables.table_columns().items():
            if name in tables.EXCLUDED_TABLES:
                continue
            what = ", ".join(f'"{one}"' for one in columns if (name, one) != ("articles_site", "version"))
            cursor.execute(f"SELECT {what} FROM {name} AS t ORDER BY t::text")
            found[name] = cursor.fetchall()
    return found


def empty() -> None:
    """Empty the site, as if nobody had used it."""
    call_command("flush", interactive=False, verbosity=0)
    assert not Comment.objects.exists()


def test_a_site_comes_back_as_it_was(file: Path, paths: list[str]) -> None:
    put_media("ab/abc/full.jpg", b"\xff\xd8 a picture")
    put_media("ab/abc/320.avif", b"")
    before, shown, pictures = rows(), pages(paths), media()
    version = Site.objects.get().version
    assert [status for status, _ in shown] == [200] * len(paths)
    made = backup(file)
    # With one line more: that restricted words were copied.
    assert before["moderation_restrictedtextreading"] == []
    assert RestrictedTextReading.objects.get(restriction=None, by=None).is_export
    before["moderation_restrictedtextreading"] = rows()["moderation_restrictedtextreading"]
    sequences = tables.read_sequences()
    assert made.notes == []
    assert made.last == last_backup()
    assert made.last.is_there
    assert made.last.sha256 == sha256(file.read_bytes()).hexdigest()
    assert made.last.counts == {"stories": 2, "comments": 6, "people": 3, "guests": 6, "media": 2}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]

    empty()
    for path in data_path("media").rglob("*"):
        path.is_file() and path.unlink()
    data_path("media").rename(data_path("media").with_name("gone"))
    done = restore(file)
    assert done.manifest.counts == made.last.counts
    assert rows() == before
    assert media() == pictures
    assert pages(paths) == shown
    assert check() == {}
    assert Site.objects.get().version > version, "a page kept of the empty site would be taken for true"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT bool_and(tgenabled = 'O') FROM pg_trigger WHERE tgname = 'transition_chain'")
        assert cursor.fetchone() == (True,)
    # The numbers that were given out after the backup do not come again.
    following = {name: last + is_called for name, (last, is_called) in tables.read_sequences().items()}
    assert following == {
        name: last + is_called + (0 if name in tables.EXCLUDED_SEQUENCES else 1_000_000)
        for name, (last, is_called) in sequences.items()
    }
    make_comment(make_article("Afterwards"), "And on.")
    assert check() == {}


def test_the_look_of_the_site_comes_back(file: Path, paths: list[str]) -> None:
    actor = User.objects.administrators()[0]
    upload = SimpleUploadedFile("logo.png", saved(photo(90, 60), "PNG"))
    logo = branding.store_logo(read_upload(upload), actor)
    change_site(accent="#b00020", logo=logo, icon=logo, logo_has_name=True)
    url = branding.accent_url(Site.objects.get())
    before, shown = Client().get(f"/site/logo-{logo.pk}.png").content, pages(["/"])
    assert url.encode() in shown[0][1]
    backup(file)

    empty()
    data_path("media").rename(data_path("media").with_name("gone"))
    restore(file)
    assert pages(["/"]) == shown
    assert Client().get(f"/site/logo-{logo.pk}.png").content == before


def test_the_triggers_of_the_log_are_restored(file: Path, paths: list[str]) -> None:
    def guards() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
            found = cursor.fetchall()
            cursor.execute(
                "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1"
            )
            found += cursor.fetchall()
            cursor.execute("SELECT indexname, indexdef FROM pg_indexes ORDER BY 1")
            return list(found + cursor.fetchall())

    backup(file)
    empty()
    before = guards()
    restore(file)
    assert guards() == before
    with connection.cursor() as cursor, pytest.raises(InternalError, match="append-only"):
        cursor.execute("UPDATE comments_transition SET seq = 1")


def test_every_table_is_in_the_backup_or_excluded_by_name(file: Path, paths: list[str]) -> None:
    backup(file)
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    with open_backup(file) as reader:
        copied = {part.name for part in reader.manifest.tables}
    assert there - copied == set(tables.EXCLUDED_TABLES)


def test_an_image_in_a_story_is_restored_with_its_files(file: Path) -> None:
    image = make_image()
    story = make_article(body=f"Look:\n\n{image.markdown}")
    paths, pictures = [story.get_absolute_url()], media()
    assert len(pictures) > 1
    assert check() == {}
    before = pages(paths)
    assert backup(file).notes == []
    empty()
    data_path("media").rename(data_path("media").with_name("gone"))
    restore(file)
    assert media() == pictures
    assert pages(paths) == before
    assert b"<picture" in before[0][1]
    assert check() == {}


def test_without_media_and_without_anything(file: Path) -> None:
    assert backup(file).last.counts["media"] == 0
    data_path("media").mkdir()
    assert backup(file).last.counts["media"] == 0
    restore(file)
    assert media() == {}


def test_running_jobs_are_queued_again(file: Path) -> None:
    values = {"task_path": "tests.none", "args_kwargs": {"args": [], "kwargs": {}}, "worker_ids": ["gone"]}
    DBTaskResult.objects.create(status=TaskResultStatus.RUNNING, started_at=timezone.now(), **values)
    backup(file)
    empty()
    restore(file)
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY


def test_a_backup_is_one_snapshot_while_people_write(file: Path, paths: list[str]) -> None:
    """While eight threads post, reply, recommend and remove, the backup holds a state that existed."""
    articles, over, wrote = [make_article(f"Story {n}") for n in range(3)], threading.Event(), [0] * 8

    def write(seed: int) -> None:
        try:
            while not over.is_set():
                article = articles[wrote[seed] % 3]
                first = Comment.objects.filter(discussion=article.pk, state=State.PUBLISHED).last()
                with suppress(ValidationError):  # answered what another one removed
                    said = make_comment(article, f"Words {seed}-{wrote[seed]}", parent=first)
                    if wrote[seed] % 5 == 0:
                        decide(ids=[said.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
                    wrote[seed] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    try:
        while sum(wrote) < 40:
            threading.Event().wait(0.01)
        before = Comment.objects.count()
        made = backup(file)
        after = Comment.objects.count()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert before <= made.last.counts["comments"] <= after < Comment.objects.count() + 1
    assert sum(wrote) > 40
    empty()
    restore(file)
    assert Comment.objects.count() == made.last.counts["comments"]
    assert check() == {}
    for discussion in Discussion.objects.all():
        assert make_comment(discussion.article, "Goes on.").pk


# What is refused


def parts_of(file: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(file) as archive:
        return archive.infolist()


def assert_untouched_by(file: Path, sentence: str) -> None:
    before = rows()
    with pytest.raises(CommandError, match=sentence):
        call_command("restore", str(file))
    assert rows() == before
    assert not data_path("media").exists()


def test_a_flipped_bit_in_any_part_is_found_and_the_part_named(file: Path, paths: list[str]) -> None:
    put_media("ab/abc/full.jpg", os.urandom(2000))
    backup(file)
    whole, found = bytearray(file.read_bytes()), 0
    empty()
    data_path("media").rename(data_path("media").with_name("gone"))
    for part in parts_of(file):
        start = part.header_offset + 30 + sum(whole[part.header_offset + n] for n in (26, 28))
        place = start + (part.compress_size // 2 if part.file_size else 0)
        whole[place] ^= 4
        file.write_bytes(whole)
        whole[place] ^= 4
        with pytest.raises(BackupError, match=f"damaged in {part.filename}"), open_backup(file):
            pass
        found += 1
    assert found > 40
    assert_untouched_by(file, "damaged in ")


def test_a_flipped_bit_anywhere_is_found(file: Path) -> None:
    FilterVersion.objects.all().delete()  # the weights of the starter would be most of the file
    backup(file)
    whole = bytearray(file.read_bytes())
    with open_backup(file):
        pass
    for place in [*range(0, len(whole), 997), *range(len(whole) - 400, len(whole))]:
        for bit in (1, 128):
            whole[place] ^= bit
            file.write_bytes(whole)
            whole[place] ^= bit
            with (
                pytest.raises(
                    BackupError, match=r"damaged|is not a backup|its list|which this version|can't read"
                ),
                open_backup(file),
            ):
                pass


def test_a_cut_file_is_found_at_any_length(file: Path) -> None:
    backup(file)
    whole = file.read_bytes()
    for length in [0, 1, 4, 30, 1000, len(whole) // 2, *range(len(whole) - 200, len(whole), 7)]:
        file.write_bytes(whole[:length])
        with (
            pytest.raises(BackupError, match=r"is empty|is not a backup|damaged or incomplete|damaged"),
            open_backup(file),
        ):
            pass
    file.write_bytes(whole + b"\0")
    with pytest.raises(BackupError, match=r"damaged|not a backup"), open_backup(file):
        pass
    assert_untouched_by(file, "damaged|not a backup")


def test_a_file_that_is_no_backup_is_refused(file: Path) -> None:
    assert_untouched_by(file, "No such file")
    file.write_text("A letter.")
    assert_untouched_by(file, "is not a backup of Soundoff")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "A letter in an envelope.")
    assert_untouched_by(file, "is not a backup of Soundoff")


def made_up(file: Path, change: Any, *, more: dict[str, bytes] | None = None) -> None:
    """Return the backup with a changed manifest and correct digests, as an attacker would write it."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(parts.pop(container.MANIFEST))
    change(told)
    with file.open("wb") as out:
        writer = Writer(out)
        for name, data in {**parts, **(more or {})}.items():
            with writer.part(name, packed=True) as part:
                part.write(data)

        class Told:
            def to_json(self) -> bytes:
                return json.dumps(told).encode()

        writer.finish(Told())  # type: ignore[arg-type]


def test_a_rewritten_backup_can_be_restored(file: Path, paths: list[str]) -> None:
    backup(file)
    before = rows()
    empty()
    made_up(file, lambda told: None)
    restore(file)
    assert rows() == before


def test_another_format_and_a_later_version_are_refused(file: Path) -> None:
    backup(file)
    kept = file.read_bytes()
    made_up(file, lambda told: told.update(format=2))
    assert_untouched_by(file, "is of format 2; this version of Soundoff reads format 1")
    file.write_bytes(kept)
    made_up(file, lambda told: told["migrations"]["comments"].append("0999_threads_in_space"))
    assert_untouched_by(
        file,
        r"made by a later version of Soundoff .*comments.0999_threads_in_space, which this version .* lacks",
    )
    file.write_bytes(kept)
    made_up(file, lambda told: told["migrations"]["comments"].pop())
    assert_untouched_by(file, "made by an earlier version, before comments.*without tables")


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../evil", "a//b", ".hidden", "a\\b", "c:evil", "a\0b", ""]
)
def test_a_path_that_leads_out_is_refused(file: Path, home: Path, name: str) -> None:
    assert not is_safe(name)
    backup(file)
    evil = {"name": name, "size": 4, "sha256": sha256(b"evil").hexdigest(), "rows": 0, "columns": []}
    made_up(file, lambda told: told["media"].append(evil), more={f"media/{name}": b"evil"})
    assert_untouched_by(file, "whose path leads out of media/")
    assert not list(home.parent.rglob("*evil*"))


def test_an_unlisted_or_missing_part_is_refused(file: Path) -> None:
    backup(file)
    kept = file.read_bytes()
    made_up(file, lambda told: None, more={"media/more": b"more"})
    assert_untouched_by(file, "holds 'media/more', which its list does not name")
    file.write_bytes(kept)
    part = {"name": "less", "size": 4, "sha256": "", "rows": 0, "columns": []}
    made_up(file, lambda told: told["media"].append(part))
    assert_untouched_by(file, "lacks 'media/less', which its list names")
    file.write_bytes(kept)
    made_up(file, lambda told: told["tables"][0].update(name='x"; DROP TABLE y'))
    assert_untouched_by(file, "names a table that can't be one of Soundoff's")
    file.write_bytes(kept)
    made_up(file, lambda told: told["tables"].pop(), more=None)
    with pytest.raises(BackupError, match="which its list does not name"), open_backup(file):
        pass


@pytest.mark.parametrize(
    "wrong", [{"name": 5}, {"name": None}, {"columns": [1]}, {"columns": None}, {"size": -1}]
)
def test_an_invalid_manifest_is_refused(file: Path, wrong: dict[str, Any]) -> None:
    backup(file)
    made_up(file, lambda told: told["tables"][0].update(wrong))
    assert_untouched_by(file, "that this version of Soundoff can't read")


def test_media_with_another_content_are_refused(file: Path) -> None:
    put_media("ab/abc/full.jpg", b"as it was")
    backup(file)
    data_path("media").rename(data_path("media").with_name("gone"))
    made_up(file, lambda told: told["media"][0].update(sha256="0" * 64))
    assert_untouched_by(file, "damaged in media/ab/abc/full.jpg")


def test_contradicting_rows_are_rolled_back(file: Path, paths: list[str]) -> None:
    """A comment whose story is missing: the digests are correct, and the foreign keys are not."""
    put_media("ab/abc/full.jpg", b"a picture")
    backup(file)
    empty()
    data_path("media").rename(data_path("media").with_name("gone"))

    def without_articles(told: dict[str, Any]) -> None:
        for table in told["tables"]:
            if table["name"] == "articles_article":
                table.update(rows=0, size=0, sha256=sha256(b"").hexdigest())

    made_up(file, without_articles, more={"tables/articles_article.copy": b""})
    before = rows()
    with pytest.raises(BackupError, match="contradicts itself"):
        restore(file)
    assert rows() == before
    assert media() == {}


@pytest.mark.parametrize("what", ["story", "person", "guest", "picture"])
def test_a_site_that_is_not_empty_is_refused(file: Path, what: str) -> None:
    backup(file)
    match what:
        case "story":
            make_article()
        case "person":
            UserFactory.create()
        case "guest":
            GuestFactory.create()
        case "picture":
            put_media("x/y.jpg", b"a picture")
    before, pictures = rows(), media()
    with pytest.raises(CommandError, match="This site is not empty"):
        call_command("restore", str(file))
    assert (rows(), media()) == (before, pictures)


# What a backup leaves alone


def test_links_are_not_followed(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    real = put_media("ab/real.jpg", b"a picture")
    (data_path("media") / "ab" / "link.jpg").symlink_to(secret)
    (data_path("media") / "folder").symlink_to(tmp_path)
    (real.parent / ".half.jpg").write_bytes(b"being written")
    made = backup(file)
    assert len(made.notes) == 2
    assert all("not an ordinary file" in note for note in made.notes)
    assert [p.filename for p in parts_of(file) if p.filename.startswith("media")] == ["media/ab/real.jpg"]
    assert b"a secret" not in file.read_bytes()


def test_a_media_folder_on_another_disk_is_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    data_path("media").symlink_to(tmp_path / "disk")
    put_media("ab/real.jpg", b"a picture")
    backup(file)
    (tmp_path / "disk" / "ab" / "real.jpg").unlink()
    (tmp_path / "disk" / "ab").rmdir()
    restore(file)
    assert (tmp_path / "disk" / "ab" / "real.jpg").read_bytes() == b"a picture"


def test_an_image_that_is_damaged_on_the_disk_is_noted(file: Path) -> None:
    digest = sha256(b"a picture").hexdigest()
    put_media(f"{digest[:2]}/{digest}/full.jpg", b"another one")
    (note,) = backup(file).notes
    assert "Damaged already" in note


def test_a_backup_that_fails_leaves_the_earlier_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(file)
    kept = file.read_bytes()
    monkeypatch.setattr(tables, "read_sequences", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup(file)
    assert file.read_bytes() == kept
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]


def test_a_full_disk_is_noticed_before_the_backup(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.backup.write.shutil.disk_usage", lambda path: os.statvfs_result([0] * 10))
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("archive.backup.write.shutil.disk_usage", lambda path: usage)
    with pytest.raises(CommandError, match=r"it may take .* MB, and .* has 0.0 MB left"):
        call_command("backup", str(file))
    assert not file.exists()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        call_command("backup", str(tmp_path / "nowhere" / "site.zip"))
    with pytest.raises(CommandError, match="is not a file"):
        call_command("backup", str(tmp_path))
