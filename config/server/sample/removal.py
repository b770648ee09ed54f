"""Removal of the sample: its stories, pictures, topics, authors, comments and accounts.

The log of a comment is deleted with the comment, and so are the actions that were only about such comments.
Triggers refuse that, so those that keep logs append-only are off for this one transaction, and the login must
own the tables. All other log entries stay: the roles that the accounts had, and what they did elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q
from django.utils.text import get_text_list

from accounts.models import Guest, RoleChange, SecondFactorRemoval, User
from accounts.services import erase_account
from archive.models import Import
from articles.images.services import delete_image
from articles.models import Article, Author, Autosave, Byline, Image, ImageUse, Presence, Topic
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from comments.models import Comment, Follow, Transition
from config.server.sample import credentials
from config.server.sample.dates import edited_article_ids
from core.database.sql import execute, fetch_rows
from core.errors import UserError
from moderation.models import (
    Action,
    CommentGroup,
    Finding,
    ModeratorNote,
    RemovalRequest,
    Report,
    Restriction,
    Rule,
    Sanction,
    SettingChange,
    SimilarityScan,
)

# References that only mention a deleted row: they become null, and the rows that have them stay.
MENTIONS: dict[Any, Sequence[str]] = {
    Autosave: ["article"],
    Comment: ["duplicate_of"],
    CommentGroup: ["original"],
    Finding: ["duplicate_of"],
    ModeratorNote: ["comment"],
    RemovalRequest: ["article", "comment"],
}
# References to an account that are no use of it.
NO_USE = [
    *(LogEntry, EmailAddress, Authenticator, SocialAccount, UserSession),
    *(User.groups.through, RoleChange, SecondFactorRemoval, Author, Autosave, Presence),
]

APPEND_ONLY_TRIGGERS = """
SELECT t.tgrelid::regclass::text, quote_ident(t.tgname) FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
WHERE p.proname = 'append_only' AND NOT t.tgisinternal AND t.tgenabled <> 'D'
  AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"""

Rows = dict[Any, set[Any]]  # primary keys by model


class SampleRemovalError(UserError):
    """The error that the sample cannot be removed. Its text says why."""


@dataclass(frozen=True)
class RemovalResult:
    """The numbers of removed rows, and the e-mails of accounts that are still in use."""

    counts: list[tuple[int, str, str]]  # number, singular, plural
    kept: list[str]

    def __str__(self) -> str:
        named = [f"{n} {one if n == 1 else many}" for n, one, many in self.counts if n]
        text = f"Removed {get_text_list(named, 'and')}."
        if self.kept:
            text += f" Kept, because they were used for something else: {', '.join(self.kept)}."
        return text


@transaction.atomic(durable=True)
def remove_sample(home: Path, *, is_confirmed: bool) -> RemovalResult:
    """Remove the sample. Raises SampleRemovalError without a sample.

    Raises it also if somebody has edited its stories, or other people have commented on them, unless
    `is_confirmed`.
    """
    created = credentials.creation_time()
    if created is None:
        raise SampleRemovalError("There is no sample on this site.")
    articles = Article.objects.filter(created_at=created)
    comments = Comment.objects.filter(discussion__article__in=articles)
    if not is_confirmed:
        _refuse_if_people_have_written(created)
    _delete_from_admin_log(Article, articles.values_list("pk", flat=True))
    images = list(Image.objects.filter(uploaded_at=created))
    topics = Topic.objects.filter(articles__in=articles)
    topic_ids = list(topics.values_list("pk", flat=True).distinct())
    counts = [
        (articles.count(), "story", "stories"),
        (comments.count(), "comment", "comments"),
        (Report.objects.filter(comment__in=comments).count(), "report", "reports"),
    ]
    with _writable_logs():
        rows: Rows = defaultdict(set)
        _collect(Article, set(articles.values_list("pk", flat=True)), rows)
        _collect(Guest, set(_unused_guests(created, rows)), rows)
        _collect(Action, _actions_about(rows), rows)
        _delete(rows)
    SimilarityScan.objects.all().delete()  # so that the page of groups is made again
    counts += [
        (_delete_images(images), "picture", "pictures"),
        (_delete_topics(topic_ids), "topic", "topics"),
        (_delete_authors(created), "author", "authors"),
    ]
    erased, kept = _erase_accounts(created)
    increment_site_version()
    invalidate_outage_copies()
    transaction.on_commit(lambda: credentials.keep_in_file(home, set(kept)))
    return RemovalResult([*counts, (erased, "account", "accounts")], kept)


def _refuse_if_people_have_written(created: datetime) -> None:
    """Raise SampleRemovalError if the removal would delete what a person has written since."""
    articles = Article.objects.filter(created_at=created)
    own = Q(author__date_joined=created) | Q(guest__created_at=created) | ~Q(source="")
    comments = Comment.objects.filter(discussion__article__in=articles).exclude(own).count()
    edited = edited_article_ids(set(articles.values_list("pk", flat=True)), created)
    written = []
    if edited:
        titles = articles.filter(pk__in=edited).order_by("pk").values_list("title", flat=True)
        named = get_text_list([f"“{title}”" for title in titles], "and")
        written.append(f"what somebody has edited or noted in {named}")
    if comments == 1:
        written.append("1 comment that somebody else has written under them")
    elif comments:
        written.append(f"{comments} comments that others have written under them")
    if written:
        raise SampleRemovalError(
            f"Nothing was removed: with the stories of the sample, {' and '.join(written)} "
            "would be deleted. Repeat the command with --yes to delete that too."
        )


def _unused_guests(created: datetime, rows: Rows) -> Iterable[int]:
    """Return the guests of the sample that have no comment besides those in `rows`."""
    others = Comment.objects.exclude(pk__in=rows[Comment]).exclude(guest=None)
    return (
        Guest.objects.filter(created_at=created)
        .exclude(pk__in=others.values("guest"))
        .values_list("pk", flat=True)
    )


def _collect(model: Any, ids: set[Any], rows: Rows) -> None:
    """Add these rows, and all rows that cannot exist without them."""
    new = ids - rows[model]
    rows[model] |= new
    for source, name in _references(model) if new else ():
        if name in MENTIONS.get(source, ()) or source is Action:
            continue
        found = source._base_manager.filter(**{f"{name}__in": new}).values_list("pk", flat=True)
        _collect(source, set(found), rows)


def _references(model: Any) -> Iterator[tuple[Any, str]]:
    """Yield the models that refer to this one, each with the name of the field."""
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and not relation.many_to_many:
            yield relation.related_model, relation.field.name


def _actions_about(rows: Rows) -> set[Any]:
    """Return the actions that were about nothing but these rows."""
    Target = SettingChange.Target
    targets = {
        Target.COMMENT: rows[Comment],
        Target.DISCUSSION: rows[Article],
        Target.ARTICLE: rows[Article],
        Target.SANCTION: rows[Sanction],
        Target.RULE: rows[Rule],
    }
    about = Q(pk__in=[])
    for target, ids in targets.items():
        about |= Q(target=target, target_id__in=ids)
    changes = SettingChange.objects.all()
    found: set[Any] = {
        *Transition.objects.filter(pk__in=rows[Transition]).values_list("action_id", flat=True),
        *changes.filter(about).values_list("action", flat=True),
        *Import.objects.filter(pk__in=rows[Import]).values_list("action", flat=True),
        *Sanction.objects.filter(pk__in=rows[Sanction]).values_list("action", flat=True),
        *Restriction.objects.filter(pk__in=rows[Restriction]).values_list("action", flat=True),
    } - {None}
    found -= set(changes.filter(action__in=found).exclude(about).values_list("action", flat=True))
    elsewhere = Transition.objects.filter(action_id__in=found).exclude(pk__in=rows[Transition])
    found -= set(elsewhere.values_list("action_id", flat=True))
    while needed := found & {
        pk for pair in Action.objects.exclude(pk__in=found).values_list("undoes", "root") for pk in pair
    }:  # by an action that stays
        found -= needed
    return found


def _delete(rows: Rows) -> None:
    """Delete the rows. The foreign keys are deferred, so the order does not matter."""
    for model, names in MENTIONS.items():
        for name in names:
            target = model._meta.get_field(name).related_model
            mentioned = rows[target]
            staying = model._base_manager.filter(**{f"{name}__in": mentioned})
            staying.exclude(pk__in=rows[model]).update(**{name: None})
    for model, ids in rows.items():
        if ids:
            table, key = (
                connection.ops.quote_name(name) for name in (model._meta.db_table, model._meta.pk.column)
            )
            execute(f"DELETE FROM {table} WHERE {key} = ANY(%s)", [list(ids)])
    CommentGroup.objects.filter(members=None).delete()


@contextmanager
def _writable_logs() -> Iterator[None]:
    """Switch the triggers that keep logs append-only off while the block runs, for this transaction."""
    triggers = fetch_rows(APPEND_ONLY_TRIGGERS)
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table with pending checks can be altered
    for table, name in triggers:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    execute("SET CONSTRAINTS ALL DEFERRED")
    yield
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name in triggers:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
    execute("SET CONSTRAINTS ALL DEFERRED")


def _delete_images(images: Sequence[Image]) -> int:
    """Delete the images that nothing shows any more, with their files. Return their number.

    Those of earlier versions of texts are kept too: such a version could not be restored without them.
    """
    shown = set(ImageUse.objects.filter(image__in=images).values_list("image", flat=True))
    unused = [image for image in images if image.pk not in shown and not image.is_in_history()]
    for image in unused:
        delete_image(image=image)
    _delete_from_admin_log(Image, [image.pk for image in unused])
    return len(unused)


def _delete_topics(ids: Sequence[int]) -> int:
    """Delete the topics that no story and no rule has any more. Return their number."""
    unused = Topic.objects.filter(pk__in=ids, articles=None)
    unused = unused.exclude(pk__in=Rule.objects.exclude(topic=None).values("topic"))
    return unused.delete()[1].get("articles.Topic", 0)


def _delete_authors(created: datetime) -> int:
    """Delete the author pages without stories. Return their number."""
    unused = Author.objects.filter(user__date_joined=created)
    unused = unused.exclude(pk__in=Byline.objects.values("author"))
    return unused.delete()[1].get("articles.Author", 0)


def _erase_accounts(created: datetime) -> tuple[int, list[str]]:
    """Erase the accounts that nothing refers to any more, and take their roles away.

    Their rows stay, without name and e-mail, as the log of roles names them. Return their
    number, and the e-mails of the others.
    """
    erased, kept = 0, []
    for user in User.objects.filter(date_joined=created).exclude(name="", is_active=False).order_by("pk"):
        if user.email not in credentials.emails() or _is_used(user):  # or a person has made it their own
            kept.append(user.email)
            continue
        Autosave.objects.filter(editor=user).delete()
        Presence.objects.filter(editor=user).delete()
        Follow.objects.filter(user=user).delete()
        erase_account(user=user)
        erased += 1
    return erased, kept


def _is_used(user: User) -> bool:
    """Return whether anything else than the account itself refers to it."""
    for source, name in _references(User):
        is_own = source in NO_USE and name != "actor"
        rows = source._base_manager.filter(**{name: user})
        if source is Follow:
            rows = rows.exclude(kind=Follow.Kind.PICKS)  # which a job adds for whoever has an editor's pick
        if not is_own and rows.exists():
            return True
    return False


def _delete_from_admin_log(model: Any, ids: Iterable[object]) -> None:
    """Delete the entries of the admin's log about these rows, which quote titles."""
    content_type = ContentType.objects.get_for_model(model)
    LogEntry.objects.filter(content_type=content_type, object_id__in=map(str, ids)).delete()
