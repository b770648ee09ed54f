"""The verbs of the editors' room beside save_article: what was typed, who is here, when readers see it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from articles.models import (
    Article,
    Correction,
    Note,
    Presence,
    Revision,
    Sheet,
    Text,
    Unsaved,
    Written,
)
from articles.models.editing import of
from articles.services import save_article, save_page, touch_site
from articles.site.cached_pages import withhold

Typed = dict[str, list[str]]


class EmbargoedError(Exception):
    """The moment lies before the end of the embargo."""


class ChangedError(Exception):
    """The article is not any more what the person had seen."""


# What was typed


@transaction.atomic
def keep_unsaved(
    *,
    sheets: Sequence[Sheet],
    editor: User,
    kind: type[Written],
    thing: Written | None,
    typed: Typed,
    read: str,
) -> Unsaved | None:
    """Keep what a sheet holds, the last of these; those before are what it went on from, and hold nothing
    more. What an earlier turn said and comes late changes nothing. Nothing is `typed` where all is as it was
    read. Returns what is kept of the sheet by now, or None."""
    *before, sheet = sheets
    finish_sheets(sheets=before, editor=editor)
    if not typed:
        finish_sheets(sheets=[sheet], editor=editor)
        return None
    values: dict[str, Any] = {"article": None, "page": None, **(of(thing) if thing else {})}
    values |= {"kind": kind._meta.model_name, "turn": sheet.turn, "at": timezone.now()}
    values |= {"typed": typed, "read": read}
    kept, is_new = Unsaved.objects.get_or_create(nonce=sheet.nonce, defaults={"editor": editor, **values})
    if kept.editor_id != editor.pk:
        raise PermissionError(sheet.nonce)
    if not is_new:
        Unsaved.objects.filter(nonce=sheet.nonce, turn__lt=sheet.turn).update(is_done=False, **values)
        kept.refresh_from_db()
    return None if kept.is_done else kept


@transaction.atomic
def finish_sheets(*, sheets: Iterable[Sheet], editor: User) -> None:
    """What these held up to that turn is saved, or kept elsewhere. A page is heard of once more when it is
    left, and requests overtake each other: the row stays, so that nothing of it comes back."""
    for sheet in sheets:
        if sheet.turn:
            values = {"editor": editor, "turn": sheet.turn, "is_done": True}
            Unsaved.objects.get_or_create(nonce=sheet.nonce, defaults=values)
        held = Unsaved.objects.filter(nonce=sheet.nonce, editor=editor, turn__lte=sheet.turn)
        gone: dict[str, Any] = {"article": None, "page": None, "typed": {}, "read": ""}
        held.update(turn=sheet.turn, is_done=True, at=timezone.now(), **gone)


@transaction.atomic
def keep_aside(*, thing: Written, text: Text, by: User, base: int | None, nonce: UUID | None) -> Revision:
    """Keep a text that was not saved because somebody else had saved another one; the same one once."""
    type(thing)._default_manager.select_for_update(no_key=True).get(pk=thing.pk)
    last = thing.revisions.filter(is_aside=True, by=by).first()
    if last and Text.of(last) == text:
        return last
    number = thing.revisions.next_number()
    return thing.revisions.create(
        number=number, by=by, base=base, nonce=nonce, is_aside=True, **text._asdict()
    )


@transaction.atomic
def restore(*, revision: Revision, by: User, seen: int) -> Written:
    """Make a text of before the present one again, which is a new revision. `seen`: the version that the
    person looked at. Raises ChangedError where it is another one now."""
    thing = _locked(revision.thing, seen)
    for name, text in Text.of(revision)._asdict().items():
        setattr(thing, name, text)
    if isinstance(thing, Article):
        return save_article(article=thing, by=by, restored=revision.number)
    return save_page(page=thing, by=by, restored=revision.number)


# Who is here


def tell_presence(*, thing: Written, editor: User, typed: bool) -> None:
    now = timezone.now()
    values = {"seen_at": now, **({"typed_at": now} if typed else {})}
    Presence.objects.update_or_create(**of(thing), editor=editor, defaults=values)


def leave(*, thing: Written, editor: User) -> None:
    Presence.objects.filter(**of(thing), editor=editor).delete()


# When readers see it


@transaction.atomic
def publish(*, article: Article, at: datetime, seen: int) -> Article:
    """Publish at that moment: now, later, or as of before. Raises ChangedError as restore does, and
    EmbargoedError."""
    article = _locked(article, seen)
    publish_articles(ids=[article.pk], at=at)
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def unschedule(*, article: Article, seen: int) -> Article:
    """Make a draft again of what is scheduled. Raises ChangedError, also where readers see it meanwhile."""
    article = _locked(article, seen)
    if article.is_published():
        raise ChangedError
    take_back_articles(ids=[article.pk])
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def take_back(*, article: Article, why: str, seen: int) -> Article:
    """Take it away from readers; its address tells them so, and `why` if that is not empty."""
    article = _locked(article, seen)
    if not article.is_published():
        raise ChangedError
    take_back_articles(ids=[article.pk], why=why)
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def set_embargo(*, article: Article, until: datetime | None, seen: int) -> Article:
    """Never before that moment; what is scheduled earlier is put off until then. Raises EmbargoedError for
    what readers see already."""
    article = _locked(article, seen)
    if until and article.published_at and article.published_at < until:
        if article.is_published():
            raise EmbargoedError
        article.published_at = until
    article.embargo_until = until
    article.version += 1
    article.save(update_fields=["published_at", "embargo_until", "version"])
    touch_site()
    return article


def _locked(thing: Any, seen: int) -> Any:
    locked = type(thing)._default_manager.select_for_update(no_key=True).get(pk=thing.pk)
    if locked.version != seen:
        raise ChangedError
    return locked


# The same of many, by whoever they are published: it is no change of what they say, the time of the last one
# stays. The caller has locked them.


@transaction.atomic
def publish_articles(*, ids: Sequence[int], at: datetime) -> None:
    """Raises EmbargoedError where that is too early for one of them."""
    articles, now = Article.objects.filter(pk__in=ids), timezone.now()
    if articles.filter(embargo_until__gt=at).exists():
        raise EmbargoedError
    hides = at > now and articles.published(now).exists()
    values: dict[str, Any] = {"published_at": at, "stage": Article.Stage.DRAFT}
    if at <= now:
        values |= {"taken_back_at": None, "taken_back_why": "", "was_published_at": None}
    articles.update(**values, version=F("version") + 1)
    touch_site()
    if hides:
        withhold()


@transaction.atomic
def take_back_articles(*, ids: Sequence[int], why: str = "", at: datetime | None = None) -> None:
    """Make drafts of them. At the address of what readers knew they are told so, since `at` (now) and `why`;
    of what was only scheduled they are told nothing."""
    articles, now = Article.objects.filter(pk__in=ids), timezone.now()
    hidden = articles.published(now).update(
        was_published_at=F("published_at"),
        published_at=None,
        taken_back_at=at or now,
        taken_back_why=why,
        version=F("version") + 1,
    )
    articles.exclude(published_at=None).update(published_at=None, version=F("version") + 1)
    touch_site()
    if hidden:
        withhold()


# Words beside it


def add_note(*, article: Article, by: User, body: str) -> Note:
    """For colleagues only: no version grows."""
    return Note.objects.create(article=article, by=by, body=body)


@transaction.atomic
def correct(*, article: Article, by: User, text: str) -> Correction:
    """Tell readers, dated, what was wrong."""
    made = Correction.objects.create(article=article, by=by, text=text)
    _corrected(article)
    return made


@transaction.atomic
def change_correction(*, correction: Correction, text: str, seen: str) -> None:
    """Other words for it, or (empty) none; its date stays. Raises ChangedError where it does not say any more
    what was `seen`."""
    locked = Correction.objects.select_for_update().filter(pk=correction.pk).first()
    if locked is None or _plain(locked.text) != _plain(seen):
        raise ChangedError
    if text:
        locked.text = text
        locked.save(update_fields=["text"])
    else:
        locked.delete()
    _corrected(locked.article)


def _plain(text: str) -> str:
    """As a browser gives it back."""
    return text.replace("\r\n", "\n").strip()


def _corrected(article: Article) -> None:
    last = article.corrections.last()
    changes = {"corrected_at": last.at if last else None, "updated_at": timezone.now()}
    Article.objects.filter(pk=article.pk).update(**changes, version=F("version") + 1)
    touch_site()
