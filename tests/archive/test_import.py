"""Import of saved pages: complete, only once, and as the source showed them.

Texts by other people appear here as numbers and digests only. The digests were computed from the file by code
that shares nothing with the parser.
"""

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from django_tasks_db.models import DBTaskResult

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER
from archive import kept_uploads
from archive.formats.soundoff.comments import NAME_LIMIT
from archive.models import Import
from archive.services import MAX_MB, ArchiveImportError, check_size, create_sample, import_page
from articles.models import Article, Redirect, Topic
from articles.publishing.services import publish, set_embargo, unpublish
from articles.redirects import add_redirect
from articles.services import save_article
from comments.integrity import check
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.services.discussions import change_discussion
from comments.services.imports import ANALYZE_FROM, ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import Batch, Finding, Restriction
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.locks import site_is_locked_first
from tests.helpers.rows import snapshot

pytestmark = pytest.mark.django_db

SEED_SHAPE = {1: 50, 2: 14, 3: 10}
SEED_TREE = "7efcead16d9b51989c091175cfd30b1930e62cab09a61dc1b149da946f89ceb7"
SEED_WHO = "7e69bbbb906fe0673b0bfb96b7f5edbb9eb3c71915d66d0a2c8f76a87b0a6c4a"
SEED_TEXT = "6f8845aa3aa852164e62a9ec4912fe83eb2aead253a4d86211b3ed6073d96fff"
START = datetime(2014, 3, 3, 9, 15, tzinfo=UTC)
EMPTIED = {31, 59, 62, 68}
FRAGMENT = 56

HEAD = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

The council blames the price of diesel.

Topics: Harbour • Uncategorized

