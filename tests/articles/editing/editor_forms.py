"""Requests of the editor page, as a browser and its script send them, and what tests do in the browser."""

import json
import re
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from articles.editing.conflicts import FormSnapshot
from articles.models import Article, Autosave
from articles.publishing.actions import publication_values
from core.data_folder import PROJECT

WORD = (PROJECT / "tests/articles/markup/pasted/word.html").read_text()
ADD = "/admin/articles/article/add/"
AUTOSAVE_URL = "/admin/articles/article/unsaved/"

PASTE = """(field, [html, plain]) => {
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  data.setData("text/plain", plain);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def hidden_fields(client: Client, url: str) -> dict[str, str]:
    """Return the hidden fields of the page, which are sent back with its form."""
    page = client.get(url, follow=True).content.decode()
    return {name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("nonce", "read")}


def article_fields(article: Article, **values) -> dict[str, str]:
    """Return the fields of the form of an article, which has just been loaded."""
    return (
        form(
            read=FormSnapshot(0, publication_values(article)).token(),
            title=article.title,
            slug=article.slug,
            body=article.body,
            byline=article.byline,
            stage=article.stage,
        )
        | values
    )


def body(page):
    return page.locator("#id_body")


def preview_of(page):
    return page.frame_locator(".editor-frame").locator("main")


def select(page, words) -> None:
    body(page).evaluate(
        "(field, words) => { const at = field.value.indexOf(words); field.focus(); "
        "field.setSelectionRange(at, at + words.length); }",
        words,
    )


def open_row(page, name: str) -> None:
    """Open a row of the drawer in a browser, if it is closed."""
    row = page.locator(".drawer .row", has=page.locator("summary", has_text=name))
    if row.get_attribute("open") is None:
        row.locator("summary").click()


def save(page) -> None:
    """Press Save in a browser: the main button of a published story, and in its menu before that."""
    button = page.locator("[name=_save]").first
    if not button.is_visible():
        page.locator(".split summary").click()
    button.click()


def publication_url(article: Article, name: str) -> str:
    return reverse("admin:articles_article_publication", args=[article.pk, name])


def post_autosave(client: Client, **values):
    """Send an autosave with these fields, and empty ones for the rest."""
    data = {name: str(values.pop(name, "")) for name in ("key", "read", "nonce")}
    typed = {"title": [""], "standfirst": [""], "body": [""]} | {
        name: [value] for name, value in values.items()
    }
    return client.post(
        AUTOSAVE_URL, data | {"nonce": data["nonce"] or str(uuid4()), "typed": json.dumps(typed)}
    )


def with_changes(page: dict[str, str], number: int = 1) -> dict[str, str]:
    """Return the hidden fields as they are after that many changes in the form."""
    return page | {"nonce": re.sub("[0-9]+$", str(number), page["nonce"])}


def last_nonce(page: dict[str, str]) -> str:
    return page["nonce"].split()[-1].split(":")[0]


def autosaved_bodies() -> list[str]:
    return [row.fields["body"][0] for row in Autosave.objects.filter(is_done=False)]


def form(**values: Any) -> dict[str, Any]:
    defaults = {
        "title": "The slip closes",
        "slug": "",
        "standfirst": "",
        "byline": "Emil",
        "body": "A *story*.",
        "published_at_0": "",
        "published_at_1": "",
        "rights": "ours",
        "source_name": "",
        "source_url": "",
        "discussion-TOTAL_FORMS": "0",
        "discussion-INITIAL_FORMS": "0",
    }
    return defaults | values


def change(article: Article) -> str:
    return reverse("admin:articles_article_change", args=[article.pk])


def article_form(article: Article, **discussion: Any) -> dict[str, Any]:
    """Return the form data of an article's page, with its discussion's settings."""
    is_stored = hasattr(article, "discussion")
    settings = {
        "status": "open",
        "closes_at_0": "",
        "closes_at_1": "",
        "moderation": "conditional",
        **({"article": article.pk} if is_stored else {}),
        **discussion,
    }
    return form(
        title=article.title,
        slug=article.slug,
        byline="",
        body=article.body,
        rights=article.rights,
        **{"discussion-TOTAL_FORMS": "1", "discussion-INITIAL_FORMS": "1" if is_stored else "0"},
        **{f"discussion-0-{name}": value for name, value in settings.items()},
    )
