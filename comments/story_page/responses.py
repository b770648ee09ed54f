"""Responses with a cached shell, for readers whose page differs from that of others only in its regions."""

from functools import wraps

from django.conf import settings
from django.http import HttpResponse

from articles.site.cached_pages import View, allow_cache, is_anonymous, make_anonymous, start_dependencies
from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import SiteRequest
from comments.loading import add_story_dependencies
from comments.story_page.context import remembered_order
from comments.story_page.first_page import FirstPage, read_first_page
from comments.story_page.member_page import member_page
from comments.story_page.page_shells import (
    PageShell,
    ShellKey,
    page_shells,
    render_regions,
    render_shell,
    shell_key,
    update_story,
)
from comments.thread.pages import Order
from core.database.replicas import POSITION_KEY, call_on_replica


def respond_from_shell(view: View) -> View:
    """Decorate the view of a story so that most pages are made from a cached shell.

    It belongs outside of @cache_for_anonymous. The view makes the other pages: those with a query string, for
    staff, for guests, and all that the functions here decline.
    """

    @wraps(view)
    def respond(request: SiteRequest, slug: str) -> HttpResponse:
        if POSITION_KEY in request.META:
            return call_on_replica(respond, request, slug)
        if not (request.GET or settings.DEBUG):  # in debug mode templates may change
            make_page = anonymous_page if is_anonymous(request) else member_page
            if response := make_page(request, slug):
                return response
        if not is_anonymous(request):
            activate_locale(request, chosen_language(request))
        return view(request, slug)

    respond.activates_locale = True  # type: ignore[attr-defined]  # for SiteMiddleware
    return respond


def anonymous_page(request: SiteRequest, slug: str) -> HttpResponse | None:
    """Return the page of a story for anonymous readers, or None where the view has to make it.

    One statement is enough if there is a shell: it reads the discussion with its versions, which also show
    whether the shell is up to date.
    """
    make_anonymous(request)
    key = shell_key(request, slug)
    found = _current_shell(request, key)
    if found is None:
        return None
    shell, first, order = found
    shell.apply(request, key, first.now)
    if (story := update_story(request, key, shell, first, order)) is None:
        return None
    start_dependencies(request, first.site_version, shell.until)
    add_story_dependencies(request, story)
    response = HttpResponse(shell.html.replace(render_regions(request, story, first.page, order)))
    return allow_cache(request, response)


def _current_shell(request: SiteRequest, key: ShellKey) -> tuple[PageShell, FirstPage, Order] | None:
    """Return a shell that is up to date with the first page of its discussion, made anew if need be."""
    for shell in (page_shells.get(key), None):
        if shell is None and (shell := render_shell(request, key)) is None:
            return None
        order = remembered_order(request, is_open=shell.story.discussion.is_open())
        first = read_first_page(shell.story.article.pk, order)
        if first and shell.is_current(first.shell_versions, first.now):
            return shell, first, order
    return None
