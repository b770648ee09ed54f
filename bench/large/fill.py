"""Fill the site with many comments by COPY: rows, log entries, search texts, counts by day and findings.

The comments are those of guests with a confirmed e-mail, all published, as after years. The triggers run, as
the log's chains its entries, except the one that wants each entry to be of this moment. The indexes of the
search texts are built at the end, in a tenth of the time.
"""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from random import Random
from typing import Any
from uuid import uuid4

from bench import fixture
from bench.fixture import ThreadComment
from bench.runner import report
from bench.servers import connect

STORY_DAYS = 20  # days after its publication in which a story gets comments
ALL_DAYS = 1_000  # days over which the stories are published
COMMENTS_OF_A_GUEST = 20
STORIES_WITH_WORD = 20  # stories whose last comment ends with the searched word
NULL = "NULL"  # the sign for NULL in a file that is copied
PROGRESS = 100_000  # comments after which a line of progress is printed
BLOCK = 20_000  # comments that are copied at once
COLUMNS = {  # in this order: the triggers want the log entry of a comment before the comment
    "comments_transition": (
        "kind, discussion_id, comment_id, revision, from_state, to_state, from_reason, reason, "
        "new_parent_id, at"
    ),
    "comments_comment": (
        "id, discussion_id, parent_id, tree_id, lft, rght, level, reply_count, guest_id, author_name, "
        "author_email, body, body_html, created_at, nonce, is_plain_text, text_missing, revision, state, "
        "state_reason, recommend_count, source, source_id, source_parent"
    ),
    "comments_commenttext": "comment_id, folded, author_name",
}
GUESTS = """
INSERT INTO accounts_guest (name, email, confirmed_at, created_at)
SELECT 'Writer ' || n, 'writer' || n || '@large.example', now(), now()
FROM generate_series(1, %s) n RETURNING id, name, email"""
DAYS = """
INSERT INTO comments_discussionday (discussion_id, day, visible_count)
SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date, count(*) FROM comments_comment
WHERE id >= %(first)s GROUP BY 1, 2"""
COUNTS = """
UPDATE comments_discussion d SET visible_count = found.count, version = version + 1
FROM (SELECT discussion_id, count(*) FROM comments_comment WHERE id >= %(first)s GROUP BY 1) found
WHERE d.article_id = found.discussion_id"""
FINDINGS = """
INSERT INTO moderation_finding (comment_id, revision, check_name, strength, holds, spans, number)
SELECT id, 1, 'links', 0.3, false, '[[0, 4]]', 1 FROM comments_comment
WHERE id >= %(first)s AND id %% 30 = 0"""

Guest = tuple[int, str, str]  # id, name, e-mail


