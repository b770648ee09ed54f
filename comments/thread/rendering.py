"""The HTML of the comments of a thread.

A tree (a top-level comment with its replies) that looks the same to many readers is rendered once for all of
them: after a new comment only its own tree is rendered again.
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from django.conf import settings
from django.template import engines
from django.template.backends.utils import csrf_input_lazy
from django.utils.translation import get_language

from articles.site.cached_pages import add_dependencies
from articles.site.requests import SiteRequest
from comments import removal_reasons
from comments.models import REMOVED_BY_MODERATION
from comments.policy import policy
from comments.thread.reader import Reader, ViewerContext, personalize
from comments.thread.rows import ThreadRow, find_duplicate_targets
from comments.thread.story import StoryPageData
from comments.thread.template_filters import relative_time_start
from core.memory.bounded_cache import BoundedCache
from core.templating.html_regions import MARK, HtmlRegions

MAX_BYTES = 32 * 1024 * 1024  # for each process

TREE_END = f"{MARK}tree{MARK}{MARK}"  # an empty region, which separates trees that are rendered at once

MEMBER = ViewerContext(
    moderates=False, may_recommend=True, may_mute=True
)  # a member without own comments in the thread


class TreeHtml(NamedTuple):
    html: str
    size: int  # bytes


trees: BoundedCache[tuple[Any, ...], TreeHtml] = BoundedCache(MAX_BYTES)


def render_thread(
    request: SiteRequest,
    story: StoryPageData,
    rows: list[ThreadRow],
    reader: Reader,
    *,
    story_path: str = "",
    focus: int | None = None,
) -> str:
    """Render the rows for a reader.

    `story_path` is the relative URL of the story, `focus` the id of a comment to focus.
    """
    if not (reader.user or reader.guest or story_path):
        return render_shared_thread(request, story, rows)
    rows, viewer = personalize(rows, reader)
    context = _context(request, story, rows) | {
        "viewer": viewer,
        "csrf_input": csrf_input_lazy(request),
        "story_path": story_path,
        "focus": focus,
        "actions": policy().list_actions(rows) if reader.moderates else {},
    }
    return _render("thread", context | {"trees": _render("_trees", context | {"rows": rows})})


def render_shared_thread(
    request: SiteRequest, story: StoryPageData, rows: list[ThreadRow], *, for_members: bool = False
) -> str:
    """Render the rows as all anonymous readers see them, or all members.

    For members the footer of each comment, which is different for its author, is a region named after its id,
    and the CSRF token a region "csrf" without content (core.templating.html_regions).
    """
    context = _context(request, story, rows)
    if for_members:
        context |= {"viewer": MEMBER, "mark": MARK}
    html = "".join(_render_trees(list(_split_trees(rows)), context))
    return _render("thread", context | {"trees": html})


def render_comment_footers(
    request: SiteRequest, story: StoryPageData, rows: list[ThreadRow], viewer: ViewerContext | None
) -> dict[str, str]:
    """Return the footers of these comments for one member, by the name of their region."""
    personal = {"viewer": viewer, "csrf_input": csrf_input_lazy(request), "mark": MARK, "rows": rows}
    html = HtmlRegions(_render("_trees", _context(request, story, rows) | personal))
    return {name: html.content(name) for name in (str(row.id) for row in rows)}


def _context(request: SiteRequest, story: StoryPageData, rows: list[ThreadRow]) -> dict[str, Any]:
    """Return the context of the templates for an anonymous reader, and add the originals as dependencies."""
    originals = find_duplicate_targets(rows)
    add_dependencies(
        request,
        articles={pk: version for pk, version, _version in originals},
        discussions={pk: version for pk, _version, version in originals},
    )
    has_removed = any(row.state in REMOVED_BY_MODERATION for row in rows)
    return {
        "zone": story.article.time_zone,
        "lang_attr": request.site.lang_attr,
        "open": story.discussion.is_open(request.now),
        "reasons": removal_reasons.public_labels() if has_removed else {},
        "relative_since": relative_time_start(),
        "has_rows": bool(rows),
        "viewer": None,
        "csrf_input": "",
        "actions": {},
        "story_path": "",
        "focus": None,
        "mark": "",
    }


def _split_trees(rows: list[ThreadRow]) -> Iterator[tuple[ThreadRow, ...]]:
    starts = [number for number, row in enumerate(rows) if row.level == rows[0].level]
    for start, end in pairwise([*starts, len(rows)]):
        yield tuple(rows[start:end])


def _render_trees(rows_by_tree: list[tuple[ThreadRow, ...]], context: dict[str, Any]) -> list[str]:
    """Return the HTML of each tree, from the cache or rendered, all that is missing at once.

    The key of a tree is all that the template shows.
    """
    since: datetime = context["relative_since"]
    shared = (
        get_language(),
        context["zone"],
        context["lang_attr"],
        context["open"],
        context["mark"],
        tuple(context["reasons"].items()),
    )
    keys = [(shared, tree, tuple(row.created_at >= since for row in tree)) for tree in rows_by_tree]
    # Trees are found by their number, because a key with the texts of a tree takes long to hash.
    html = [found.html if (found := trees.get(key)) else "" for key in keys]
    if missing := [number for number, found in enumerate(html) if not found]:
        rows = [row for number in missing for row in rows_by_tree[number]]
        rendered = _render("_trees", context | {"rows": rows, "tree_end": TREE_END}).split(TREE_END)
        for number, tree_html in zip(missing, rendered[:-1], strict=True):
            html[number] = tree_html
            if not settings.DEBUG:  # in debug mode templates may change
                size = 2 * sys.getsizeof(tree_html) + 1024 * len(rows_by_tree[number])
                trees.put(keys[number], TreeHtml(tree_html, size))
    return html


def _render(name: str, context: dict[str, Any]) -> str:
    environment: Any = engines["jinja2"]
    html: str = environment.env.get_template(f"comments/{name}.jinja").render(context)
    return html
