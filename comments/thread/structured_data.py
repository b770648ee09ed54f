"""Metadata of a story's page for search engines: schema.org data (JSON-LD) of the story and its comments."""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from articles.images.html import social_image
from articles.markup.markdown import make_excerpt
from articles.models import Article, BylineAuthor, Site
from articles.site.requests import SiteRequest
from comments.models import State
from comments.thread.rows import ThreadRow
from core.dates.formats import utc_text

MAX_COMMENTS = 5  # comments in the data
COMMENT_LENGTH = 150  # characters of each, as the page already has the whole text and must stay small
DESCRIPTION_LENGTH = 200  # characters, if a story has no standfirst


class Head(NamedTuple):
    """The data that templates/comments/_head.jinja expects."""

    syndicated: bool
    description: str
    image: dict[str, Any] | None
    json_ld: SafeString


def build_head(
    request: SiteRequest,
    article: Article,
    authors: Sequence[BylineAuthor],
    rows: Iterable[ThreadRow],
    count: int,
) -> Head:
    """Return the metadata of a story's page.

    `authors` are the staff authors, `rows` the comments on the page, and `count` is the number of all visible
    comments. A story with unknown rights gets only a description.
    """
    if not article.is_syndicated(request.now):
        return Head(False, article.standfirst, None, SafeString(""))
    description = article.standfirst or make_excerpt(article.body_html, DESCRIPTION_LENGTH)
    site = request.site
    image = social_image(article.lead_image) if article.lead_image else None
    data = _news_article(article, authors, site, description) | {
        "image": [settings.SITE_URL + image["path"]] if image else [],
        "commentCount": count,
        "comment": [_comment(row) for row in islice(filter(_is_readable, rows), MAX_COMMENTS)],
    }
    return Head(True, description, image, _script_safe({key: value for key, value in data.items() if value}))


def _news_article(
    article: Article, authors: Sequence[BylineAuthor], site: Site, description: str
) -> dict[str, Any]:
    publisher = {"@type": "Organization", "name": site.name, "url": settings.SITE_URL + reverse("home")}
    people = [
        {"@type": "Person", "name": name, "url": settings.SITE_URL + reverse("author", args=[slug])}
        for name, slug in authors
    ]
    if article.other_authors:
        people.append({"@type": "Person", "name": article.other_authors})
    author: Any = publisher
    if people:
        author = people if len(people) > 1 else people[0]
    elif article.source_name:
        author = {"@type": "Organization", "name": article.source_name}
    assert article.published_at  # it is syndicated
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "url": settings.SITE_URL + article.get_absolute_url(),
        "mainEntityOfPage": article.canonical_url,
        "headline": article.title,
        "description": description,
        "datePublished": utc_text(article.published_at),
        "dateModified": utc_text(article.changed_at),
        "author": author,
        "publisher": publisher,
        "inLanguage": site.written_in,
        "isBasedOn": article.source_url or article.canonical_url,
    }


def _comment(row: ThreadRow) -> dict[str, Any]:
    return {
        "@type": "Comment",
        "url": f"#comment-{row.id}",  # resolved against the page's own URL
        "author": {"@type": "Person", "name": row.author_name},
        "dateCreated": utc_text(row.created_at),
        "text": make_excerpt(row.body_html, COMMENT_LENGTH),
    }


def _is_readable(row: ThreadRow) -> bool:
    return row.state == State.PUBLISHED and bool(row.body_html)


# Characters that could end the script or open a comment in it, and line ends that old parsers reject.
# A regular expression, as str.translate looks at each of 3,000 characters and takes ten times as long.
_UNSAFE = re.compile("[<>&\u2028\u2029]")


def _script_safe(data: Any) -> SafeString:
    """Return the data as JSON that is safe within a <script> element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return mark_safe(_UNSAFE.sub(_escape, text))  # noqa: S308  # escaped for its context


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