soundoff (%s Responses)
"""
COMMENTS = [
    "  1. Ann\n\n    My mother lives over there.\n\n    March 3, 2014 at 9:40 am | Reply\n",
    "    • Bo\n\n      Mine, too.\n\n      March 3, 2014 at 10:02 am | Reply\n",
    "      • Ann\n\n        Then let us row.\n\n        March 3, 2014 at 10:30 am |\n",
    "  2. Cy\n\n    Diesel was dearer in 2012.\n\n    March 4, 2014 at 8:00 am | Reply\n",
    "    • Di\n\n      It was not.\n\n      March 4, 2014 at 8:30 am | Reply\n",
]
FOOT = "\nPost a comment\n\nThe Sound Post welcomes a lively and courteous discussion.\n"


def page(count: int = 4) -> bytes:
    """Return a saved page with its first `count` comments."""
    return (HEAD % count + "\n".join(COMMENTS[:count]) + FOOT).encode()


def take(data: bytes, **options):
    return import_page(data=data, filename="story.txt", **options)


def test_a_comment_dated_in_the_future_is_stored_as_of_now_with_a_warning():
    ahead = page().replace(b"March 4, 2014 at 8:00", b"March 4, 2114 at 8:00")
    report = take(ahead)
    (warning,) = [warning for warning in report.warnings if warning.kind == "future"]
    assert "2114" in warning.text
    assert ahead.decode().splitlines()[warning.line - 1].strip() == "2. Cy"
    late = Comment.objects.get(author_name="Cy")
    assert timezone.now() - timedelta(minutes=5) < late.created_at <= timezone.now()
    assert take(ahead).created == 0
    assert check() == {}


def digest(rows) -> str:
    return sha256("\n".join(map(repr, rows)).encode()).hexdigest()


@pytest.fixture
def seed(data: Path) -> bytes:
    return (data / "seed" / "story.txt").read_bytes()


# The seed


@pytest.mark.data
def test_the_seed_is_stored_whole(seed):
    report = take(seed)

    assert (report.found, report.declared, report.by_level) == (74, 82, SEED_SHAPE)
    assert (report.created, report.updated, report.skipped) == (74, 0, 0)
    comments = list(Comment.objects.order_by("source_number").select_related("parent"))
    numbers = {c.pk: c.source_number for c in comments}
    parents = [numbers.get(c.parent_id) for c in comments]
    assert digest(zip(numbers.values(), [c.level + 1 for c in comments], parents, strict=True)) == SEED_TREE
    assert digest((c.source_number, c.author_name, c.created_at.isoformat()) for c in comments) == SEED_WHO
    assert digest((c.source_number, c.body) for c in comments) == SEED_TEXT
    assert [c.source_parent for c in comments] == [c.parent.source_id if c.parent else "" for c in comments]
    assert {c.source_number for c in comments if c.text_missing == "all"} == EMPTIED
    assert {c.source_number for c in comments if c.text_missing == "rest"} == {FRAGMENT}


@pytest.mark.data
def test_the_seed_keeps_its_sources_state(seed, mailoutbox):
    take(seed)

    article = Article.objects.get()
    assert article.published_at == datetime(2013, 6, 19, 20, 40, tzinfo=UTC)
    assert (article.source_name, article.source_zone) == ("CNN", "America/New_York")
    assert (article.rights, article.byline, article.editors.count()) == ("unknown", "", 0)
    assert not Article.objects.syndicated().exists()
    assert list(article.topics.filter(shown=False).values_list("name", flat=True)) == ["Uncategorized"]
    assert article.topics.shown().count() == 2
    assert (article.discussion.status, article.discussion.declared_count) == ("closed", 82)
    assert article.discussion.visible_count == 74
    assert set(Comment.objects.values_list("state", "state_reason")) == {(State.PUBLISHED, Reason.IMPORTED)}
    batch = Batch.objects.get()
    assert batch.kind == Batch.Kind.IMPORT
    assert Transition.objects.filter(batch=batch.pk, to_state=State.PUBLISHED).count() == 74
    assert mailoutbox == []
    assert not DBTaskResult.objects.exists()


@pytest.mark.data
def test_the_seeds_findings(seed):
    take(seed)

    found: dict[str, set[int]] = {}
    for finding in Finding.objects.select_related("comment"):
        found.setdefault(finding.check_name, set()).add(finding.comment.source_number)
    twins = Finding.objects.exclude(twin=None).values_list(
        "check_name", "comment__source_number", "twin__source_number"
    )
    assert found["emptied"] == {*EMPTIED, FRAGMENT}
    assert set(twins) == {("repeat", 33, 12), ("near_repeat", 34, 12)}
    later = Comment.objects.filter(created_at__gt=datetime(2013, 7, 19, 20, 40, tzinfo=UTC))
    assert found["late"] == set(later.values_list("source_number", flat=True))


@pytest.mark.data
def test_the_seed_twice_changes_no_row(seed):
    take(seed)
    before = snapshot()

    report = take(seed)

    assert snapshot() == before
    assert (report.created, report.updated, report.skipped) == (0, 0, 74)
    assert not report.has_changes


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["chrisjrob_github_io_1082", "chrisjrob_github_io_1323", "mythz_blog_176", "mythz_blog_748"]
)
def test_a_saved_thread_has_the_tree_that_its_blog_had(data, name):
    folder = data / "import" / "soundoff_text"
    true = json.loads((folder / f"{name}.json").read_text())

    take((folder / f"{name}.txt").read_bytes())

    stored = list(Comment.objects.order_by("source_number").select_related("parent"))
    assert [
        (c.source_number, c.author_name, c.level + 1, c.parent and c.parent.source_number) for c in stored
    ] == [(c["index"], c["author"], c["level"], c["parent"]) for c in true["comments"]]
    assert [" ".join(c.body.split()) for c in stored] == [
        " ".join(c["text"].split()) for c in true["comments"]
    ]


# Repeated imports, newer saves, simultaneous imports


def test_a_newer_save_adds_only_what_is_new():
    take(page(3))
    before = snapshot()

    report = take(page(5))

    assert (report.created, report.skipped) == (2, 3)
    after = snapshot()
    for table in ("articles_article", "articles_topic"):
        assert after[table] == before[table]
    for table in ("comments_comment", "comments_transition", "moderation_finding", "archive_import"):
        assert set(before[table]) <= set(after[table])
    discussion = Discussion.objects.get()
    assert (discussion.visible_count, discussion.declared_count) == (5, 5)
    assert list(Import.objects.order_by("pk").values_list("found_count", "created_count")) == [(3, 3), (5, 2)]


def test_the_path_at_the_source_leads_to_the_story(client):
    url = "https://old.example/2014/03/03/ferry/"
    preview = take(page(), url=url, dry_run=True).redirect
    assert not Redirect.objects.exists()
    report = take(page(), url=url).redirect
    assert preview.text == "The old address /2014/03/03/ferry/ will lead to the story."
    assert report.text == "The old address /2014/03/03/ferry/ leads to the story."
    assert preview.to_json() == report.to_json()
    assert client.get("/2014/03/03/ferry").url == Article.objects.get().get_absolute_url()


@pytest.mark.parametrize(
    ("url", "old"),
    [
        ("https://old.example/2014/03/03/ferry/?utm_source=rss#comments", "/2014/03/03/ferry/"),
        ("https://old.example/?utm_source=rss&p=12", "/?p=12"),
        (
            "https://old.example/index.php?option=com_content&id=5&tmpl=x",
            "/index.php?option=com_content&id=5",
        ),
    ],
)
def test_the_redirect_has_no_parameter_that_does_not_name_the_story(client, url, old):
    take(page(), url=url)
    assert Redirect.objects.get().old == old
    story = Article.objects.get().get_absolute_url()
    assert client.get(old).url == story
    assert client.get(url.removeprefix("https://old.example")).url == story


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://old.example/", "/ does not lead to the story. There is a page at this address."),
        (
            "https://old.example/archive/",
            "/archive/ does not lead to the story. There is a page at this address.",
        ),
        (
            "https://other.example/?p=12",
            "/?p=12 does not lead to the story. There is a redirect from this address.",
        ),
        (
            "https://old.example//ferry/",
            "https://old.example//ferry/ does not lead to the story. An address must start with a slash, "
            "such as /2013/06/19/slug/ or /?p=12.",
        ),
    ],
)
def test_an_import_changes_no_redirect_and_reports_an_address_in_use(url, sentence):
    add_redirect(old="/?p=12", to=make_article("Typed by a person").get_absolute_url())
    before = Redirect.objects.values_list().get()
    preview = take(page(), url=url, dry_run=True).redirect
    report = take(page(), url=url).redirect
    assert preview.text == report.text == f"The old address {sentence}"
    assert Article.objects.get(source_url=url).is_published()
    assert Redirect.objects.values_list().get() == before


def test_a_source_with_the_same_path_as_the_story_needs_no_redirect(client):
    url = "https://old.example/stories/the-ferry-will-not-sail-on-sundays/"
    preview = take(page(), url=url, dry_run=True).redirect
    report = take(page(), url=url).redirect
    assert preview.to_json() == report.to_json()
    assert report.text.endswith("/stories/the-ferry-will-not-sail-on-sundays/ leads to the story.")
    assert client.get(report.old).status_code == 200
    assert not Redirect.objects.exists()


def test_only_the_first_import_redirects_from_its_source():
    assert take(page()).redirect is None
    assert take(page(5), url="https://old.example/2014/03/03/ferry/").redirect is None
    assert not Redirect.objects.exists()


def test_an_import_outdates_the_site_before_it_locks_the_redirects():
    """Otherwise it and a change of a slug (tests/articles/test_redirects.py) could wait for each other."""
    with CaptureQueriesContext(connection) as queries:
        take(page(), url="https://old.example/2014/03/03/ferry/")
    assert site_is_locked_first(queries)


def test_the_report_of_an_import_shows_the_redirect(client, emil, tmp_path, capsys):
    client.force_login(emil)
    url = "https://old.example/2014/03/03/ferry/"
    shown = client.post(ADD, {"file": upload(), "url": url, "preview": "1"})
    assert "The old address /2014/03/03/ferry/ will lead to the story." in shown.content.decode()
    file = tmp_path / "ferry.txt"
    file.write_bytes(page())
    call_command("import_archive", str(file), "--url", url, "--dry-run")
    assert "The old address /2014/03/03/ferry/ will lead to the story." in capsys.readouterr().out


def test_a_new_reply_finds_its_parent_where_a_moderator_moved_it():
    take(page(4))
    ann, cy = Comment.objects.get(source_number=1), Comment.objects.get(source_number=4)
    move_comment(comment=cy, parent=ann, actor=None)

    take(page(5))

    new = Comment.objects.get(source_number=5)
    assert (new.parent, new.level) == (cy, 2)
    ann.refresh_from_db()
    assert (ann.reply_count, ann.rght) == (4, 10)


def test_a_newer_save_keeps_decisions_made_here():
    take(page(3))
    article = Article.objects.get()
    article.title, article.rights = "No ferry on Sundays", Article.Rights.LICENSED
    save_article(article=article)
    change_discussion(article=article, status=Discussion.Status.OPEN)
    removed = Comment.objects.get(source_number=3)
    change_states(ids=[removed.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)

    take(page(4))

    article = Article.objects.get()
    assert (article.title, article.rights) == ("No ferry on Sundays", "licensed")
    assert article.discussion.status == Discussion.Status.OPEN
    removed.refresh_from_db()
    assert removed.state == State.REJECTED


def test_comments_of_an_undone_import_return_with_the_next():
    """New comments are added as well, a moderator's decision stays, and the import can be undone again."""
    take(page(4))
    first = Batch.objects.get()
    ann, _, _, cy = Comment.objects.order_by("source_number")
    decide(ids=[cy.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    undo(batch=first, actor=None)
    before = Discussion.objects.get()
    assert before.visible_count == 0

    assert (take(page(5), dry_run=True).created, before.version) == (4, Discussion.objects.get().version)
    report = take(page(5))

    assert (report.created, report.skipped) == (4, 1)
    assert Import.objects.latest("pk").created_count == 4
    assert list(Comment.objects.order_by("source_number").values_list("state", "reply_count")) == [
        ("published", 2),
        ("published", 1),
        ("published", 0),
        ("spam", 1),
        ("published", 0),
    ]
    after = Discussion.objects.get()
    assert after.visible_count == 4
    assert after.version > before.version
    line = ann.transitions.latest("id")
    assert (line.from_state, line.to_state, line.reason) == ("deleted", "published", "imported")
    assert check() == {}
    assert take(page(5)).has_changes is False

    undo(batch=Batch.objects.get(pk=line.batch), actor=None)
    assert Discussion.objects.get().visible_count == 0
    assert check() == {}


def test_the_undo_makes_the_story_a_draft_and_the_next_import_publishes_it(client):
    site = make_article("Something else")
    urls = ["/", "/feed/", "/archive/", "/topics/", site.get_absolute_url()]
    before = {url: client.get(url).content for url in urls}
    take(page(3))
    story, batch = Article.objects.get(source_name__gt=""), Batch.objects.get()
    shown = {url: client.get(url).content for url in ["/", story.get_absolute_url()]}
    assert shown["/"] != before["/"]

    back = undo(batch=batch, actor=None)

    assert (back.settings_changed, back.refused) == (2, [])
    gone = client.get(story.get_absolute_url())
    assert gone.status_code == 410
    assert "This story was unpublished" in gone.content.decode()
    assert story.title not in gone.content.decode()
    assert {url: client.get(url).content for url in urls} == before
    assert (take(page(3), dry_run=True).has_changes, Article.objects.get(pk=story.pk).published_at) == (
        True,
        None,
    )
    take(page(3))
    assert Article.objects.get(pk=story.pk).published_at == story.published_at
    assert client.get("/").content == shown["/"]

    undo(batch=Batch.objects.filter(kind="import").latest("at"), actor=None)
    story.refresh_from_db()
    save_article(article=story)  # an editor has a hand in it, and it stays a draft
    assert client.get(story.get_absolute_url()).status_code == 410


def test_an_import_does_not_publish_under_an_embargo_or_against_an_editor(client, emil):
    client.force_login(emil)
    take(page(3))
    undo(batch=Batch.objects.get(), actor=None)
    story = Article.objects.get()
    set_embargo(article=story, until=timezone.now() + timedelta(hours=2), seen=story.version)
    before = snapshot()
    for button in ({}, {"preview": "1"}):
        answer = client.post(ADD, {"file": upload(data=page(5)), **button})
        assert answer.status_code == 200
        assert "before its embargo ends" in answer.context["form"].errors["file"][0]
    assert snapshot() == before

    story.refresh_from_db()
    story = set_embargo(article=story, until=None, seen=story.version)
    story = publish(article=story, at=story.was_published_at, seen=story.version)
    unpublish(article=story, why="It was not true.", seen=story.version)
    assert take(page(5)).is_published_again is False
    assert client.get(story.get_absolute_url()).status_code == 410


def test_undoing_a_newer_save_keeps_the_story_published(client):
    take(page(3))
    take(page(5))
    undo(batch=Batch.objects.latest("at"), actor=None)
    story = Article.objects.get()
    assert story.published_at
    assert Discussion.objects.get().visible_count == 3


@pytest.mark.django_db(transaction=True)
def test_the_planner_knows_the_table_after_a_large_import():
    """Otherwise each post's query reads and sorts the discussion until autovacuum analyzes the table."""

    def expected():
        """Return the number of rows that the planner expects."""
        with connection.cursor() as cursor:
            cursor.execute(
                "EXPLAIN (FORMAT JSON) SELECT FROM comments_comment WHERE discussion_id = %s", [article.pk]
            )
            return cursor.fetchone()[0][0]["Plan"]["Plan Rows"]

    article = make_article()
    comments = [
        ImportedComment(source_id=str(n), author_name="Ann", body=f"Word {n}.", created_at=START)
        for n in range(ANALYZE_FROM + 2)
    ]
    import_comments(article=article, comments=comments[:2], actor=None, batch=uuid4())
    with connection.cursor() as cursor:
        cursor.execute("SELECT comments_analyze()")  # whatever the tests before had stored
    assert expected() == 2
    with transaction.atomic():
        import_comments(article=article, comments=comments, actor=None, batch=uuid4())
        assert expected() < ANALYZE_FROM
    assert expected() == ANALYZE_FROM + 2


def test_an_older_save_changes_nothing():
    take(page(5))
    before = snapshot()
    assert take(page(3)).skipped == 3
    assert snapshot() == before


def test_an_existing_topic_is_used_and_a_taken_slug_gets_a_number():
    Topic.objects.create(name="Harbour", slug="the-harbour")
    Topic.objects.create(name="Uncategorized!", slug="uncategorized")
    take(page())
    assert set(Article.objects.get().topics.values_list("slug", "shown")) == {
        ("the-harbour", True),
        ("uncategorized-2", False),
    }


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_imported_once():
    def run_import(_):
        try:
            return take(page()).created
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run_import, range(4))) == [0, 0, 0, 4]
    assert (Article.objects.count(), Import.objects.count(), Comment.objects.count()) == (1, 1, 4)


