"""The form of a reply, and its URL."""

from uuid import uuid4


def fields(**changed):
    return {"name": "Ida", "email": "ida@example.org", "body": "It did.", "nonce": str(uuid4())} | changed


def url(article, parent=None):
    return f"{article.get_absolute_url()}reply/" + (f"{parent.pk}/" if parent else "")
