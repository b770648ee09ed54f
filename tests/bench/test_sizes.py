"""The sizes of pages: each byte that a comment or a story adds to its markup is sent many times."""

import pytest
from django.db import connection

from bench.fixture import add_stories, add_thread, thread
from config.page_cache.entries import COMPRESSORS

pytestmark = pytest.mark.django_db

MAX_FRONT_PAGE_BYTES = 12_000  # compressed
MAX_STORY_BYTES = {"br": 18_000, "gzip": 18 * 1024}  # of a story with COMMENTS comments, compressed
# Of the same story, not compressed, by the id before that of its first comment: each digit is a byte, several
# times a comment.
MAX_PAGE_BYTES = {1: 64 * 1024, 100_000: 66_950}
COMMENTS = 74


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_the_front_page_is_small(client, encoding):
    add_stories(20)
    page = client.get("/").content
    assert page.count(b"A short story") >= 20
    assert len(COMPRESSORS[encoding](page)) <= MAX_FRONT_PAGE_BYTES


@pytest.mark.parametrize("last_id", MAX_PAGE_BYTES)
def test_a_story_with_its_discussion_is_small(client, last_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('comments_comment', 'id'), %s)", [last_id])
    story = add_thread("74", thread(COMMENTS), days=100)
    page = client.get(story.path).content
    assert page.count(b'<article id="comment-') == COMMENTS
    assert len(page) < MAX_PAGE_BYTES[last_id]
    for encoding, compress in COMPRESSORS.items():
        assert len(compress(page)) <= MAX_STORY_BYTES[encoding], encoding
