"""Import of the example pages: complete, and as the source showed them.

Texts by other people appear here as numbers and digests only. The digests were computed from the file by code
that shares nothing with the parser.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from django_tasks_db.models import DBTaskResult

from articles.models import Article
from comments.models import Comment, Reason, State, Transition
from moderation.models import Action, Finding
from tests.archive.saved_pages import import_saved_page
from tests.helpers.postgres.rows import snapshot

pytestmark = pytest.mark.django_db

SEED_SHAPE = {1: 50, 2: 14, 3: 10}
SEED_TREE = "7efcead16d9b51989c091175cfd30b1930e62cab09a61dc1b149da946f89ceb7"
SEED_AUTHORS = "7e69bbbb906fe0673b0bfb96b7f5edbb9eb3c71915d66d0a2c8f76a87b0a6c4a"
SEED_TEXT = "6f8845aa3aa852164e62a9ec4912fe83eb2aead253a4d86211b3ed6073d96fff"
EMPTIED = {31, 59, 62, 68}
FRAGMENT = 56


def digest(rows) -> str:
    return sha256("\n".join(map(repr, rows)).encode()).hexdigest()


@pytest.fixture
def seed(data: Path) -> bytes:
    return (data / "seed" / "story.txt").read_bytes()


@pytest.mark.data
def test_the_seed_is_stored_whole(seed):
    report = import_saved_page(seed)

    assert (report.found_count, report.declared_count, report.by_level) == (74, 82, SEED_SHAPE)
    assert (report.created_count, report.skipped_count) == (74, 0)
    comments = list(Comment.objects.order_by("source_number").select_related("parent"))
    numbers = {c.pk: c.source_number for c in comments}
    parents = [numbers.get(c.parent_id) for c in comments]
    assert digest(zip(numbers.values(), [c.level + 1 for c in comments], parents, strict=True)) == SEED_TREE
    assert (
        digest((c.source_number, c.author_name, c.created_at.isoformat()) for c in comments) == SEED_AUTHORS
    )
    assert digest((c.source_number, c.body) for c in comments) == SEED_TEXT
    assert [c.source_parent for c in comments] == [c.parent.source_id if c.parent else "" for c in comments]
    assert {c.source_number for c in comments if c.text_missing == "all"} == EMPTIED
    assert {c.source_number for c in comments if c.text_missing == "rest"} == {FRAGMENT}


@pytest.mark.data
def test_the_seed_keeps_its_sources_state(seed, mailoutbox):
    import_saved_page(seed)

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
    action = Action.objects.get()
    assert action.kind == Action.Kind.IMPORT
    assert Transition.objects.filter(action_id=action.pk, to_state=State.PUBLISHED).count() == 74
    assert mailoutbox == []
    assert not DBTaskResult.objects.exists()


@pytest.mark.data
def test_the_seed_gets_its_findings(seed):
    import_saved_page(seed)

    found: dict[str, set[int]] = {}
    for finding in Finding.objects.select_related("comment"):
        found.setdefault(finding.check_name, set()).add(finding.comment.source_number)
    duplicates = Finding.objects.exclude(duplicate_of=None).values_list(
        "check_name", "comment__source_number", "duplicate_of__source_number"
    )
    assert found["emptied"] == {*EMPTIED, FRAGMENT}
    assert set(duplicates) == {("repeat", 33, 12), ("near_repeat", 34, 12)}
    later = Comment.objects.filter(created_at__gt=datetime(2013, 7, 19, 20, 40, tzinfo=UTC))
    assert found["late"] == set(later.values_list("source_number", flat=True))


@pytest.mark.data
def test_the_seed_twice_changes_no_row(seed):
    import_saved_page(seed)
    before = snapshot()

    report = import_saved_page(seed)

    assert snapshot() == before
    assert (report.created_count, report.skipped_count) == (0, 74)
    assert not report.has_changes


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["chrisjrob_github_io_1082", "chrisjrob_github_io_1323", "mythz_blog_176", "mythz_blog_748"]
)
def test_a_saved_thread_has_the_tree_that_its_blog_had(data, name):
    folder = data / "import" / "soundoff_text"
    true = json.loads((folder / f"{name}.json").read_text())

    import_saved_page((folder / f"{name}.txt").read_bytes())

    stored = list(Comment.objects.order_by("source_number").select_related("parent"))
    assert [
        (c.source_number, c.author_name, c.level + 1, c.parent and c.parent.source_number) for c in stored
    ] == [(c["index"], c["author"], c["level"], c["parent"]) for c in true["comments"]]
    assert [" ".join(c.body.split()) for c in stored] == [
        " ".join(c["text"].split()) for c in true["comments"]
    ]
