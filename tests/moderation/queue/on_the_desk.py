"""What tests of the desk's pages read off them, and how they press what stands there."""

import re
from html import unescape

from comments.models import Comment


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def shown(response) -> list[int]:
    """The id of the comment on the open card, if one is open."""
    return [int(pk) for pk in re.findall(r'<article class="card" id="comment-(\d+)"', text(response))]


def links(response) -> str:
    """The page with its URLs as a browser reads them."""
    return unescape(text(response))


def rows(response) -> list[int]:
    """Ids of the comments listed, from top to bottom."""
    return [int(pk) for pk in re.findall(r'name="ids" value="(\d+)" form="bulk"', text(response))]


def open_card(client, comment) -> str:
    return text(client.get(f"/moderation/comments/{comment.pk}/?queue=waiting"))


def seen(page, comment) -> str:
    found = re.search(rf'name="seen" value="({comment.pk}\.\d+)"', text(page))
    assert found
    return found[1]


def press(client, page, *comments, **fields):
    values = {
        "ids": [c.pk for c in comments],
        "seen": [seen(page, c) for c in comments],
        "next": "/moderation/",
        **fields,
    }
    return client.post("/moderation/decide/", values, follow=True)


def state(comment) -> tuple[str, str]:
    return Comment.objects.values_list("state", "state_reason").get(pk=comment.pk)
