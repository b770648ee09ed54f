"""A template filter for the titles of stories."""

from django import template

from accounts.models import User
from articles.models import Article

register = template.Library()


@register.filter
def title_for(article: Article, user: object) -> str:
    """Return the title of a story, or a placeholder if this person may not read it (Article.title_for)."""
    return article.title_for(user if isinstance(user, User) else None)
