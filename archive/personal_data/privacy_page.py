"""The privacy page: the owner's own text, and what the site stores, from the registry."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from archive.personal_data.registry import REGISTRY
from articles.markup.markdown import render_story
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest


@require_safe
@cache_for_anonymous
def privacy(request: SiteRequest) -> HttpResponse:
    """Show what the site stores about people, what for, and how long."""
    context = {"text": render_story(request.site.privacy), "registry": REGISTRY}
    return render(request, "archive/personal_data/privacy.jinja", context)