def fill(comments: int, stories: int, in_largest: int, word: str = "") -> list[int]:
    """Add stories with comments, and return their articles. The first one has `in_largest` comments.

    It is the latest story, and the others were published before it, over ALL_DAYS. The last comment of each
    of the first STORIES_WITH_WORD stories ends with the word.
    """
    from django.db import transaction

    sizes = [in_largest, *_sizes(comments - in_largest, stories - 1)]
    now = datetime.now(UTC)
    began = [now - timedelta(days=STORY_DAYS + ALL_DAYS * index / stories) for index in range(stories)]
    with transaction.atomic():  # a commit for each took longer than the story
        articles = [_add_story(comments, index, at) for index, at in enumerate(began)]
    with (
        connect("owner").cursor() as owner,
        _without_date_check_and_indexes(owner),
        ThreadPoolExecutor(1) as executor,
    ):
        copier = _Copier(owner, executor)
        first = _next(owner, "comments_comment_id_seq")
        ids, trees = count(first), count(_next(owner, "comments_tree_seq"))
        owner.execute(GUESTS, [max(1, comments // COMMENTS_OF_A_GUEST)])
        guests: list[Guest] = owner.fetchall()
        random, copied = Random(comments), 0
        for index, (article, size, at) in enumerate(zip(articles, sizes, began, strict=True)):
            thread = fixture.thread(size, seed=article)
            if word and index < STORIES_WITH_WORD:
                thread[-1] = thread[-1]._replace(body=f"{thread[-1].body} {word}")
            copier.copy(_make_rows(article, thread, at, ids, trees, guests, random))
            copied += size
            if copied // PROGRESS > (copied - size) // PROGRESS:
                report(f"{copied:,} of {comments:,} comments …")
        copier.wait()
        owner.execute("SELECT setval('comments_comment_id_seq', %s)", [next(ids)])
        owner.execute("SELECT setval('comments_tree_seq', %s)", [next(trees)])
        for statement in (DAYS, COUNTS, FINDINGS):
            owner.execute(statement, {"first": first})
    return articles


def _sizes(comments: int, stories: int) -> list[int]:
    """Return the number of comments of each story: few have many."""
    random = Random(stories)
    weights = [random.lognormvariate(0, 1) for _ in range(stories)]
    sizes = [max(1, int(comments * weight / sum(weights))) for weight in weights]
    sizes[0] += comments - sum(sizes)
    return sizes


def _add_story(fill_size: int, index: int, at: datetime) -> int:
    from articles.models import Article
    from articles.services import save_article
    from comments.services.discussions import ensure_discussion

    title = f"Story {index} of {fill_size}"
    story = Article(title=title, slug=f"story-{uuid4().hex}", body=title, published_at=at)
    ensure_discussion(save_article(article=story))
    return story.pk


def _make_rows(
    article: int,
    thread: list[ThreadComment],
    began: datetime,
    ids: Iterator[int],
    trees: Iterator[int],
    guests: list[Guest],
    random: Random,
) -> Iterator[dict[str, tuple[Any, ...]]]:
    """Yield the rows of each comment of a story, by table."""
    from articles.markup.markdown import render_plain
    from comments.duplicates import normalize_text
    from comments.services.tree_numbers import number_trees

    times = [began + timedelta(days=STORY_DAYS * one.at) for one in thread]
    numbers = number_trees([one.parent for one in thread], times, range(len(thread)))
    keys, tree_ids = list[int](), list[int]()
    for index, one in enumerate(thread):
        keys.append(next(ids))
        tree_ids.append(next(trees) if one.parent is None else tree_ids[one.parent])
        key, at, number = keys[index], times[index].isoformat(), numbers[index]
        parent = NULL if one.parent is None else keys[one.parent]
        guest, name, email = guests[int(len(guests) * random.random() ** 3)]  # few write much
        yield {
            "comments_transition": ("state", article, key, 1, "", "published", "", "posted", parent, at),
            "comments_comment": (
                *(key, article, parent, tree_ids[index], number.lft, number.rght, number.level),
                *(number.reply_count, guest, name, email, one.body, render_plain(one.body), at, uuid4()),
                *("true", "", 1, "published", "posted", 0, "", "", ""),
            ),
            "comments_commenttext": (key, normalize_text(one.body), name),
        }


class _Copier:
    """Copies rows into their tables in blocks, each in a transaction, while the next block is composed."""

    def __init__(self, cursor: Any, executor: ThreadPoolExecutor) -> None:
        self.cursor = cursor
        self.executor = executor
        self.running: Future[None] | None = None

    def copy(self, rows: Iterator[dict[str, tuple[Any, ...]]]) -> None:
        while block := list(islice(rows, BLOCK)):
            files = {table: io.StringIO() for table in COLUMNS}
            for table, file in files.items():
                csv.writer(file).writerows(row[table] for row in block)
                file.seek(0)
            self.wait()
            self.running = self.executor.submit(self._copy, files)

    def wait(self) -> None:
        """Wait until all blocks are stored, and raise the error of the last one if there was one."""
        if self.running is not None:
            self.running.result()

    def _copy(self, files: dict[str, io.StringIO]) -> None:
        self.cursor.execute("BEGIN")
        for table, file in files.items():
            columns = COLUMNS[table]
            statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, NULL '{NULL}')"
            self.cursor.copy_expert(statement, file)
        self.cursor.execute("COMMIT")


def _next(cursor: Any, sequence: str) -> int:
    cursor.execute("SELECT nextval(%s)", [sequence])
    return int(cursor.fetchone()[0])


@contextmanager
def _without_date_check_and_indexes(cursor: Any) -> Iterator[None]:
    """Allow log entries of earlier days within the block, and build the indexes of search texts after it."""
    cursor.execute("ALTER TABLE comments_transition DISABLE TRIGGER transition_true")
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'comments_commenttext'"
        " AND indexname LIKE 'commenttext%'"
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("ALTER TABLE comments_transition ENABLE TRIGGER transition_true")
    cursor.execute("SET maintenance_work_mem = '2GB'")
    for name, definition in indexes:
        report(f"Building {name} …")
        cursor.execute(definition)
