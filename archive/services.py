"""Import a saved page: create its article and discussion, or refuse the whole file.

The same file may be imported twice, and a newer save of the same page may follow. An import never changes
what exists already, neither an editor's changes to the article nor moderators' decisions on the comments.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import label_for_field
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from archive.formats import FORMATS, parse
from archive.formats.page import FormatError, PageWarning, ParsedPage, duplicate_warnings
from archive.models import Import
from archive.source_redirects import SourceRedirect, redirect_from_source
from articles.models import MAX_BODY_LENGTH, MAX_STANDFIRST_LENGTH, Article, unique_slug
from articles.publishing.status import embargo_refusal
from articles.services import get_or_create_topic, save_article
from comments.models import MAX_IMPORTED_BODY_LENGTH, Comment, Discussion, Reason
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from core.database.sql import fetch_rows
from core.errors import UserError
from core.memory.garbage_collection import pause_garbage_collection
from moderation.actions import setting_changes
from moderation.models import Action, SettingChange
from moderation.reply_structure.proposals import find_proposals
from moderation.screening import flags, import_jobs
from moderation.screening.imports import screen_import

MAX_MB = 60
SAMPLE_STORY_FILE = Path(__file__).parent / "sample" / "story.txt"
SAMPLE_STORY_CLOSES_AT = datetime(2100, 1, 1, tzinfo=UTC)
HIDDEN_TOPICS = {"uncategorized"}  # a blog's default topic says nothing about the story


class ArchiveImportError(UserError):
    """The error that a file is not imported. Its text is a sentence for the person who imports it."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """The contents of a file and the result of its import or preview."""

    format: str
    title: str
    declared_count: int | None  # number of comments that the page announces
    by_level: dict[int, int]  # comments in the file, by level from 1
    warnings: list[PageWarning]
    boilerplate: dict[int, str]  # lines that belong to the site and not to the story, by number
    created_count: int  # comments, including those that return after an undone import
    skipped_count: int  # comments that existed already and were left unchanged
    article: Article | None  # None in a dry run before the first import
    is_new_article: bool
    is_republished: bool = False  # the undo of an earlier import had made it a draft
    redirect: SourceRedirect | None = None  # of a new story with a source URL
    is_screened_later: bool = False  # by a job
    import_pk: int | None = None  # of the stored Import; None if nothing was new, or in a dry run

    @property
    def found_count(self) -> int:
        """Return the number of comments in the file."""
        return sum(self.by_level.values())

    def describe_story_url(self, site_url: str) -> str:
        """Return the URL of the story, with the editors' URL as long as the story is not published.

        `site_url` is the start of these URLs, or "" for their paths only.
        """
        if self.article is None:
            return ""
        public_url = site_url + self.article.get_absolute_url()
        if self.article.is_published():
            return public_url
        editor_url = site_url + reverse("admin:articles_article_change", args=[self.article.pk])
        return _("Not published yet. Its URL will be %(readers)s; editors can open it at %(editors)s") % {
            "readers": public_url,
            "editors": editor_url,
        }

    @property
    def has_changes(self) -> bool:
        """Return whether the import creates or publishes anything."""
        return self.is_new_article or self.is_republished or self.created_count > 0

    def to_json(self) -> dict[str, Any]:
        """Return the report for `import_archive --json`."""
        return {
            "format": self.format,
            "articles": 1,  # a saved page is one story
            "comments": {
                "found": self.found_count,
                "declared": self.declared_count,
                "by_level": {str(level): count for level, count in self.by_level.items()},
            },
            "warnings": [asdict(warning) for warning in self.warnings],
            "boilerplate": list(self.boilerplate),
            "created": self.created_count,
            "updated": 0,  # a saved page has nothing newer about an existing comment
            "skipped": self.skipped_count,
            "redirect": self.redirect and self.redirect.to_json(),
        }


@pause_garbage_collection()  # it took a quarter of the processor time of reading a large file
def import_page(
    *,
    data: bytes,
    filename: str,
    format: str = "auto",
    source: str = "",
    url: str = "",
    actor: User | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import a saved page in one transaction: published, with a closed discussion and unknown rights.

    A page that was imported before is recognised by its format, title and date. Then only comments that do
    not exist yet are added; if there are none, nothing is written. `source` and `url` name the publisher and
    the original URL. The path of a new story's original URL leads to it, unless this path is in use
    here; a later import adds no redirect. A dry run reports the same and writes nothing. Raises
    ArchiveImportError.

    Readers see the story before the search for duplicates, which takes longer than the import. If the process
    ends during that search, the stored import lacks the warnings about duplicates; a preview of the same file
    lists them. The checks of a large discussion follow in a job.
    """
    check_size(len(data))
    page = _parse_file(data, format)
    article = _build_article(page, source, url)
    stored_import = None
    with transaction.atomic():
        now = _lock_page(article.source_key)
        existing = Article.objects.filter(source_key=article.source_key).first()
        is_republished = existing is not None and _would_be_republished(existing, page, now)
        shown_from = existing.published_at if existing and not is_republished else page.published_at
        page = _adjust_future_dates(page, shown_from, now)
        if existing is None:
            article.slug = unique_slug(article.title)
        report = _build_report(page, article, existing, is_republished=is_republished, dry_run=dry_run)
        if report.has_changes and not dry_run:
            if existing is None:
                _create_draft(article, page)
            digest = sha256(data).hexdigest()
            stored_import = _store_comments(existing or article, page, report, filename, digest, actor)
        if existing is None and article.source_url:
            # Last, since it locks all redirects: no other redirect waits for the screening of the comments.
            report = replace(report, redirect=redirect_from_source(article, dry_run=dry_run))
    warnings = _sort_warnings([*report.warnings, *duplicate_warnings(page.comments)])
    if stored_import:
        stored_import.warnings = [asdict(warning) for warning in warnings]
        stored_import.save(update_fields=["warnings"])
    return replace(report, warnings=warnings, import_pk=stored_import.pk if stored_import else None)


