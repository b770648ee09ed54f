"""The three things to try that `serve` prints while the sample exists."""

from collections.abc import Iterator

from django.conf import settings
from django.urls import reverse

from articles.models import Article
from config.server.sample import content
from config.server.sample.credentials import creation_time


def things_to_try() -> Iterator[str]:
    """Yield the lines to print, with URLs; none without the stories that they are about."""
    if (created := creation_time()) is None:
        return
    found = Article.objects.filter(created_at=created)
    story = found.published().filter(slug=content.CURRENT_STORY).first()
    draft = found.filter(slug=content.DRAFT).first()
    if not (story and draft):
        return
    yield "Three things to try:"
    for text, url in (
        ("As the reader, comment on the story of this week:", story.get_absolute_url()),
        ("As the moderator, remove a flood of spam at once:", reverse("moderation:similar")),
        ("As the editor, finish a draft:", reverse("admin:articles_article_change", args=[draft.pk])),
    ):
        yield f"  {text:<50} {settings.SITE_URL}{url}"
