"""The verbs that write articles and the site. Versions tell that a kept page is old."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.services import create_first_administrator, forget_in_log
from articles.images.services import existing_images, hold_images, use_images
from articles.markup.markdown import named_images, render_story
from articles.models import (
    Article,
    Author,
    Byline,
    Redirect,
    Site,
    StandingPage,
    Text,
    Topic,
    Written,
    free_author_slug,
)
from articles.redirects import remember
from articles.related import note_keywords
from articles.site.cached_pages import withhold

# What an owner takes away from readers by changing it.
WITHHELD_WITH_THE_SITE = {"contact_email", "rules", "has_public_log"}


@transaction.atomic
def save_article(
    *, article: Article, by: User | None = None, nonce: UUID | None = None, restored: int | None = None
) -> Article:
    """Store an article with its rendered body. Its own page, and the lists that may show it, become new.

    Where its text differs from the stored one, that is a Revision: `by` somebody, typed on the page of that
    `nonce`, or the text of the number that is `restored`.
    """
    # The stored version, not that of the instance: a colleague may have saved since it was read. Without the
    # key, so that what others type and say beside it waits for nobody who sends a picture.
    rows = Article.objects.select_for_update(no_key=True).defer("body_html", "vector")
    stored = rows.filter(pk=article.pk).first()
    article.version = (stored.version if stored else 0) + 1
    lead = {article.lead_image_id} if article.lead_image_id else set()
    images = hold_images(named_images(article.body) | lead)
    article.body_html = render_story(article.body)
    article.save()
    use_images(article, images)
    _keep_revision(article, stored, by=by, nonce=nonce, restored=restored)
    was_public = stored and (
        stored.is_published() or stored.was_published_at
    )  # of a draft nobody has the URL
    if stored and was_public and stored.slug != article.slug:
        remember(old=stored.get_absolute_url(), thing=article)
    note_keywords(article=article)
    touch_site()
    if not article.is_published():
        withhold()
    return article


def _keep_revision(thing: Written, stored: Written | None, **values: Any) -> None:
    number = 1
    if stored:
        number = thing.revisions.next_number()
        last = thing.revisions.saved().first()
        if last is None or Text.of(last) != Text.of(stored):  # from before there were any, or by another way
            last = thing.revisions.create(number=number, at=stored.updated_at, **Text.of(stored)._asdict())
            number += 1
        if Text.of(last) == Text.of(thing):
            return
    thing.revisions.create(number=number, **Text.of(thing)._asdict(), **values)


@transaction.atomic
def sign_article(*, article: Article, people: Sequence[User]) -> None:
    """Who of the staff wrote it, in this order; each gets a page by that. Does nothing where it is so."""
    signed = Byline.objects.filter(article=article).order_by("place", "pk")
    if list(signed.values_list("author__user", flat=True)) == [person.pk for person in people]:
        return
    signed.delete()
    for place, person in enumerate(people, 1):
        author, _ = Author.objects.get_or_create(
            user=person, defaults={"slug": free_author_slug(person.name)}
        )
        Byline.objects.create(article=article, author=author, place=place)
    Article.objects.filter(pk=article.pk).update(version=F("version") + 1)
    touch_site()


@transaction.atomic
def save_topic(*, topic: Topic) -> Topic:
    """Store a topic; its earlier URL leads to it."""
    _store(topic, _stored(topic))
    return topic


@transaction.atomic
def save_author(*, author: Author) -> Author:
    """Store what is said of an author; the earlier URL of their page leads to it."""
    _store(author, _stored(author))
    return author


@transaction.atomic
def forget_author(*, user: User) -> None:
    """Leave nothing of a name beside the stories that somebody signed: their account is blanked."""
    author = Author.objects.select_for_update(of=("self",)).filter(user=user).first()
    if author is None:
        return
    Redirect.objects.filter(author=author).delete()
    forget_in_log(author)
    author.slug, author.line = uuid4().hex, ""
    author.save()
    touch_site()
    withhold()


@transaction.atomic
def save_page(
    *, page: StandingPage, by: User | None = None, nonce: UUID | None = None, restored: int | None = None
) -> StandingPage:
    """Store a standing page with its rendered text; its earlier URL leads to it. Its versions are kept as
    those of an article are."""
    stored = _stored(page)
    page.version = (stored.version if stored else 0) + 1
    images = hold_images(named_images(page.body))
    page.body_html = render_story(page.body)
    page.updated_at = timezone.now()
    _store(page, stored)
    use_images(page, images)
    _keep_revision(page, stored, by=by, nonce=nonce, restored=restored)
    if not page.shown:
        withhold()
    return page


def _stored(thing: Topic | Author | StandingPage) -> Any:
    """Its row as it is, locked; None where it is new."""
    rows = type(thing)._default_manager.select_for_update(no_key=True, of=("self",))
    return rows.filter(pk=thing.pk).first()


def _store(thing: Topic | Author | StandingPage, stored: Topic | Author | StandingPage | None) -> None:
    thing.save()
    if stored and stored.slug != thing.slug:
        remember(old=stored.get_absolute_url(), thing=thing)
    touch_site()


@transaction.atomic
def set_up_site(*, token: str, administrator: Mapping[str, str], **values: Any) -> User:
    """What a set-up link makes: the first administrator (name, email, password), and the site as they wish.
    Raises AlreadySetUp, and then nothing is set."""
    user = create_first_administrator(token=token, **administrator)
    change_site(**values)
    return user


@transaction.atomic
def change_site(**values: Any) -> None:
    """Set some of what the owner or the moderators set, and leave the rest as it is stored."""
    Site.objects.filter(pk=1).update(**values, version=F("version") + 1)
    if "rules" in values:
        use_images(Site.objects.get(pk=1), existing_images(named_images(values["rules"])))
    is_hidden = values.get("comment_status") == "hidden"
    if is_hidden or not WITHHELD_WITH_THE_SITE.isdisjoint(values):
        withhold()


def touch_site() -> None:
    """Say that many pages may have changed: a name, a topic, a publication."""
    Site.objects.filter(pk=1).update(version=F("version") + 1)