# All or nothing


@pytest.mark.parametrize("table", ["comments_commenttext", "comments_transition", "archive_import"])
def test_a_failure_in_the_middle_leaves_nothing(table):
    before = snapshot()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$; "
            f"CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
        )
    with pytest.raises(DatabaseError, match="disk full"):
        take(page())
    assert snapshot() == before


def test_a_dry_run_writes_nothing_and_reports_the_same():
    before = snapshot()
    dry = take(page(), dry_run=True)
    assert snapshot() == before
    assert dry.article is None

    real = take(page())

    assert dry.to_json() == real.to_json()
    before = snapshot()
    assert take(page(5), dry_run=True).created == 1
    assert snapshot() == before


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        (b"", {}, "^Line 1: "),
        (b"\x7fELF\x02\x01\x01\0\0\0", {}, "^Line 1: "),
        (b"Dear diary,\n\ntoday", {}, "^Line 1: "),
        (page()[: page().index(b"Diesel was")], {}, r"^Line \d+: "),
        (page(), {"format": "gazette"}, "gazette"),
        (page(), {"url": "javascript:alert(1)"}, "URL"),
        (page(), {"source": "x" * 121}, "120"),
    ],
    ids=["empty", "binary", "another text", "cut", "unknown format", "bad URL", "long source"],
)
def test_an_incomplete_file_is_refused_with_a_sentence(data, options, sentence):
    before = snapshot()
    with pytest.raises(ArchiveImportError, match=sentence):
        take(data, **options)
    assert snapshot() == before


