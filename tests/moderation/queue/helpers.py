"""Helpers for tests of the moderation pages: read a page and post its forms."""

import re
from html import unescape

from comments.models import Comment

WORDS = [
    f"{first} {last}"
    for first in ("Boat", "Tide", "Rope", "Quay", "Mast")
    for last in ("oar", "net", "gull", "crab", "salt", "sand")
]
LONG = "The slip was there before any of us, and it will be there when we are gone."


def text(response) -> str:
    """Return the page with all whitespace collapsed."""
    return re.sub(r"\s+", " ", response.content.decode())


def open_comment_ids(response) -> list[int]:
    """Return the id of the comment on the open card, if one is open."""
    return [int(pk) for pk in re.findall(r'<article class="card" id="comment-(\d+)"', text(response))]


def links(response) -> str:
    """Return the page with its URLs unescaped."""
    return unescape(text(response))


def listed_comment_ids(response) -> list[int]:
    """Return the ids of the listed comments, from top to bottom."""
    return [int(pk) for pk in re.findall(r'name="ids" value="(\d+)" form="bulk"', text(response))]


def open_card(client, comment) -> str:
    return text(client.get(f"/moderation/comments/{comment.pk}/?queue=waiting"))


def expected_transition(page, comment) -> str:
    found = re.search(rf'name="seen" value="({comment.pk}\.\d+)"', text(page))
    assert found
    return found[1]


def post_decision(client, page, *comments, **fields):
    """Post a decision on these comments with the `expected_transition` values of the page."""
    values = {
        "ids": [c.pk for c in comments],
        "seen": [expected_transition(page, c) for c in comments],
        "next": "/moderation/",
        **fields,
    }
    return client.post("/moderation/decide/", values, follow=True)


def state(comment) -> tuple[str, str]:
    return Comment.objects.values_list("state", "state_reason").get(pk=comment.pk)


def states(comments) -> list[str]:
    """Return the stored states of these comments."""
    return [Comment.objects.values_list("state", flat=True).get(pk=c.pk) for c in comments]
