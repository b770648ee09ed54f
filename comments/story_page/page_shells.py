"""Page shells: the page of a story without its discussion and its reader, kept in memory.

A shell is right for everybody while the versions of the site and the article are the same and no other
story is published. Its regions (core.templating.html_regions) are filled for each page.
"""

import sys
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.template.loader import render_to_string

from articles.models import Site
from articles.site.cached_pages import DEPENDENCIES_KEY, allow_cache, make_anonymous, snapshot
from articles.site.current_site import bind_request
from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import SiteRequest
from comments.loading import UnpublishedStoryError, load_story_page
from comments.story_page.context import discussion_context, remembered_order, story_context
from comments.story_page.first_page import FirstPage, ShellVersions
from comments.thread import structured_data
from comments.thread.pages import Order, ThreadPage
from comments.thread.rendering import render_shared_thread
from comments.thread.story import StoryPageData
from core.appearance.tokens import THEMES
from core.memory.bounded_cache import BoundedCache
from core.templating.html_regions import HtmlRegions

MAX_BYTES = 16 * 1024 * 1024  # for each process
ROW_BYTES = 16 * 1024  # of the rows of a shell: the site and its rules, related stories


class ShellKey(NamedTuple):
    """The key of a page shell: slug, theme and language."""

    slug: str
    theme: str  # "" if the reader chose none
    language: str  # the one that the member chose; "" for the site's


@dataclass(frozen=True)
class PageShell:
    """A page shell with the site and the story from which it was made. Related stories need no query then."""

    site: Site
    story: StoryPageData
    until: datetime | None  # when the next story is published
    html: HtmlRegions
    size: int  # bytes

    def is_current(self, versions: ShellVersions, now: datetime) -> bool:
        """Return whether the shell is up to date, given the stored versions and the database's time."""
        made_from = ShellVersions(self.site.version, self.story.article.version)
        return made_from == versions and (self.until is None or now < self.until)

    def apply(self, request: SiteRequest, key: ShellKey, now: datetime) -> None:
        """Give the request the shell's site, which needs no query then, and the page's time and language."""
        request.site = self.site
        request.now = now
        activate_locale(request, key.language)


page_shells: BoundedCache[ShellKey, PageShell] = BoundedCache(MAX_BYTES)


def shell_key(request: SiteRequest, slug: str) -> ShellKey:
    """Return the key of the shell of a story's page for this request."""
    theme = request.COOKIES.get("theme", "")
    return ShellKey(slug, theme if theme in THEMES else "", chosen_language(request))


def render_shell(request: SiteRequest, key: ShellKey) -> PageShell | None:
    """Render the shell of a story and store it.

    Returns None for a story that was published and is not any more, or whose discussion is hidden: the view
    makes these pages. Raises Http404 if there is none.
    """
    request = copy(request)
    request.META = request.META.copy()  # the dependencies of the shell are not those of the page
    make_anonymous(request)
    with bind_request(request), snapshot(request, key.language):
        try:
            story = load_story_page(request, key.slug, with_related=True)
        except UnpublishedStoryError:
            return None
        if story.discussion.is_hidden:
            return None
        head = structured_data.build_head(request, story.article, story.authors, (), 0)
        context = story_context(story) | {"head": head, "discussion": "", "has_regions": True}
        # With its engine: otherwise Django's is asked first, and raises an exception for each template.
        html = render_to_string("comments/story.jinja", context, request, using="jinja2")
        site: Any = request.site
    allow_cache(request, HttpResponse())
    if DEPENDENCIES_KEY not in request.META:  # it would set a cookie, which would be another reader's
        return None
    shell = PageShell(site, story, site.until, HtmlRegions(html), 3 * sys.getsizeof(html) + ROW_BYTES)
    page_shells.put(key, shell)
    return shell


def update_story(
    request: SiteRequest, key: ShellKey, shell: PageShell, first: FirstPage, order: Order
) -> StoryPageData | None:
    """Return the story of a shell with the state of its discussion.

    Returns None if the discussion was opened, closed or hidden since: `order` may be the wrong one, and the
    shell is removed.
    """
    story = first.apply_to(shell.story)
    is_open = story.discussion.is_open(first.now)
    if story.discussion.is_hidden or remembered_order(request, is_open=is_open) != order:
        page_shells.drop(key, shell)
        return None
    return story


def render_regions(
    request: SiteRequest, story: StoryPageData, page: ThreadPage, order: Order, *, for_members: bool = False
) -> dict[str, str]:
    """Return the HTML of a shell's regions that depend on the discussion.

    For members the HTML of the discussion has regions itself, see `render_shared_thread`.
    """
    context = discussion_context(request, story, page, order)
    context["has_regions"] = for_members
    context["thread"] = render_shared_thread(request, story, page.rows, for_members=for_members)
    link = {"comment_count": context["count"]}
    head = structured_data.build_head(request, story.article, story.authors, page.rows, context["count"])
    return {
        "discussion": render_to_string("comments/_discussion.jinja", context, request, using="jinja2"),
        "comments_link": render_to_string("articles/_comments_link.jinja", link, request, using="jinja2"),
        "json_ld": head.json_ld,
    }