def test_a_file_beyond_the_limit_is_refused_before_it_is_read():
    check_size(MAX_MB * 1024 * 1024)
    with pytest.raises(ArchiveImportError, match=f"{MAX_MB + 1} MB"):
        check_size(MAX_MB * 1024 * 1024 + 1)


# Names longer than a page of ours would take


def named(author: str) -> bytes:
    return page().replace(b"1. Ann", f"1. {author}".encode())


def test_a_name_of_255_characters_is_kept():
    assert Comment._meta.get_field("author_name").max_length == NAME_LIMIT == 255

    report = take(named("Ü" * 255))

    assert Comment.objects.get(source_number=1).author_name == "Ü" * 255
    assert report.warnings == []


def test_a_longer_name_is_cut_and_kept_whole_in_the_report():
    whole = "Ann of the " + "long " * 60 + "pier"

    report = take(named(whole))

    stored = Comment.objects.get(source_number=1).author_name
    assert (len(stored), stored[-1]) == (255, "…")
    assert whole.startswith(stored[:-1])
    [warning] = report.warnings
    assert (warning.line, warning.kind) == (13, "name")
    assert f"A name of {len(whole):,} characters is cut to 255." in warning.text
    assert whole in warning.text
    assert whole in report.to_json()["warnings"][0]["text"]
    assert whole in Import.objects.get().warnings[0]["text"]
    assert take(named(whole)).has_changes is False


