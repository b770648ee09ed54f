"""Render the stories and standing pages that show an image again, after the image has changed."""

from django.db import transaction
from django.db.models import F

from articles.markup.markdown import render_document
from articles.models import Article, Image, ImageUse, StandingPage
from articles.site.cached_pages import increment_site_version


@transaction.atomic
def rerender_uses(image: Image) -> None:
    """Render every text that shows the image. The time of the text's last change stays the same."""
    # The rules are rendered at each request, so only their pages have to be renewed.
    is_shown = ImageUse.objects.filter(image=image, site__isnull=False).exists()
    articles, pages = lock_uses(image)
    for article in articles:
        html = render_document(article.body)
        if html != article.body_html or article.lead_image_id == image.pk:
            Article.objects.filter(pk=article.pk).update(body_html=html, version=F("version") + 1)
            is_shown = True
    for page in pages:
        html = render_document(page.body)
        if html != page.body_html:
            StandingPage.objects.filter(pk=page.pk).update(body_html=html)
            is_shown = True
    if is_shown:
        increment_site_version()


def lock_uses(image: Image) -> tuple[list[Article], list[StandingPage]]:
    """Lock the articles and standing pages that show the image, and return them.

    They are locked before the image, in the same order as when a text is saved; otherwise a deadlock is
    possible.
    """
    articles = Article.objects.filter(image_uses__image=image).only("body", "body_html", "lead_image")
    pages = StandingPage.objects.filter(image_uses__image=image)
    return (
        list(articles.order_by("pk").select_for_update(of=["self"], no_key=True)),
        list(pages.order_by("pk").select_for_update(of=["self"], no_key=True)),
    )