def _build_report(
    page: ParsedPage, article: Article, existing: Article | None, *, is_republished: bool, dry_run: bool
) -> ImportReport:
    """Return the report of an import before it is done.

    `existing` is the article of an earlier import. Comments of an undone import return, so they count as new.
    """
    stored = Comment.objects.filter(source=article.source_key)
    kept_comments = stored.exclude(state_reason=Reason.IMPORT_UNDONE, erased_at=None)
    kept_source_ids = set(kept_comments.values_list("source_id", flat=True))
    new_count = sum(comment.source_id not in kept_source_ids for comment in page.comments)
    return ImportReport(
        format=page.format,
        title=page.title,
        declared_count=page.declared_count,
        by_level=dict(sorted(Counter(comment.level for comment in page.comments).items())),
        warnings=page.warnings,
        boilerplate=page.boilerplate,
        created_count=new_count,
        skipped_count=len(page.comments) - new_count,
        article=existing if dry_run else existing or article,
        is_new_article=existing is None,
        is_republished=is_republished,
        is_screened_later=import_jobs.is_large(new_count),
    )


def _sort_warnings(warnings: Iterable[PageWarning]) -> list[PageWarning]:
    return sorted(warnings, key=lambda warning: warning.line)


def import_sample_story() -> Article:
    """Import the sample story, open to replies. Its text is ours, so it is in the feed."""
    report = import_page(data=SAMPLE_STORY_FILE.read_bytes(), filename=SAMPLE_STORY_FILE.name)
    assert report.article
    report.article.rights = Article.Rights.OURS
    change_discussion(article=report.article, status=Discussion.Status.OPEN, closes_at=SAMPLE_STORY_CLOSES_AT)
    return save_article(article=report.article)


