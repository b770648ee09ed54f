"""The one way in for what was saved elsewhere: a file becomes an article with its discussion, or is refused.

A file may come twice, and newer saves of the same page may follow: what is here already is never touched,
neither what an editor made of the article nor what moderators decided on the comments.
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from archive.formats import parse
from archive.formats.page import DamagedFile, NotThisFormat, PageWarning, ParsedPage
from archive.models import Import
from articles.models import BODY_MAX, STANDFIRST_MAX, Article, Topic, free_slug
from articles.publishing.status import too_early
from articles.services import save_article
from comments.imports import Imported, import_comments
from comments.models import IMPORTED_BODY_MAX, Comment, Discussion, Reason
from comments.services import change_discussion
from moderation.actions import setting_changes
from moderation.models import Batch, Change
from moderation.screening.imports import screen_import

MAX_MB = 60
SAMPLE = Path(__file__).parent / "sample" / "story.txt"
SAMPLE_CLOSES = datetime(2100, 1, 1, tzinfo=UTC)
HIDDEN_TOPICS = {"uncategorized"}  # what a blog says of a story of which nobody said anything


class Refused(ValueError):
    """Nothing was taken in. The message is one sentence for a person; of a file's fault it names the line."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a file held and what became of it. `created`, `updated` and `skipped` count comments."""

    format: str
    title: str
    declared: int | None  # how many comments the page claims
    by_level: dict[int, int]  # comments in the file, by level from 1
    warnings: list[PageWarning]
    boilerplate: list[int]  # numbers of the lines that belong to the site and not to the story
    created: int  # with those that an undone import had taken back
    skipped: int  # here already, and left as they are
    article: Article | None  # None before the first import, in a dry run
    is_new_article: bool
    is_published_again: bool = False  # it had become a draft with the undo of its import
    articles: int = 1  # stories in the file; a saved page is one
    updated: int = 0  # a saved page tells nothing newer of a comment that is here

    @property
    def found(self) -> int:
        return sum(self.by_level.values())

    @property
    def address(self) -> str:
        """Return the URL of the story: that for editors as long as readers do not see it yet."""
        if self.article is None:
            return ""
        readers = settings.SITE_URL + self.article.get_absolute_url()
        if self.article.is_published():
            return readers
        editors = settings.SITE_URL + reverse("admin:articles_article_change", args=[self.article.pk])
        return _("Readers do not see it yet at %(readers)s; editors open it at %(editors)s") % {
            "readers": readers,
            "editors": editors,
        }

    @property
    def changes_something(self) -> bool:
        return self.is_new_article or self.is_published_again or self.created > 0

    def to_json(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "articles": self.articles,
            "comments": {
                "found": self.found,
                "declared": self.declared,
                "by_level": {str(level): count for level, count in self.by_level.items()},
            },
            "warnings": [asdict(warning) for warning in self.warnings],
            "boilerplate": self.boilerplate,
            "created": self.created,
            "updated": self.updated,
            "skipped": self.skipped,
        }


