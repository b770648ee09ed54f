"""Forms of the editors' room as a browser holds and sends them."""

import json
import re
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from articles.models import (
    Article,
    Unsaved,
)
from tests.articles.test_admin import form

KEEP = "/admin/articles/article/unsaved/"


def opened(client: Client, url: str) -> dict[str, str]:
    """What the page carries, to be sent back with its form."""
    page = client.get(url).content.decode()
    return {name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("nonce", "read")}


def of(article: Article, **values) -> dict[str, str]:
    return (
        form(
            title=article.title,
            slug=article.slug,
            body=article.body,
            byline=article.byline,
            stage=article.stage,
        )
        | values
    )


def act(article: Article, name: str) -> str:
    return reverse("admin:articles_article_publication", args=[article.pk, name])


def keep(client: Client, **values):
    """What a script tells of an open page: of the fields these, and of the rest that nothing is in them."""
    data = {name: str(values.pop(name, "")) for name in ("key", "read", "nonce")}
    typed = {"title": [""], "standfirst": [""], "body": [""]} | {
        name: [value] for name, value in values.items()
    }
    return client.post(KEEP, data | {"nonce": data["nonce"] or str(uuid4()), "typed": json.dumps(typed)})


def turned(page: dict[str, str], turn: int = 1) -> dict[str, str]:
    """What the page carries once something was typed on it."""
    return page | {"nonce": re.sub("[0-9]+$", str(turn), page["nonce"])}


def own(page: dict[str, str]) -> str:
    return page["nonce"].split()[-1].split(":")[0]


def unsaved() -> list[str]:
    return [row.typed["body"][0] for row in Unsaved.objects.filter(is_done=False)]
