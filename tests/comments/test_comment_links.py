"""comments/comment_links.py: numbers of and links to comments."""

import pytest

from comments.comment_links import parse_comment_number


@pytest.mark.parametrize(
    "named",
    [
        "123",
        " #123 ",
        "comment-123",
        "#comment-123",
        "/comments/123/",
        "https://example.org/stories/the-slip/comments/123",
        "https://example.org/stories/the-slip/?page=2#comment-123",
        "https://example.org/moderation/comments/123/?queue=new&author=g7#main",
        "/comments/123/edit/",
    ],
)
def test_a_comment_is_named_by_its_number_and_by_every_link_to_it(named):
    assert parse_comment_number(named) == 123


@pytest.mark.parametrize(
    "named",
    [
        *("", "#", "12 or 13", "-1", "١٢٣", "9" * 19, "12/", "comment-", "http://["),
        *("https://example.org/", "https://example.org/stories/123/", "https://example.org/comments/12x/"),
    ],
)
def test_other_texts_name_no_comment(named):
    assert parse_comment_number(named) is None