def test_a_long_name_can_be_sealed_and_given_back():
    take(named("Ü" * 255))
    comment = Comment.objects.get(source_number=1)
    administrator = UserFactory.create(name="Ada", roles=(ADMINISTRATOR,))
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.PERSONAL, actor=administrator)
    assert Comment.objects.get(pk=comment.pk).author_name == ""
    restrictions.lift(restriction=Restriction.objects.get(), actor=administrator)
    assert Comment.objects.get(pk=comment.pk).author_name == "Ü" * 255


# Dates in the future

AHEAD = timezone.now().astimezone(ZoneInfo("America/New_York")) + timedelta(days=400)


def dated(data: bytes, ahead: bytes = f"{AHEAD:%B} {AHEAD.day}, {AHEAD.year}".encode()) -> bytes:
    return data.replace(b"March 3rd, 2014", ahead, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_story_of_the_future_is_warned_about(client, dry_run):
    report = take(dated(page()), dry_run=dry_run)

    [warning] = report.warnings
    assert (warning.line, warning.kind) == (1, "future")
    assert warning.text == (
        f"The story is dated {AHEAD.day} {AHEAD:%B %Y}, 09:15 (America/New_York), in the future. Readers will"
        " not see it until then."
    )
    if dry_run:
        assert report.address == ""
        return
    article = Article.objects.get()
    assert client.get(article.get_absolute_url()).status_code == 404
    assert report.address == (
        f"Not published yet. Its address will be {settings.SITE_URL}{article.get_absolute_url()}; editors can"
        f" open it at {settings.SITE_URL}/admin/articles/article/{article.pk}/change/"
    )
    assert Import.objects.get().warnings[0]["kind"] == "future"
    assert [w.kind for w in take(dated(page())).warnings] == ["future"]  # and is, as long as it is so

    Article.objects.update(published_at=START)
    assert take(dated(page())).warnings == []
    assert take(dated(page())).address == f"{settings.SITE_URL}{article.get_absolute_url()}"


def test_the_command_prints_no_address_that_answers_404(tmp_path, capsys, client):
    file = tmp_path / "ferry.txt"
    file.write_bytes(dated(page()))
    call_command("import_archive", str(file))
    said = capsys.readouterr().out.splitlines()
    assert said[2] == "1 warning:"
    assert said[3].startswith("  line 1: The story is dated ")
    assert said[-1].startswith("Not published yet. ")
    assert client.get(said[-1].split()[-1]).status_code == 302  # to the log-in


def test_an_editor_is_warned_at_the_preview_and_led_to_the_admin(client, emil):
    client.force_login(emil)
    looked = client.post(ADD, {"file": upload(data=dated(page())), "preview": "1"}).content.decode()
    assert "in the future. Readers will not see it until then." in looked
    done = client.post(ADD, {"file": upload(data=dated(page()))}).content.decode()
    article = Article.objects.get()
    assert "The story is not published yet." in done
    assert f"/admin/articles/article/{article.pk}/change/" in done
    assert article.get_absolute_url() not in done


def test_a_comment_of_the_future_is_stored_as_of_its_import():
    data = dated(
        page().replace(b"March 4, 2014 at 8:00 am", f"March 4, {AHEAD.year + 1} at 8:00 am".encode())
    )
    before = timezone.now()

    report = take(data)

    assert [(w.line, w.kind) for w in report.warnings] == [(1, "future"), (31, "future")]
    assert f"Comment 4 is dated 4 March {AHEAD.year + 1}, 08:00 (America/New_York)" in report.warnings[1].text
    comment = Comment.objects.get(source_number=4)
    assert before - timedelta(minutes=30) < comment.created_at <= timezone.now()
    assert comment.source_id == f"Cy|{AHEAD.year + 1}-03-04T08:00|1"
    assert take(data).created == 0
    assert check() == {}


# The sample


def test_the_sample_is_ours_and_takes_replies():
    article = create_sample()

    assert article.rights == Article.Rights.OURS
    assert list(Article.objects.syndicated()) == [article]
    discussion = Discussion.objects.get(article=article)
    assert discussion.is_open()
    assert (discussion.declared_count, discussion.visible_count) == (37, 31)
    assert set(Comment.objects.values_list("level", flat=True)) == {0, 1, 2}
    checks = set(Finding.objects.values_list("check_name", flat=True))
    assert {"emptied", "repeat", "near_repeat", "late"} <= checks
    reply = make_comment(article, parent=Comment.objects.get(source_number=1))
    assert reply.state == State.PENDING


# The command


def test_the_command_reports_in_words(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(4).replace(b"(4 ", b"(9 "))

    call_command("import_archive", str(file), source="The Post", url="https://post.example/ferry")

    article = Article.objects.get()
    assert (article.source_name, article.source_url) == ("The Post", "https://post.example/ferry")
    said = capsys.readouterr().out
    assert "4 comments in the file (2 at level 1, 1 at level 2, 1 at level 3); the page announces 9." in said
    assert "  line 12: " in said
    assert "4 comments are new" in said
    assert said.rstrip().endswith(article.get_absolute_url())

    assert "\n1 warning:\n" in said

    call_command("import_archive", str(file))
    assert "Nothing is new" in capsys.readouterr().out


def test_the_command_counts_one_as_one(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(1))
    call_command("import_archive", str(file))
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "1 comment in the file (1 at level 1); the page announces 1.",
        "0 warnings.",
        "1 comment is new, 0 existed already.",
    ]
    file.write_bytes(page(2))
    call_command("import_archive", str(file), "--dry-run")
    said = capsys.readouterr().out
    assert "1 comment is new, 1 exists already. This is a preview: nothing was written." in said


