"""The sizes of pages: each byte that a comment or a story adds to its markup is sent many times."""

import gzip

import pytest
from django.db import connection

from bench.fixture import add_stories, add_thread, thread

pytestmark = pytest.mark.django_db

MAX_FRONT_PAGE_BYTES = 12 * 1024  # bytes, compressed
MAX_STORY_BYTES = 18 * 1024  # of a story with COMMENTS comments
MAX_PAGE_BYTES = 64 * 1024  # of the same story, not compressed, with ids of two digits
COMMENTS = 74


def compressed_size(content: bytes) -> int:
    """Return the size with gzip at level 6, which is the same on every machine."""
    return len(gzip.compress(content, 6, mtime=0))


def test_the_front_page_is_small(client):
    add_stories(20)
    page = client.get("/").content
    assert page.count(b"A short story") >= 20
    assert compressed_size(page) <= MAX_FRONT_PAGE_BYTES


def test_a_story_with_its_discussion_is_small(client):
    with connection.cursor() as cursor:  # each digit of an id is a byte, several times a comment
        cursor.execute("SELECT setval(pg_get_serial_sequence('comments_comment', 'id'), 1)")
    story = add_thread("74", thread(COMMENTS), days=100)
    page = client.get(story.path).content
    assert page.count(b'<article id="comment-') == COMMENTS
    assert len(page) < MAX_PAGE_BYTES
    assert compressed_size(page) <= MAX_STORY_BYTES
