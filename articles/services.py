"""Functions that write articles, topics, authors, pages and the site.

Each increments a `version`, by which a cached page is known to be outdated.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.administrators import create_first_administrator
from accounts.models import User
from accounts.services import erase_from_admin_log
from articles.images.services import existing_images, lock_images, set_image_uses
from articles.markup.markdown import referenced_images, render_document
from articles.models import (
    Article,
    Author,
    Byline,
    Document,
    DocumentText,
    Redirect,
    Site,
    StandingPage,
    Topic,
    unique_author_slug,
    unique_topic_slug,
)
from articles.redirects import redirect_from_old_path
from articles.related import store_keywords
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from articles.site.current_site import read_site

# Settings whose old values readers must not find in any cached page.
HIDING_SETTINGS = {"contact_email", "rules", "privacy", "has_public_log"}


class StaleVersionError(Exception):
    """The error that the stored version is not the one that the person looked at."""


def lock_document(document: Any) -> Any:
    """Lock and return the stored row."""
    return type(document)._default_manager.select_for_update(no_key=True).get(pk=document.pk)


def lock_version(document: Any, seen: int) -> Any:
    """Lock and return the stored row. Raises StaleVersionError if its version is not `seen`."""
    locked = lock_document(document)
    if locked.version != seen:
        raise StaleVersionError
    return locked


@transaction.atomic
def save_article(
    *, article: Article, by: User | None = None, nonce: UUID | None = None, restored_number: int | None = None
) -> Article:
    """Store an article with its rendered body; cached pages that may show it are outdated by this.

    A changed text creates a Revision with the author `by`, the `nonce` of the form it was typed in, and the
    number of the revision that it restores, if it does.
    """
    # The stored version, not that of the instance: a colleague may have saved since it was read. The lock
    # leaves the key alone, so that autosaves and notes of others do not wait for an upload of a picture.
    rows = Article.objects.select_for_update(no_key=True).defer("body_html", "search_vector")
    stored = rows.filter(pk=article.pk).first()
    article.version = (stored.version if stored else 0) + 1
    lead = {article.lead_image_id} if article.lead_image_id else set()
    images = lock_images(referenced_images(article.body) | lead)
    article.body_html = render_document(article.body)
    article.save()
    set_image_uses(article, images)
    _create_revision(article, stored, by=by, nonce=nonce, restored_number=restored_number)
    store_keywords(article=article)
    increment_site_version()  # before the redirects are locked, see articles/redirects.py
    # Nobody has the URL of a draft.
    was_public = stored and (stored.is_published() or stored.was_published_at)
    if stored and was_public and stored.slug != article.slug:
        redirect_from_old_path(old=stored.get_absolute_url(), target=article)
    if not article.is_published():
        invalidate_outage_copies()
    return article


def _create_revision(document: Document, stored: Document | None, **values: Any) -> None:
    """Create a revision if the text differs from the stored one."""
    number = 1
    if stored:
        number = document.revisions.next_number()
        last = document.revisions.saved().first()
        # The stored text has no revision if it is older than them, or was written without this function.
        if last is None or DocumentText.of(last) != DocumentText.of(stored):
            text = DocumentText.of(stored)._asdict()
            last = document.revisions.create(number=number, at=stored.updated_at, **text)
            number += 1
        if DocumentText.of(last) == DocumentText.of(document):
            return
    document.revisions.create(number=number, **DocumentText.of(document)._asdict(), **values)


@transaction.atomic
def set_article_authors(*, article: Article, people: Sequence[User]) -> None:
    """Set the authors of an article, in this order. Each gets an author page."""
    bylines = Byline.objects.filter(article=article).order_by("position", "pk")
    if list(bylines.values_list("author__user", flat=True)) == [person.pk for person in people]:
        return
    bylines.delete()
    for position, person in enumerate(people, 1):
        author, _ = Author.objects.get_or_create(
            user=person, defaults={"slug": unique_author_slug(person.name)}
        )
        Byline.objects.create(article=article, author=author, position=position)
    Article.objects.filter(pk=article.pk).update(version=F("version") + 1)
    increment_site_version()


@transaction.atomic
def get_or_create_topic(name: str, *, shown: bool = True) -> Topic:
    """Return the topic of this name. A new one gets an unused slug, and readers see it only if `shown`."""
    if topic := Topic.objects.filter(name=name).first():
        return topic
    return save_topic(topic=Topic(name=name, slug=unique_topic_slug(name), shown=shown))


@transaction.atomic
def save_topic(*, topic: Topic) -> Topic:
    """Store a topic; an old slug redirects to the new one."""
    stored = _lock_stored(topic)
    _save_with_redirect(topic, stored)
    if stored and stored.shown and not topic.shown:
        invalidate_outage_copies()
    return topic


@transaction.atomic
def save_author(*, author: Author) -> Author:
    """Store an author's profile; an old slug redirects to the new one."""
    _save_with_redirect(author, _lock_stored(author))
    return author


@transaction.atomic
def erase_author(*, user: User) -> None:
    """Erase the name from an author's profile, URL and redirects; the account is erased by the caller."""
    author = Author.objects.select_for_update(of=("self",)).filter(user=user).first()
    if author is None:
        return
    increment_site_version()  # before redirects are written, see articles/redirects.py
    Redirect.objects.filter(author=author).delete()
    erase_from_admin_log(author)
    author.slug, author.bio = uuid4().hex, ""
    author.save()
    invalidate_outage_copies()


@transaction.atomic
def save_page(
    *,
    page: StandingPage,
    by: User | None = None,
    nonce: UUID | None = None,
    restored_number: int | None = None,
) -> StandingPage:
    """Store a page with its rendered text and a revision, as save_article does; an old slug redirects."""
    stored = _lock_stored(page)
    page.version = (stored.version if stored else 0) + 1
    images = lock_images(referenced_images(page.body))
    page.body_html = render_document(page.body)
    page.updated_at = timezone.now()
    _save_with_redirect(page, stored)
    set_image_uses(page, images)
    _create_revision(page, stored, by=by, nonce=nonce, restored_number=restored_number)
    if not page.shown:
        invalidate_outage_copies()
    return page


def _lock_stored(obj: Topic | Author | StandingPage) -> Any:
    """Lock and return the stored row; None if it is new."""
    rows = type(obj)._default_manager.select_for_update(no_key=True, of=("self",))
    return rows.filter(pk=obj.pk).first()


def _save_with_redirect(
    obj: Topic | Author | StandingPage, stored: Topic | Author | StandingPage | None
) -> None:
    obj.save()
    increment_site_version()  # before the redirects are locked, see articles/redirects.py
    if stored and stored.slug != obj.slug:
        redirect_from_old_path(old=stored.get_absolute_url(), target=obj)


@transaction.atomic
def set_up_site(*, token: str, administrator: Mapping[str, str], **values: Any) -> User:
    """Create the first administrator (name, email, password) and set the site's settings.

    `token` is that of the set-up link. Raises SetUpLinkError, and then nothing is set.
    """
    user = create_first_administrator(token=token, **administrator)
    change_site(**values)
    return user


@transaction.atomic
def change_site(**values: Any) -> None:
    """Change the given settings of the site; the others stay."""
    Site.objects.filter(pk=1).update(**values, version=F("version") + 1)
    if not {"rules", "privacy"}.isdisjoint(values):
        site = read_site()
        set_image_uses(site, existing_images(referenced_images(site.texts_with_images)))
    is_hidden = values.get("comment_status") == "hidden"
    if is_hidden or not HIDING_SETTINGS.isdisjoint(values):
        invalidate_outage_copies()