def test_the_command_reports_in_json(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(5).replace(b"(5 ", b"(9 "))

    call_command("import_archive", str(file), "--json", "--dry-run")

    said = json.loads(capsys.readouterr().out)
    assert not Article.objects.exists()
    assert [(w["line"], w["kind"]) for w in said.pop("warnings")] == [(12, "count")]
    assert said.pop("boilerplate") == [43, 45]
    assert said == {
        "format": "soundoff",
        "articles": 1,
        "comments": {"found": 5, "declared": 9, "by_level": {"1": 2, "2": 2, "3": 1}},
        "created": 5,
        "updated": 0,
        "skipped": 0,
        "redirect": None,
    }


def test_the_command_refuses_with_the_sentence(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary")
    with pytest.raises(CommandError, match=r"^Line 1: "):
        call_command("import_archive", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_archive", str(tmp_path / "missing.txt"))


# The admin

ADD = "/admin/archive/import/add/"


def upload(name="ferry.txt", data=None):
    return SimpleUploadedFile(name, page() if data is None else data, content_type="text/plain")


def test_an_editor_imports_a_story(client, emil):
    client.force_login(emil)
    assert client.get(ADD).status_code == 200

    answer = client.post(ADD, {"file": upload(), "source": "The Post", "url": "https://post.example/"})

    assert answer.status_code == 200
    article = Article.objects.get()
    assert article.source_name == "The Post"
    assert article.get_absolute_url() in answer.content.decode()
    assert list(Import.objects.values_list("filename", "actor", "batch__actor")) == [
        ("ferry.txt", emil.pk, emil.pk)
    ]
    assert set(Transition.objects.values_list("actor", flat=True)) == {emil.pk}


def test_an_editor_previews_an_import(client, emil):
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(), "preview": "1"})
    assert "This is a preview: nothing was written." in answer.content.decode()
    assert not Article.objects.exists()


