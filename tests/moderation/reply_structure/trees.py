"""Imported trees of comments, and what a person does with them on the page of the reply structure."""

from uuid import uuid4

from django.utils import timezone

from accounts.models import User
from comments.models import Comment
from comments.services.imports import ImportedComment, import_comments
from tests.factories import make_article, make_comment

TREE = "/admin/comments/comment/"


def import_thread(count, article=None):
    """Import a discussion: every third comment is top-level, the others reply to the one before."""
    article = article or make_article(source_key=str(uuid4()))
    at = timezone.now()
    thread = [
        ImportedComment(str(n), f"Person {n}", f"Words {n}.", at, parent=None if n % 3 == 0 else n - 1)
        for n in range(count)
    ]
    import_comments(article=article, comments=thread, actor=None, action_id=uuid4())
    return article


def one_tree(count):
    """Import one tree: each comment replies to the one before, and every 20th to the first."""
    article, at = make_article(source_key=str(uuid4())), timezone.now()
    parents = [None, *(n if n % 20 else 0 for n in range(count - 1))]
    thread = [
        ImportedComment(str(n), "Somebody", f"Words {n}.", at, parent=parent)
        for n, parent in enumerate(parents)
    ]
    import_comments(article=article, comments=thread, actor=None, action_id=uuid4())
    return list(Comment.objects.filter(discussion=article.pk))


def publish_comment(article, body, **fields):
    moderator = User.objects.filter(name="Maria").first()
    return make_comment(article, body, author=moderator, **fields)


def ids(comments):
    return [comment.pk for comment in comments]


def drop_comment(client, cut, on, position, **query):
    query = {"discussion": cut.discussion_id, **query}
    url = f"{TREE}?{'&'.join(f'{key}={value}' for key, value in query.items())}"
    sent = {"cmd": "move_node", "cut_item": cut.pk, "pasted_on": on.pk, "position": position}
    return client.post(url, sent)


def messages_of(client):
    """Return the messages that the next page shows."""
    return [str(message) for message in client.get("/admin/").context["messages"]]


def drag(page, cut, on):
    """Drag a row by its handle to the middle of another, as with a mouse.

    The screen is higher than the tree: mptt scrolls by itself when the mouse comes near the lower edge.
    """
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.evaluate("document.fonts.ready")  # the rows move until the fonts are there
    handle = page.locator(f'tr:has([data-pk="{cut.pk}"]) .drag-handle').bounding_box()
    row = page.locator(f'tr:has([data-pk="{on.pk}"])').bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(row["x"] + 200, row["y"] + row["height"] / 2 + 3, steps=5)
    page.mouse.move(row["x"] + 200, row["y"] + row["height"] / 2, steps=3)
    with page.expect_navigation():
        page.mouse.up()
