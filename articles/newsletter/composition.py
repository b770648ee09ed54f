"""The mail of a newsletter, made from its articles as they are now."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles.images.html import nearest_size, whole_sizes
from articles.markup.markdown import make_excerpt
from articles.models import Article, ArticleQuerySet, Image, Newsletter, Site
from core.mail.composition import BulkMail, MailText, placeholder, render_mail

MAX_EXCERPT_LENGTH, MAX_SHORT_EXCERPT_LENGTH = 500, 300  # characters; the short one is in a digest
MAX_STANDFIRST_EXCERPT_LENGTH = 600  # characters
PICTURE_WIDTH = 560  # pixels


def shown_articles(newsletter: Newsletter, now: datetime | None = None) -> ArticleQuerySet:
    """Return the articles of a newsletter that readers may see now, in their order."""
    articles = Article.objects.syndicated(now).filter(newsletter_stories__newsletter=newsletter)
    return articles.order_by("newsletter_stories__position")


def read_articles(newsletter: Newsletter) -> list[Article]:
    """Return the articles of a newsletter as its mail needs them."""
    return list(
        shown_articles(newsletter)
        .select_related("lead_image")
        .with_author_names()
        .defer("body", "search_vector")
    )


def render_newsletter(
    newsletter: Newsletter, articles: list[Article], site: Site, *, manage_url: str = ""
) -> MailText:
    """Return the mail as text and HTML.

    `manage_url` is the page to unsubscribe on; by default that to subscribe, for a preview.
    """
    return render_mail(
        "articles/mail/newsletter.txt",
        newsletter.subject,
        site=site,
        introduction=newsletter.introduction,
        articles=[_describe_article(article, is_single=len(articles) == 1) for article in articles],
        is_single=len(articles) == 1,
        manage_url=manage_url or reverse("newsletter"),
        browser_url=newsletter.get_absolute_url() if newsletter.sent_at else "",
    )


def render_for_subscribers(newsletter: Newsletter, articles: list[Article], site: Site) -> BulkMail:
    """Return the mail with a placeholder for the token of the subscriber."""
    rendered = render_newsletter(newsletter, articles, site, manage_url=manage_path(placeholder(0)))
    return BulkMail(newsletter.subject, rendered, _("Newsletter"))


def manage_path(token: str) -> str:
    """Return the path of the page by which a subscriber changes subscriptions or unsubscribes."""
    return reverse("newsletter-manage", args=[token])


def _describe_article(article: Article, *, is_single: bool) -> dict[str, Any]:
    standfirst = make_excerpt(article.standfirst, MAX_STANDFIRST_EXCERPT_LENGTH) if article.standfirst else ""
    excerpt = ""
    if is_single or not standfirst:
        excerpt = make_excerpt(
            article.body_html, MAX_EXCERPT_LENGTH if is_single else MAX_SHORT_EXCERPT_LENGTH
        )
    return {
        "title": article.title,
        "byline_text": article.byline_text,
        "standfirst": standfirst,
        "excerpt": excerpt,
        "url": article.get_absolute_url(),
        "picture": article.lead_image and _picture(article.lead_image),
    }


def _picture(image: Image) -> dict[str, Any]:
    """Return the picture of an article. Its URL is that of the site, the same for everybody."""
    url, width = nearest_size(image, whole_sizes(image), PICTURE_WIDTH)
    shown = min(width, PICTURE_WIDTH)
    return {
        "url": settings.SITE_URL + url,
        "alt": image.alt,
        "width": shown,
        "height": round(shown * image.height / image.width),
    }