def import_page(
    *,
    data: bytes,
    filename: str,
    format: str = "auto",
    source: str = "",
    url: str = "",
    actor: User | None = None,
    dry_run: bool = False,
) -> Report:
    """Take a saved page in, whole or not at all, as its source showed it: closed, published, rights unknown.

    The page is known again by its format, title and date: then only comments that are not here yet are
    added, and without any nothing at all is written. `source` and `url` say where it was saved; a dry run
    reports the same numbers and writes nothing. Raises Refused.
    """
    check_size(len(data))
    page = _parse_file(data, format)
    article = _build_article(page, source, url)
    with transaction.atomic():
        now = _lock_page(article.source_key)
        known = Article.objects.filter(source_key=article.source_key).first()
        stored = Comment.objects.filter(source=article.source_key)
        here = set(stored.exclude(state_reason=Reason.IMPORT_UNDONE).values_list("source_id", flat=True))
        new = sum(comment.source_id not in here for comment in page.comments)
        is_again = known is not None and _import_was_undone(known)
        if known and is_again and (why := too_early(known, page.published_at, now)):
            raise Refused(
                _("The story is here and would be published again. %(why)s Nothing was brought in.")
                % {"why": why}
            )
        shown_from = known.published_at if known and not is_again else page.published_at
        page = _adjust_future_dates(page, shown_from, now)
        report = Report(
            format=page.format,
            title=page.title,
            declared=page.declared,
            by_level=dict(sorted(Counter(comment.level for comment in page.comments).items())),
            warnings=page.warnings,
            boilerplate=page.boilerplate,
            created=new,
            skipped=len(page.comments) - new,
            article=known if dry_run else known or article,
            is_new_article=known is None,
            is_published_again=is_again,
        )
        if report.changes_something and not dry_run:
            if known is None:
                _create_draft(article, page)
            _store_comments(known or article, page, report, filename, sha256(data).hexdigest(), actor)
    return report


def create_sample() -> Article:
    """The story that an empty site starts with: our own text, so it is in the feed and takes replies."""
    report = import_page(data=SAMPLE.read_bytes(), filename=SAMPLE.name)
    assert report.article
    report.article.rights = Article.Rights.OURS
    change_discussion(article=report.article, status=Discussion.Status.OPEN, closes_at=SAMPLE_CLOSES)
    return save_article(article=report.article)


