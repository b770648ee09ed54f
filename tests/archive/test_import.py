"""Import of saved pages: only once, with newer saves, undone, and refused."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg2.extensions import set_wait_callback

from archive.models import Import
from archive.services import (
    MAX_MB,
    SAMPLE_STORY_FILE,
    ArchiveImportError,
    check_size,
    import_page,
    import_sample_story,
)
from articles.models import Article, Topic
from articles.publishing.services import publish, set_embargo, unpublish
from articles.services import save_article
from comments.integrity import check
from comments.models import Comment, Discussion, DiscussionDay, Reason, State
from comments.services import imports
from comments.services.discussions import change_discussion
from comments.services.imports import ANALYZE_FROM, ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.services.states import change_states
from comments.services.text_changes import render_body
from config.page_cache.stamp_reader import StampReader, limit_django_waits
from core.database.sql import lock_timeout
from moderation.actions.decisions import decide, undo
from moderation.models import Action, Finding
from tests.archive.saved_pages import ADD, import_saved_page, page, upload
from tests.factories import make_article, make_comment
from tests.helpers.postgres.rows import snapshot

pytestmark = pytest.mark.django_db

START = datetime(2014, 3, 3, 9, 15, tzinfo=UTC)


def test_an_imported_story_is_closed_and_not_indexed_until_an_editor_sets_its_rights(client):
    import_saved_page(page(3))
    article = Article.objects.get()
    assert not article.discussion.is_open(START + timedelta(minutes=1)), "and not only because of its age"
    noindex = '<meta name="robots" content="noindex">'
    assert noindex in client.get(article.get_absolute_url()).text
    assert article.title not in client.get("/feed/").text
    article.rights = Article.Rights.LICENSED
    save_article(article=article)
    assert noindex not in client.get(article.get_absolute_url()).text
    assert article.title in client.get("/feed/").text


def test_a_newer_save_adds_only_new_comments():
    import_saved_page(page(3))
    before = snapshot()

    report = import_saved_page(page(5))

    assert (report.created_count, report.skipped_count) == (2, 3)
    after = snapshot()
    for table in ("articles_article", "articles_topic"):
        assert after[table] == before[table]
    for table in ("comments_comment", "comments_transition", "moderation_finding", "archive_import"):
        assert set(before[table]) <= set(after[table])
    discussion = Discussion.objects.get()
    assert (discussion.visible_count, discussion.declared_count) == (5, 5)
    assert list(Import.objects.order_by("pk").values_list("found_count", "created_count")) == [(3, 3), (5, 2)]


def test_a_new_reply_finds_its_parent_where_a_moderator_moved_it():
    import_saved_page(page(4))
    ann, cy = Comment.objects.get(source_number=1), Comment.objects.get(source_number=4)
    move_comment(comment=cy, parent=ann, actor=None)

    import_saved_page(page(5))

    new = Comment.objects.get(source_number=5)
    assert (new.parent, new.level) == (cy, 2)
    ann.refresh_from_db()
    assert (ann.reply_count, ann.rght) == (4, 10)


def test_a_newer_save_keeps_decisions_made_here():
    import_saved_page(page(3))
    article = Article.objects.get()
    article.title, article.rights = "No ferry on Sundays", Article.Rights.LICENSED
    save_article(article=article)
    change_discussion(article=article, status=Discussion.Status.OPEN)
    removed = Comment.objects.get(source_number=3)
    change_states(ids=[removed.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)

    import_saved_page(page(4))

    article = Article.objects.get()
    assert (article.title, article.rights) == ("No ferry on Sundays", "licensed")
    assert article.discussion.status == Discussion.Status.OPEN
    removed.refresh_from_db()
    assert removed.state == State.REJECTED


def test_comments_of_an_undone_import_return_with_the_next():
    """New comments are added as well, a moderator's decision stays, and the import can be undone again."""
    import_saved_page(page(4))
    first = Action.objects.get()
    ann, _, _, cy = Comment.objects.order_by("source_number")
    decide(ids=[cy.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    undo(action=first, actor=None)
    before = Discussion.objects.get()
    assert before.visible_count == 0

    assert (import_saved_page(page(5), dry_run=True).created_count, before.version) == (
        4,
        Discussion.objects.get().version,
    )
    report = import_saved_page(page(5))

    assert (report.created_count, report.skipped_count) == (4, 1)
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
    assert import_saved_page(page(5)).has_changes is False

    undo(action=Action.objects.get(pk=line.action_id), actor=None)
    assert Discussion.objects.get().visible_count == 0
    assert check() == {}


def test_the_undo_of_an_import_cannot_be_undone_after_a_second_import(maria, client):
    """The second import has brought the comments back, so nothing is doubled or lost."""
    import_saved_page(page(4))
    first = undo(action=Action.objects.get(), actor=maria).action
    import_saved_page(page(4))
    stored = list(Comment.objects.order_by("pk").values())
    client.force_login(maria)
    shown = client.get(f"/moderation/actions/{first.pk}/").text
    assert "Undo this action" not in shown
    assert "This can’t be undone any more, because all of it has changed meanwhile." in shown
    assert "Imported" in shown

    assert undo(action=first, actor=maria).action is None
    assert list(Comment.objects.order_by("pk").values()) == stored
    undo(action=Action.objects.filter(kind="import").latest("at"), actor=maria)
    assert Discussion.objects.get().visible_count == 0
    assert undo(action=first, actor=maria).action is None
    assert check() == {}


def test_the_undo_makes_the_story_a_draft_and_the_next_import_publishes_it(client):
    site = make_article("Something else")
    urls = ["/", "/feed/", "/archive/", "/topics/", site.get_absolute_url()]
    before = {url: client.get(url).content for url in urls}
    import_saved_page(page(3))
    story, action = Article.objects.get(source_name__gt=""), Action.objects.get()
    shown = {url: client.get(url).content for url in ["/", story.get_absolute_url()]}
    assert shown["/"] != before["/"]

    back = undo(action=action, actor=None)

    assert (back.action.changes.count(), back.skipped) == (2, [])
    gone = client.get(story.get_absolute_url())
    assert gone.status_code == 410
    assert "This story was unpublished" in gone.content.decode()
    assert story.title not in gone.content.decode()
    assert {url: client.get(url).content for url in urls} == before
    assert (
        import_saved_page(page(3), dry_run=True).has_changes,
        Article.objects.get(pk=story.pk).published_at,
    ) == (
        True,
        None,
    )
    import_saved_page(page(3))
    assert Article.objects.get(pk=story.pk).published_at == story.published_at
    assert client.get("/").content == shown["/"]

    undo(action=Action.objects.filter(kind="import").latest("at"), actor=None)
    story.refresh_from_db()
    save_article(article=story)  # an editor has changed the story, so it stays a draft
    assert client.get(story.get_absolute_url()).status_code == 410


def test_an_import_does_not_publish_under_an_embargo_or_against_an_editor(client, emil):
    client.force_login(emil)
    import_saved_page(page(3))
    undo(action=Action.objects.get(), actor=None)
    story = Article.objects.get()
    set_embargo(article=story, until=timezone.now() + timedelta(hours=2), seen=story.version)
    before = snapshot()
    for button in ({}, {"preview": "1"}):
        answer = client.post(ADD, {"file": upload(data=page(5)), **button}, follow=True)
        assert answer.status_code == 200
        assert "before its embargo ends" in answer.context["form"].errors["file"][0]
    assert snapshot() == before

    story.refresh_from_db()
    story = set_embargo(article=story, until=None, seen=story.version)
    story = publish(article=story, at=story.was_published_at, seen=story.version)
    unpublish(article=story, reason="It was not true.", seen=story.version)
    assert import_saved_page(page(5)).is_republished is False
    assert client.get(story.get_absolute_url()).status_code == 410


def test_undoing_a_newer_save_keeps_the_story_published(client):
    import_saved_page(page(3))
    import_saved_page(page(5))
    undo(action=Action.objects.latest("at"), actor=None)
    story = Article.objects.get()
    assert story.published_at
    assert Discussion.objects.get().visible_count == 3


def test_storing_in_batches_gives_the_same_rows_as_storing_at_once(monkeypatch):
    monkeypatch.setattr(imports, "BATCH_SIZE", 3)
    texts = [
        "\\N",
        "\\.",
        "a\ttab",
        "two\nlines\n\nof http://example.org",
        "<b>&</b>",
        "100 % %s",
        '’"',
        "日本語 😀",
    ]
    made = [
        ImportedComment(
            source_id=f"{n}\\{text}",
            author_name=f"Ann \\{n}",
            body=text,
            created_at=START + timedelta(hours=13 * n),
            parent=n // 2 if n % 3 else None,  # also in an earlier batch
            is_plain_text=n % 2 == 0,
            text_missing="rest" if n == 5 else "",
            number=n + 1,
        )
        for n, text in enumerate(texts)
    ]
    article, action = make_article(source_key="a" * 64), uuid4()
    result = import_comments(article=article, comments=made, actor=None, action_id=action)

    stored = list(Comment.objects.order_by("id"))
    assert [comment.pk for comment in stored] == result.created
    for comment, source in zip(stored, made, strict=True):
        parent = None if source.parent is None else stored[source.parent]
        assert (comment.body, comment.author_name) == (source.body, source.author_name)
        assert comment.body_html == render_body(source.body, is_plain_text=source.is_plain_text)
        assert (comment.is_plain_text, comment.text_missing) == (source.is_plain_text, source.text_missing)
        assert (comment.created_at, comment.parent) == (source.created_at, parent)
        assert (comment.source, comment.source_id) == ("a" * 64, source.source_id)
        assert (comment.source_number, comment.source_parent) == (
            source.number,
            parent.source_id if parent else "",
        )
        entry = comment.transitions.get()
        assert (entry.action_id, entry.new_parent, entry.to_state, entry.from_state, entry.actor) == (
            action,
            parent,
            State.PUBLISHED,
            "",
            None,
        )
    days = Counter((START + timedelta(hours=13 * n)).date() for n in range(len(made)))
    assert dict(DiscussionDay.objects.values_list("day", "visible_count")) == days
    assert check() == {}


def test_an_error_in_a_later_batch_imports_nothing(monkeypatch):
    monkeypatch.setattr(imports, "BATCH_SIZE", 1)

    def render(body: str, *, is_plain_text: bool) -> str:
        if body == "damaged":
            raise ValueError(body)
        return body

    monkeypatch.setattr(imports, "render_body", render)
    made = [ImportedComment(str(n), "Ann", body, START) for n, body in enumerate(["one", "two", "damaged"])]
    with pytest.raises(ValueError, match="damaged"):
        import_comments(article=make_article(), comments=made, actor=None, action_id=uuid4())
    assert not Comment.objects.exists()


def test_an_import_works_where_waits_for_the_database_are_limited():
    """They are limited in a web process, in which psycopg2 refuses some kinds of statements."""
    reader = StampReader()
    limit_django_waits(reader)
    try:
        import_page(data=SAMPLE_STORY_FILE.read_bytes(), filename="story.txt")
    finally:
        set_wait_callback(None)
        reader.close()
    assert check() == {}
    assert Comment.objects.filter(search_text=None).count() == 0


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
    import_comments(article=article, comments=comments[:2], actor=None, action_id=uuid4())
    with connection.cursor() as cursor:
        cursor.execute("SELECT comments_analyze()")  # independent of the rows of earlier tests
    assert expected() == 2
    with transaction.atomic():
        import_comments(article=article, comments=comments, actor=None, action_id=uuid4())
        assert expected() < ANALYZE_FROM
    assert expected() == ANALYZE_FROM + 2


@pytest.mark.django_db(transaction=True)
def test_a_large_import_does_not_wait_until_an_index_is_built(monkeypatch):
    """Building it would wait for this import at the same time, and Postgres would end one of the two."""
    monkeypatch.setattr(imports, "ANALYZE_FROM", 1)
    article = make_article()
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE comments_comment IN SHARE UPDATE EXCLUSIVE MODE")
        comment = ImportedComment(source_id="1", author_name="Ann", body="Word.", created_at=START)
        with lock_timeout(0):  # otherwise the tests' own would end the wait
            import_comments(article=article, comments=[comment], actor=None, action_id=uuid4())
    assert Comment.objects.get().body == "Word."


def test_an_older_save_changes_nothing():
    import_saved_page(page(5))
    before = snapshot()
    assert import_saved_page(page(3)).skipped_count == 3
    assert snapshot() == before


def test_an_existing_topic_is_used_and_a_taken_slug_gets_a_number():
    Topic.objects.create(name="Harbour", slug="the-harbour")
    Topic.objects.create(name="Uncategorized!", slug="uncategorized")
    import_saved_page(page())
    assert set(Article.objects.get().topics.values_list("slug", "shown")) == {
        ("the-harbour", True),
        ("uncategorized-2", False),
    }


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_imported_once():
    def run_import(_):
        try:
            return import_saved_page(page()).created_count
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run_import, range(4))) == [0, 0, 0, 4]
    assert (Article.objects.count(), Import.objects.count(), Comment.objects.count()) == (1, 1, 4)


@pytest.mark.parametrize("table", ["comments_commenttext", "comments_transition", "archive_import"])
def test_a_failure_in_the_middle_leaves_nothing(table):
    before = snapshot()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$; "
            f"CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
        )
    with pytest.raises(DatabaseError, match="disk full"):
        import_saved_page(page())
    assert snapshot() == before


def test_a_dry_run_writes_nothing_and_reports_the_same():
    before = snapshot()
    dry = import_saved_page(page(), dry_run=True)
    assert snapshot() == before
    assert dry.article is None

    real = import_saved_page(page())

    assert dry.to_json() == real.to_json()
    before = snapshot()
    assert import_saved_page(page(5), dry_run=True).created_count == 1
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
        import_saved_page(data, **options)
    assert snapshot() == before


def test_a_file_beyond_the_limit_is_refused_before_it_is_read():
    check_size(MAX_MB * 1024 * 1024)
    with pytest.raises(ArchiveImportError, match=f"{MAX_MB + 1} MB"):
        check_size(MAX_MB * 1024 * 1024 + 1)


def test_the_sample_accepts_replies():
    article = import_sample_story()

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
