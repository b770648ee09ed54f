"""The titles of stories in templates, and links to stories."""

from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from articles.models import Article

register = template.Library()


@register.filter
def title_for(article: Article, user: object) -> str:
    """Return the title of a story, or a placeholder if this person may not read it (Article.title_for)."""
    return article.title_for(user if isinstance(user, User) else None)


@register.simple_tag(takes_context=True)
def story_link(context: Context, article: Article, *fragment: object) -> SafeString:
    """Return the title of a story, with a link if it is published. `fragment` is appended to the URL."""
    url = article.get_absolute_url() + "".join(map(str, fragment)) if article.is_published() else ""
    return _linked_title(context, article, url)


@register.simple_tag(takes_context=True)
def comment_link(context: Context, comment: Any) -> SafeString:
    """Return the title of the story of a comment, with a link to the comment if readers can open it."""
    url = comment.get_absolute_url() if comment.discussion.is_readable else ""
    return _linked_title(context, comment.discussion.article, url)


def _linked_title(context: Context, article: Article, url: str) -> SafeString:
    title = title_for(article, context["request"].user)
    if not url:
        return format_html("<bdi>{}</bdi>", title)
    return format_html('<a href="{}" dir="auto"{}>{}</a>', url, context["request"].site.lang_attr, title)
