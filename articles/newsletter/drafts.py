"""Drafts of newsletters: creating one, changing it, and sending a test mail."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import Article, ArticleQuerySet, Newsletter, NewsletterStory, Site
from articles.newsletter.composition import read_articles, render_newsletter
from articles.site.current_site import current_site
from core.mail.composition import MailText
from core.mail.messages import TrackedMail

DIGEST_DAYS = 7
MAX_OFFERED = 50  # articles for a digest


def digest_articles() -> ArticleQuerySet:
    """Return the articles of the last days that a digest can have, in the order of the front page."""
    now = timezone.now()
    articles = Article.objects.syndicated(now).within(now - timedelta(days=DIGEST_DAYS), now)
    return articles.order_by(F("pin__position").asc(nulls_last=True), "-published_at", "-pk")[:MAX_OFFERED]


@transaction.atomic
def create(
    *, subject: str, introduction: str, articles: Sequence[Article], is_digest: bool, by: User
) -> Newsletter:
    """Create a draft."""
    newsletter = Newsletter.objects.create(
        subject=subject, introduction=introduction, is_digest=is_digest, by=by
    )
    _store_articles(newsletter, articles)
    return newsletter


@transaction.atomic
def change(
    *, newsletter: Newsletter, seen: int, subject: str, introduction: str, articles: Sequence[Article]
) -> bool:
    """Change a draft.

    Returns False, and changes nothing, if it is no longer the version `seen`, or was sent meanwhile.
    """
    rows = Newsletter.objects.filter(pk=newsletter.pk, version=seen, sent_at=None)
    if not rows.update(subject=subject, introduction=introduction, version=F("version") + 1):
        return False
    newsletter.stories.all().delete()
    _store_articles(newsletter, articles)
    return True


def _store_articles(newsletter: Newsletter, articles: Sequence[Article]) -> None:
    NewsletterStory.objects.bulk_create(
        NewsletterStory(newsletter=newsletter, article=article, position=position)
        for position, article in enumerate(articles)
    )


def week_subject(site: Site) -> str:
    """Return the subject that is offered for a digest, in the language of the site."""
    with translation.override(site.language):
        return _("The week at %(site)s") % {"site": site.name}


def render_preview(newsletter: Newsletter, articles: list[Article], site: Site) -> MailText:
    """Return the mail as a subscriber without a language of their own gets it."""
    with translation.override(site.language):
        return render_newsletter(newsletter, articles, site)


def compose_test(newsletter: Newsletter, to: str) -> TrackedMail:
    """Return a test mail of a draft, whose link to unsubscribe leads to the page to subscribe."""
    subject = _("Test: %(subject)s") % {"subject": newsletter.subject}
    text, html = render_preview(newsletter, read_articles(newsletter), current_site())
    mail = TrackedMail(subject, text, to=[to])
    mail.attach_alternative(html, "text/html")
    mail.kind = _("Test of a newsletter")
    return mail
