"""The Atom feed of a story's latest comments, with "in reply to" elements (RFC 4685)."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.models import Article
from articles.site.cached_pages import add_dependencies, cache_for_anonymous
from articles.site.requests import SiteRequest
from articles.syndication.feeds import AtomFeed, tag_uri
from comments.models import Comment, Discussion, State, replied_to_id

FEED_SIZE = 50  # comments


@require_safe
@cache_for_anonymous
def feed(request: SiteRequest, slug: str) -> HttpResponse:
    """Return the feed. 404 unless the story is syndicated and its discussion is not hidden."""
    stories = Article.objects.syndicated(request.now).listed()
    article = get_object_or_404(stories, slug=slug)
    discussion = article.discussion if hasattr(article, "discussion") else Discussion.default_for(article)
    if discussion.is_hidden:
        raise Http404
    add_dependencies(
        request,
        articles={article.pk: article.version},
        discussions={article.pk: discussion.version},
    )
    story = tag_uri("story", article.pk, article.created_at), settings.SITE_URL + article.get_absolute_url()
    assert article.published_at  # it is syndicated
    atom = CommentsFeed(
        title=_("Comments on “{title}”").format(title=article.title),
        path=article.get_absolute_url(),
        feed_path=request.path,
        guid=f"{story[0]}-comments",
        updated=article.published_at,
    )
    for comment in latest_comments(article):
        replied_to = _replied_to(comment)
        atom.add_item(
            title=_("{name}, replying to {other}").format(
                name=comment.author_name, other=replied_to.author_name
            )
            if replied_to
            else comment.author_name,
            link=_url(article, comment),
            description="",
            content=comment.body_html or comment.get_text_missing_display(),
            author_name=comment.author_name,
            unique_id=_tag_uri(comment),
            pubdate=comment.created_at,
            updateddate=comment.edited_at or comment.created_at,
            in_reply_to=(_tag_uri(replied_to), _url(article, replied_to)) if replied_to else story,
        )
    return atom.response()


class CommentsFeed(AtomFeed):
    """A feed whose entries have their full text, and the id and URL of what they reply to (RFC 4685)."""

    def root_attributes(self) -> dict[str, str]:
        return super().root_attributes() | {"xmlns:thr": "http://purl.org/syndication/thread/1.0"}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item | {"description": None})
        ref, href = item["in_reply_to"]
        handler.addQuickElement("thr:in-reply-to", None, {"ref": ref, "href": href})


def latest_comments(article: Article) -> Any:
    """Return the comments of the feed, with `parent`, `in_reply_to` and `replied_to_id`."""
    comments = Comment.objects.visible().annotate(replied_to_id=replied_to_id()).filter(discussion=article.pk)
    fields = ["author_name", "body_html", "text_missing", "created_at", "edited_at", "state"]
    related = [f"{of}__{field}" for of in ("parent", "in_reply_to") for field in ("author_name", "state")]
    return (
        comments.select_related("parent", "in_reply_to")
        .only(*fields, *related, "parent__created_at", "in_reply_to__created_at")
        .order_by("-created_at", "-pk")[:FEED_SIZE]
    )


def _replied_to(comment: Any) -> Comment | None:
    """Return the comment that one of latest_comments replies to, or None also if that was removed."""
    replied_to = comment.parent if comment.replied_to_id == comment.parent_id else comment.in_reply_to
    return replied_to if replied_to and replied_to.state == State.PUBLISHED else None


def _tag_uri(comment: Comment) -> str:
    return tag_uri("comment", comment.pk, comment.created_at)


def _url(article: Article, comment: Comment) -> str:
    return settings.SITE_URL + reverse("comment", args=[article.slug, comment.pk])