def test_a_refused_file_is_an_error_of_its_field(client, emil):
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(data=b"Dear diary")})
    assert "Line 1: " in answer.context["form"].errors["file"][0]
    assert "Line 1: " in answer.content.decode()
    assert not Article.objects.exists()


def test_an_upload_needs_a_file(client, emil):
    client.force_login(emil)
    assert client.post(ADD, {"source": "The Post"}).context["form"].errors.keys() == {"file"}


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (MODERATOR, 403)])
def test_readers_and_moderators_cannot_import(client, role, status):
    client.force_login(UserFactory.create(roles=(role,)))
    assert client.get(ADD).status_code == status
    assert client.post(ADD, {"file": upload()}).status_code == status
    assert not Article.objects.exists()


def test_the_list_and_its_entries_can_be_read_and_not_changed(client, emil, django_assert_max_num_queries):
    client.force_login(emil)
    take(page(3))
    take(page(4))
    entry = Import.objects.latest("at")
    Import.objects.filter(pk=entry.pk).update(warnings=[{"line": 7, "kind": "count", "text": "<b>odd</b>"}])
    with django_assert_max_num_queries(13):
        shown = client.get("/admin/archive/import/", {"q": "ferry", "format": "soundoff"}).content.decode()
    assert "story.txt" in shown
    assert "Import a story" in shown
    entry_page = client.get(f"/admin/archive/import/{entry.pk}/change/").content.decode()
    assert "&lt;b&gt;odd&lt;/b&gt;" in entry_page
    assert "_save" not in entry_page
    assert client.post(f"/admin/archive/import/{entry.pk}/change/", {"filename": "x"}).status_code == 403
    assert client.post(f"/admin/archive/import/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_story_written_here_has_no_source_key():
    take(page())
    make_article(title="The ferry will not sail on Sundays")
    assert Article.objects.exclude(source_key="").count() == 1


# The file of a preview is kept


def kept_token(answer):
    return re.search(r'name="kept" value="([^"]+)"', answer.content.decode())[1]


def test_a_previewed_file_is_imported_without_choosing_it_again(client, emil):
    client.force_login(emil)
    preview = client.post(ADD, {"file": upload(), "source": "The Post", "preview": "1"})
    assert "ferry.txt is kept until you import it" in preview.content.decode()
    done = client.post(ADD, {"kept": kept_token(preview), "source": "The Post"})
    assert "Comments imported: " in done.content.decode()
    assert Article.objects.get().source_name == "The Post"
    assert Import.objects.get().filename == "ferry.txt"


def test_a_preview_can_be_repeated_without_the_file(client, emil):
    client.force_login(emil)
    first = client.post(ADD, {"file": upload(), "preview": "1"})
    second = client.post(ADD, {"kept": kept_token(first), "source": "The Post", "preview": "1"})
    assert kept_token(second) == kept_token(first)
    assert not Article.objects.exists()


def test_a_form_that_is_sent_again_does_not_import_twice(client, emil):
    client.force_login(emil)
    sent = {"kept": kept_token(client.post(ADD, {"file": upload(), "preview": "1"}))}
    client.post(ADD, sent)
    again = client.post(ADD, sent)
    assert "it was imported already" in again.context["form"].errors["file"][0]
    assert (Article.objects.count(), Import.objects.count()) == (1, 1)


def test_a_refused_form_still_has_the_kept_file(client, emil):
    client.force_login(emil)
    token = kept_token(client.post(ADD, {"file": upload(), "preview": "1"}))
    refused = client.post(ADD, {"kept": token, "url": "no URL"})
    assert refused.context["form"].errors.keys() == {"url"}
    assert kept_token(refused) == token
    newer = {"file": upload("export.txt", b"<rss xmlns:wp='http://wordpress.org/export/1.2/'>")}
    refused = client.post(ADD, {"kept": token, **newer})
    assert refused.context["form"].errors.keys() == {"file"}
    assert kept_token(refused) == token
    done = client.post(ADD, {"kept": token, "source": "The Post"})
    assert 'name="kept"' not in done.content.decode()
    assert Import.objects.get().filename == "ferry.txt"


def test_a_file_that_another_request_deletes_does_not_matter(emil, monkeypatch):
    first = kept_uploads.keep(b"x", filename="a.txt", owner=emil)
    found = list(first.path.parent.glob("*"))
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [folder / f"{emil.pk}-deleted", *found])
    assert kept_uploads.keep(b"y", filename="b.txt", owner=emil).read() == b"y"
    assert first.path.exists()