def check_size(size: int) -> None:
    """Raise ArchiveImportError if the file has more than MAX_MB. `size` is in bytes."""
    if size > MAX_MB * 1024 * 1024:
        raise ArchiveImportError(
            _("The file has %(size)s MB. The limit is %(limit)s MB. Nothing was imported.")
            % {"size": -(-size // (1024 * 1024)), "limit": MAX_MB}
        )


def _parse_file(data: bytes, format: str) -> ParsedPage:
    """Return the parsed page. Raises ArchiveImportError."""
    if format != "auto" and format not in FORMATS:
        raise ArchiveImportError(_("The format “%(name)s” is not supported.") % {"name": format})
    try:
        page = parse(data, format, finds_duplicates=False)
    except FormatError as error:
        raise ArchiveImportError(str(error)) from error
    _check_lengths(page)
    return page


def _check_lengths(page: ParsedPage) -> None:
    """Raise ArchiveImportError if a text is longer than pages can show. No text is cut or left out.

    A person shortens the text in the file, or splits the comment, and so knows what readers will not find.
    """
    for name, text, limit in (
        (_("The standfirst"), page.standfirst, MAX_STANDFIRST_LENGTH),
        (_("The story"), page.body, MAX_BODY_LENGTH),
    ):
        if len(text) > limit:
            raise ArchiveImportError(
                _("%(what)s has %(count)s characters. The limit is %(limit)s. Nothing was imported.")
                % {"what": name, "count": f"{len(text):,}", "limit": f"{limit:,}"}
            )
    for comment in page.comments:
        if len(comment.body) > MAX_IMPORTED_BODY_LENGTH:
            raise ArchiveImportError(
                _(
                    "Line %(line)s: the comment that begins here has %(count)s characters. The limit is "
                    "%(limit)s. Nothing was imported. Shorten the comment in the file, or split it in two."
                )
                % {
                    "line": f"{comment.line:,}",
                    "count": f"{len(comment.body):,}",
                    "limit": f"{MAX_IMPORTED_BODY_LENGTH:,}",
                }
            )


def _build_article(page: ParsedPage, source: str, url: str) -> Article:
    """Return the page's article, not saved. Its source key does not depend on an editor's later changes."""
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
        field, errors = next(iter(error.error_dict.items()))
        name = label_for_field(field, Article)
        raise ArchiveImportError(f"{name}: {_explain(errors[0])}") from error
    return article


def _explain(error: ValidationError) -> str:
    """Return the error's message, with thousands separators in that of a text that is too long."""
    if error.code != "max_length" or not error.params:
        return str(error.messages[0])
    return _("%(count)s characters. The limit is %(limit)s.") % {
        "count": f"{error.params['show_value']:,}",
        "limit": f"{error.params['limit_value']:,}",
    }


def _lock_page(source_key: str) -> datetime:
    """Lock the page against a second import at the same time, which would not see the first one's rows.

    Return the database's time: no comment may be dated later.
    """
    rows = fetch_rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), now()", [source_key])
    now: datetime = rows[0][1]
    return now


def _adjust_future_dates(page: ParsedPage, shown_from: datetime | None, now: datetime) -> ParsedPage:
    """Return the page with no comment dated later than `now`, and a warning for each date in the future."""

    def format_time(time: datetime) -> str:
        local = time.astimezone(ZoneInfo(page.zone))
        return f"{local.day} {local:%B %Y, %H:%M} ({page.zone})"

    warnings = list(page.warnings)
    if shown_from and shown_from > now:
        when = format_time(shown_from)
        text = f"The story is dated {when}, in the future. Readers will not see it until then."
        warnings.append(PageWarning(page.date_line, "future", text))
    comments = []
    for comment in page.comments:
        if comment.created_at > now:
            text = (
                f"Comment {comment.number:,} is dated {format_time(comment.created_at)}, in the future."
                " It is stored with the time of its import."
            )
            warnings.append(PageWarning(comment.line, "future", text))
            comment = comment._replace(created_at=now)
        comments.append(comment)
    return replace(page, comments=comments, warnings=_sort_warnings(warnings))


def _would_be_republished(article: Article, page: ParsedPage, now: datetime) -> bool:
    """Return whether an import publishes this article again. Raises ArchiveImportError under an embargo."""
    if not _import_was_undone(article):
        return False
    if why := embargo_refusal(article, page.published_at, now):
        raise ArchiveImportError(
            _("This story exists already and would be published again. %(why)s Nothing was imported.")
            % {"why": why}
        )
    return True


def _import_was_undone(article: Article) -> bool:
    """Return whether the undo of the article's import made it a draft, and nobody has changed that since."""
    changes = SettingChange.objects.filter(
        target=SettingChange.Target.ARTICLE, target_id=article.pk, field="published_at"
    )
    change = changes.select_related("action").order_by("id").last()
    return (
        article.published_at is None
        and change is not None
        and change.action.kind == Action.Kind.UNDO
        and article.unpublished_at in {None, change.action.at}
    )


def _create_draft(article: Article, page: ParsedPage) -> None:
    """Save the article as a draft. The import publishes it, so that its undo unpublishes it."""
    article.published_at = None
    save_article(article=article)
    topics = [get_or_create_topic(name, shown=name.casefold() not in HIDDEN_TOPICS) for name in page.topics]
    article.topics.set(topics)
    change_discussion(article=article, status=Discussion.Status.CLOSED)


def _store_comments(
    article: Article, page: ParsedPage, report: ImportReport, filename: str, digest: str, actor: User | None
) -> Import:
    """Publish the article and store its new comments, as one action with a record of the import."""
    action = Action.objects.create(kind=Action.Kind.IMPORT, actor=actor)
    changes: list[tuple[SettingChange.Target, int, str, Any]] = [
        (SettingChange.Target.DISCUSSION, article.pk, "declared_count", page.declared_count)
    ]
    if report.is_new_article or report.is_republished:
        changes.append((SettingChange.Target.ARTICLE, article.pk, "published_at", page.published_at))
        article.published_at = page.published_at
    setting_changes.apply_changes(action=action, changes=changes)
    result = import_comments(
        article=article,
        comments=[
            ImportedComment(
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
        action_id=action.pk,
        with_search_texts=not report.is_screened_later,
    )
    # Comments that return are screened, too: their import may have been undone before its job had done it.
    published = [*result.created, *result.republished]
    if report.is_screened_later:
        import_jobs.screen_later(action=action, discussion=article.pk, count=len(published))
    else:
        screen_import(article=article, ids=published)
        find_proposals(article)
        flags.open_cases_for_flagged(published)
    return Import.objects.create(
        article=article,
        action=action,
        format=page.format,
        filename=filename[-255:],
        sha256=digest,
        declared_count=page.declared_count,
        found_count=report.found_count,
        created_count=len(published),
        warnings=[asdict(warning) for warning in page.warnings],
        actor=actor,
    )
