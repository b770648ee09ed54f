"""The newest comments under a story whose rights are known, as Atom with RFC 4685's "in reply to"."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.feeds import AtomFeed, tag
from articles.models import Article
from articles.site.cached_pages import depends, keep
from comments.models import Comment, Discussion, State

FEED_SIZE = 50  # comments


@require_safe
@keep
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    stories = Article.objects.syndicated(request.now).listed()  # type: ignore[attr-defined]
    article = get_object_or_404(stories, slug=slug)
    discussion = article.discussion if hasattr(article, "discussion") else Discussion.not_stored(article)
    if discussion.is_hidden:
        raise Http404
    depends(
        request,
        articles={article.pk: article.version},
        discussions={article.pk: discussion.version},
    )
    story = tag("story", article.pk, article.created_at), settings.SITE_URL + article.get_absolute_url()
    assert article.published_at  # it is syndicated
    atom = CommentsFeed(
        title=_("Comments on “{title}”").format(title=article.title),
        path=article.get_absolute_url(),
        feed_path=request.path,
        guid=f"{story[0]}-comments",
        updated=article.published_at,
    )
    for comment in newest(article):
        answered = _answered(comment)
        atom.add_item(
            title=_("{name}, replying to {other}").format(
                name=comment.author_name, other=answered.author_name
            )
            if answered
            else comment.author_name,
            link=_url(article, comment),
            description="",
            content=comment.body_html or comment.get_text_missing_display(),
            author_name=comment.author_name,
            unique_id=_tag(comment),
            pubdate=comment.created_at,
            updateddate=comment.edited_at or comment.created_at,
            in_reply_to=(_tag(answered), _url(article, answered)) if answered else story,
        )
    return atom.response()


class CommentsFeed(AtomFeed):
    """Each entry with its whole text, and the id and URL of what it answers (RFC 4685)."""

    def root_attributes(self) -> dict[str, str]:
        return super().root_attributes() | {"xmlns:thr": "http://purl.org/syndication/thread/1.0"}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item | {"description": None})
        ref, href = item["in_reply_to"]
        handler.addQuickElement("thr:in-reply-to", None, {"ref": ref, "href": href})


def newest(article: Article) -> Any:
    """The comments of the feed, each with what it hangs from and what it answers."""
    comments = Comment.objects.visible().filter(discussion=article.pk)
    wanted = ["author_name", "body_html", "text_missing", "created_at", "edited_at", "state"]
    answered = [f"{of}__{field}" for of in ("parent", "in_reply_to") for field in ("author_name", "state")]
    return (
        comments.select_related("parent", "in_reply_to")
        .only(*wanted, *answered, "parent__created_at", "in_reply_to__created_at", "in_reply_to__parent")
        .order_by("-created_at", "-pk")[:FEED_SIZE]
    )


def _answered(comment: Comment) -> Comment | None:
    """As in the thread: at the deepest level that is a sibling; nobody where that one was removed."""
    beside = comment.in_reply_to
    answered = beside if beside and beside.parent_id == comment.parent_id else comment.parent
    return answered if answered and answered.state == State.PUBLISHED else None


def _tag(comment: Comment) -> str:
    return tag("comment", comment.pk, comment.created_at)


def _url(article: Article, comment: Comment) -> str:
    return settings.SITE_URL + reverse("comment", args=[article.slug, comment.pk])