def check_size(size: int) -> None:
    """Raises Refused for a file of more than MAX_MB; `size` is in bytes."""
    if size > MAX_MB * 1024 * 1024:
        raise Refused(
            _("The file has %(size)s MB; %(most)s MB is the most that is read. Nothing was brought in.")
            % {"size": -(-size // (1024 * 1024)), "most": MAX_MB}
        )


def _parse_file(data: bytes, name: str) -> ParsedPage:
    try:
        page = parse(data, name)
    except KeyError:
        raise Refused(_("No format “%(name)s” is read here.") % {"name": name}) from None
    except (NotThisFormat, DamagedFile) as error:
        raise Refused(str(error)) from error
    _check_lengths(page)
    return page


def _check_lengths(page: ParsedPage) -> None:
    """Refuse the whole file for one text that is longer than pages can show: none of it is cut or left out.

    A person shortens it in the file, or parts a comment in two, and knows then what readers will not find.
    """
    for name, text, most in (
        (_("The standfirst"), page.standfirst, STANDFIRST_MAX),
        (_("The story"), page.body, BODY_MAX),
    ):
        if len(text) > most:
            raise Refused(
                _("%(what)s has %(count)s characters; %(most)s is the most. Nothing was brought in.")
                % {"what": name, "count": f"{len(text):,}", "most": f"{most:,}"}
            )
    for comment in page.comments:
        if len(comment.body) > IMPORTED_BODY_MAX:
            raise Refused(
                _(
                    "Line %(line)s: the comment that begins here has %(count)s characters; %(most)s is the "
                    "most. Nothing was brought in: shorten it in the file, or part it in two."
                )
                % {
                    "line": f"{comment.line:,}",
                    "count": f"{len(comment.body):,}",
                    "most": f"{IMPORTED_BODY_MAX:,}",
                }
            )


def _build_article(page: ParsedPage, source: str, url: str) -> Article:
    """The page's article, not saved. Its key stays the same, however an editor changes title or date."""
    identity = "\n".join((page.format, page.title, page.published_at.isoformat()))
    article = Article(
        title=page.title,
        standfirst=page.standfirst,
        body=page.body,
        published_at=page.published_at,
        rights=Article.Rights.UNKNOWN,
        source_name=source or page.source_name,
        source_url=url,
        source_zone=page.zone,
        source_key=sha256(identity.encode()).hexdigest(),
    )
    try:
        article.clean_fields(exclude=["slug"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        name = Article._meta.get_field(field).verbose_name  # type: ignore[union-attr]
        raise Refused(f"{name}: {messages[0]}") from error
    return article


def _lock_page(source_key: str) -> datetime:
    """Let one import of a page run at a time, since two at once would both find nothing here. Return the
    database's time, by which no comment may be dated later."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), now()", [source_key])
        now: datetime = cursor.fetchone()[1]
        return now


def _adjust_future_dates(page: ParsedPage, shown_from: datetime | None, now: datetime) -> ParsedPage:
    """The page with its comments dated no later than `now`, and a warning for each date in the future."""

    def said(moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(page.zone))
        return f"{local.day} {local:%B %Y, %H:%M} ({page.zone})"

    warnings = list(page.warnings)
    if shown_from and shown_from > now:
        text = f"The story is dated {said(shown_from)}, in the future: until then readers do not see it."
        warnings.append(PageWarning(page.date_line, "future", text))
    comments = []
    for comment in page.comments:
        if comment.created_at > now:
            text = (
                f"Comment {comment.number} is dated {said(comment.created_at)}, in the future:"
                " it is stored with the time of its import."
            )
            warnings.append(PageWarning(comment.line, "future", text))
            comment = replace(comment, created_at=now)
        comments.append(comment)
    return replace(page, comments=comments, warnings=sorted(warnings, key=lambda warning: warning.line))


def _import_was_undone(article: Article) -> bool:
    """Whether the undo of its import made it a draft, which nobody has said anything about since."""
    last = Change.objects.filter(target=Change.Target.ARTICLE, target_id=article.pk, field="published_at")
    change = last.select_related("batch").order_by("id").last()
    return (
        article.published_at is None
        and change is not None
        and change.batch.kind == Batch.Kind.UNDO
        and article.taken_back_at in {None, change.batch.at}
    )


def _create_draft(article: Article, page: ParsedPage) -> None:
    """As a draft: its publication is a part of the act, with which it is taken back."""
    article.slug, article.published_at = free_slug(article.title), None
    save_article(article=article)
    article.topics.set([_get_or_create_topic(name) for name in page.topics])
    change_discussion(article=article, status=Discussion.Status.CLOSED)


def _get_or_create_topic(name: str) -> Topic:
    topic = Topic.objects.filter(name=name).first()
    if topic:
        return topic
    base = slugify(name, allow_unicode=True)[:70].strip("-") or "topic"
    taken = set(Topic.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    slug = next(s for n in range(1, len(taken) + 2) if (s := base if n == 1 else f"{base}-{n}") not in taken)
    return Topic.objects.create(name=name, slug=slug, shown=name.casefold() not in HIDDEN_TOPICS)


def _store_comments(
    article: Article, page: ParsedPage, report: Report, filename: str, digest: str, actor: User | None
) -> None:
    batch = Batch.objects.create(kind=Batch.Kind.IMPORT, actor=actor)
    setting: list[tuple[Change.Target, int, str, Any]] = [
        (Change.Target.DISCUSSION, article.pk, "declared_count", page.declared)
    ]
    if report.is_new_article or report.is_published_again:
        setting.append((Change.Target.ARTICLE, article.pk, "published_at", page.published_at))
        article.published_at = page.published_at
    setting_changes.make(batch=batch, changes=setting)
    result = import_comments(
        article=article,
        comments=[
            Imported(
                source_id=comment.source_id,
                author_name=comment.author,
                body=comment.body,
                created_at=comment.created_at,
                parent=comment.parent and comment.parent - 1,
                text_missing=comment.text_missing,
                number=comment.number,
            )
            for comment in page.comments
        ],
        actor=actor,
        batch=batch.pk,
    )
    screen_import(article=article, ids=result.created)
    Import.objects.create(
        article=article,
        batch=batch,
        format=page.format,
        filename=filename[-255:],
        sha256=digest,
        declared_count=page.declared,
        found_count=report.found,
        created_count=len(result.created) + len(result.returned),
        warnings=[asdict(warning) for warning in page.warnings],
        actor=actor,
    )