def test_a_new_file_replaces_the_kept_one(client, emil):
    client.force_login(emil)
    token = kept_token(client.post(ADD, {"file": upload(data=page(3)), "preview": "1"}))
    client.post(ADD, {"kept": token, "file": upload("newer.txt", page(4))})
    assert Import.objects.get().filename == "newer.txt"


def test_a_kept_file_belongs_to_the_person_who_uploaded_it(client, emil):
    client.force_login(emil)
    token = kept_token(client.post(ADD, {"file": upload(), "preview": "1"}))
    client.force_login(UserFactory.create(roles=(EDITOR,)))
    for sent in (token, "made-up"):
        assert client.post(ADD, {"kept": sent}).context["form"].errors.keys() == {"file"}
    assert not Article.objects.exists()


def test_a_kept_file_is_deleted_after_a_day(client, emil):
    client.force_login(emil)
    token = kept_token(client.post(ADD, {"file": upload(), "preview": "1"}))
    path = kept_uploads.find(token, owner=emil).path
    assert kept_uploads.delete_expired() == 0
    old = time.time() - kept_uploads.KEPT_FOR.total_seconds() - 1
    os.utime(path, (old, old))
    assert kept_uploads.delete_expired() == 1
    assert client.post(ADD, {"kept": token}).context["form"].errors.keys() == {"file"}


def test_only_the_last_files_of_a_person_are_kept(emil):
    tokens = [kept_uploads.keep(b"x", filename=f"{n}.txt", owner=emil).token for n in range(7)]
    for token in tokens[:2]:
        with pytest.raises(kept_uploads.UploadExpiredError):
            kept_uploads.find(token, owner=emil)
    assert kept_uploads.find(tokens[-1], owner=emil).filename == "6.txt"


def test_a_preview_shows_the_lines_that_belong_to_the_site(client, emil):
    client.force_login(emil)
    shown = client.post(ADD, {"file": upload(), "preview": "1"})
    for number, text in shown.context["report"].boilerplate.items():
        assert f'<tr><td>{number}</td><td dir="auto">{escape(text)}</td></tr>' in shown.content.decode()
    assert shown.context["report"].boilerplate
