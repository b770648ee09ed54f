"""The contexts of the templates of a story's page: story.jinja, and _discussion.jinja as a part of it."""

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from articles.models import Article
from articles.site.requests import SiteRequest
from comments.models import Discussion
from comments.policy import policy
from comments.thread import timeline
from comments.thread.pages import AS_SAVED, Order, PageStart, ThreadCursor, ThreadPage
from comments.thread.reader import Reader
from comments.thread.story import StoryPageData

ORDER_COOKIE = "order"


def story_context(story: StoryPageData) -> dict[str, Any]:
    """Return the context of story.jinja, without the discussion and the metadata of the page."""
    article, discussion = story.article, story.discussion
    return {
        "article": article,
        "topics": story.topics,
        "authors": story.authors,
        "related": story.related,
        "corrections": article.corrections.all() if article.corrected_at else [],
        "zone": article.time_zone,
        "noindex": article.rights == Article.Rights.UNKNOWN,
        "hidden": discussion.is_hidden,
        "count": discussion.visible_count,
    }


def discussion_context(
    request: SiteRequest, story: StoryPageData, page: ThreadPage, order: Order, *, is_as_saved: bool = False
) -> dict[str, Any]:
    """Return the context of _discussion.jinja for everybody, without the HTML of the thread."""
    article, discussion = story.article, story.discussion
    has_orders = discussion.visible_count > 1
    return {
        "article": article,
        "zone": article.time_zone,
        "open": discussion.is_open(request.now),
        "count": discussion.visible_count,
        "orders": _order_links(order, is_as_saved=is_as_saved) if has_orders else [],
        "structures": _structure_links(article, is_as_saved=is_as_saved) if story.is_restored else [],
        "timeline": timeline.summarize(story.days),
        "picks": story.picks,
        "next_url": _next_url(order, page.next, is_as_saved=is_as_saved),
        "version": discussion.version,
        "last_log_number": story.last_log_number,
        "since": None,
        "new_comments_since": None,
        "draft": None,
        "is_following": False,
        "is_member": request.user.is_authenticated,
        "members_only": discussion.members_only and not request.user.is_authenticated,
        "moderation_summary": policy().summarize_moderation(discussion),
    }


def moderator_context(discussion: Discussion, reader: Reader) -> dict[str, Any]:
    """Return the context that only those who may moderate the comments get."""
    context: dict[str, Any] = {
        "quick_actions": policy().list_quick_actions(discussion),
        "settings_notice": _settings_notice(discussion),
    }
    if reader.user and reader.user.is_editor:
        context["change_url"] = reverse("admin:articles_article_change", args=[discussion.article.pk])
    return context


def later_page_context(
    article: Article, order: Order, start: PageStart, *, is_as_saved: bool
) -> dict[str, Any]:
    """Return the context that differs on a later page: no picks, the URLs of the first page and this one."""
    view = _view_query(order, is_as_saved=is_as_saved)
    query = view | {"from" if start.is_included else "after": str(start.cursor)}
    return {
        "picks": [],
        "start_url": f"?{urlencode(view)}#comments",
        "canonical": f"{article.get_absolute_url()}?{urlencode(query)}",
    }


def remembered_order(request: SiteRequest, *, is_open: bool) -> Order:
    """Return the order of the reader's cookie, or the default: newest first while the discussion is open."""
    if (chosen := request.COOKIES.get(ORDER_COOKIE)) in Order.values:
        return Order(chosen)
    return Order.NEWEST if is_open else Order.OLDEST


def _next_url(order: Order, cursor: ThreadCursor | None, *, is_as_saved: bool) -> str:
    if cursor is None:
        return ""
    query = _view_query(order, is_as_saved=is_as_saved) | {"after": str(cursor)}
    return f"?{urlencode(query)}#comments"


def _view_query(order: Order, *, is_as_saved: bool) -> dict[str, str]:
    return {"order": str(order)} | ({"replies": AS_SAVED} if is_as_saved else {})


def _order_links(current: Order, *, is_as_saved: bool) -> list[dict[str, Any]]:
    query = f"?replies={AS_SAVED}" if is_as_saved else ""
    return [
        {
            "label": order.label,
            "url": f"order/{order.value}/{query}",
            "current": order == current,
        }
        for order in Order
    ]


def _structure_links(article: Article, *, is_as_saved: bool) -> list[dict[str, Any]]:
    """Return the links of the switch. The order stays, as the reader's cookie names it."""
    links = ((_("Restored"), article.get_absolute_url()), (_("As saved"), f"?replies={AS_SAVED}"))
    return [
        {"label": label, "url": f"{url}#comments", "current": is_saved == is_as_saved}
        for is_saved, (label, url) in enumerate(links)
    ]


def _settings_notice(discussion: Discussion) -> str:
    """Return a sentence for moderators about a setting that readers do not notice, or "".

    A setting of the whole site overrides that of the discussion.
    """
    if discussion.site.comment_status == Discussion.Status.HIDDEN:
        return _("All discussions of the site are hidden.")
    if discussion.site.comment_status == Discussion.Status.CLOSED:
        return _("All discussions of the site are closed.")
    if discussion.site.review_everything:
        return _("Pre-moderation is on for the whole site.")
    if discussion.moderation == Discussion.Moderation.PRE:
        return _("Pre-moderation is on for this discussion.")
    return ""
