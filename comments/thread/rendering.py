"""The HTML of the comments of a thread."""

from typing import Any

from django.template.loader import render_to_string

from articles.site.cached_pages import add_dependencies
from articles.site.requests import SiteRequest
from comments import removal_reasons
from comments.models import REMOVED
from comments.policy import policy
from comments.story_page.regions import MARK
from comments.thread.reader import Reader, ViewerContext, personalize
from comments.thread.rows import ThreadRow, find_duplicate_targets
from comments.thread.story import Story


def render_thread(
    request: SiteRequest,
    story: Story,
    rows: list[ThreadRow],
    reader: Reader,
    *,
    story_path: str = "",
    focus: int | None = None,
) -> str:
    """Render the rows for a reader.

    `story_path` is the relative URL of the story, `focus` the id of a comment to focus.
    """
    rows, viewer = personalize(rows, reader)
    context = {
        "story_path": story_path,
        "focus": focus,
        "actions": policy().list_actions(rows, reader.user) if reader.moderates and reader.user else {},
    }
    return render_rows(request, story, rows, viewer, context)


def render_rows(
    request: SiteRequest,
    story: Story,
    rows: list[ThreadRow],
    viewer: ViewerContext | None,
    context: dict[str, Any] | None = None,
    *,
    has_regions: bool = False,
) -> str:
    """Render rows with what one reader is shown, and `context` for comments/thread.jinja.

    With `has_regions` the end of each comment, which may be personal, is a region named after its id, and the
    CSRF token a region "csrf" without content (comments.story_page.regions).
    """
    originals = find_duplicate_targets(rows)
    add_dependencies(
        request,
        articles={pk: version for pk, version, _version in originals},
        discussions={pk: version for pk, _version, version in originals},
    )
    return render_to_string(
        "comments/thread.jinja",
        {
            "rows": rows,
            "zone": story.article.zone,
            "lang": request.site.lang,
            "open": story.discussion.is_open(request.now),
            "reasons": removal_reasons.public_labels() if any(row.state in REMOVED for row in rows) else {},
            "viewer": viewer,
            "actions": {},
            "story_path": "",
            "focus": None,
            "mark": MARK if has_regions else "",
        }
        | (context or {}),
        request,
        using="jinja2",
    )
