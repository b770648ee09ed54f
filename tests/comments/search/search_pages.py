"""Requests of the search pages, what they show, and comments to search for."""

import re
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from articles.models import Article
from comments.services.imports import ImportedComment, import_comments


def search_discussion(client, article, q, status=200, **query) -> str:
    response = client.get(f"{article.get_absolute_url()}find/", {"q": q, **query})
    assert response.status_code == status
    return response.content.decode()


def search_site(client, q, status=200, **query) -> str:
    response = client.get("/search/", {"q": q, **query})
    assert response.status_code == status
    return response.content.decode()


def found_comments(page: str) -> list[int]:
    """Return the ids of the comments that a page links to, in its order."""
    return [int(pk) for pk in re.findall(r'<h3><a href="[^"]*/comments/(\d+)/"', page)]


def found_stories(page: str) -> list[str]:
    return re.findall(r'<h3 dir="auto"><a href="/stories/([^"/]*)/">', page)


def marks(page: str) -> list[str]:
    return re.findall("<mark>(.*?)</mark>", page)


def import_bodies(article: Article, *bodies: str) -> list[int]:
    """Import comments a minute apart. Imported comments may have any length."""
    article.source_key = f"test|{article.slug}"
    article.save()
    start = timezone.now() - timedelta(days=400)
    made = [
        ImportedComment(
            source_id=f"{n}", author_name="Ida", body=body, created_at=start + timedelta(minutes=n)
        )
        for n, body in enumerate(bodies)
    ]
    return import_comments(article=article, comments=made, actor=None, action_id=uuid4()).created
