"""Mails about what people follow. One mail has all that is due to a person.

The job claims the follows of a few people at a time and sends their mails over one connection, so its memory
does not grow with the number of followers. Followers of the same discussion get the same text, which is
rendered once; only the links by which they stop the mails are their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.mail import get_connection
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django_tasks import task

from accounts import undeliverable
from accounts.emails import current_confirmed_emails
from accounts.models import Guest
from articles.models import Site
from articles.site.current_site import read_site
from articles.site.languages import in_site_language
from comments.following.tokens import follow_token, follower_token
from comments.following.update_search import note_updates
from comments.following.updates import FollowUpdates, UpdateItem, read_updates
from comments.models import UNDO_WINDOW, Follow
from core.database.sql import fetch_instances
from core.mail.batches import (
    MAX_FAILURES,
    PEOPLE_AT_ONCE,
    SENDING_TIME,
    enqueue_once,
    retry_delay,
    send_batches,
)
from core.mail.composition import BulkMail, placeholder, render_mail
from core.mail.messages import TrackedMail
from core.mail.tokens import incoming_email

ITEMS_MAILED = 10  # of one follow
MAX_EXCERPT_LENGTH = 400  # characters
MAX_RENDERED_TEXTS = 64  # texts that are kept while a job runs

Texts = dict[Any, BulkMail]  # by what they are made of
FollowerKey = tuple[int | None, int | None]  # user id, guest id

# The follows of the people whose mail is overdue longest. Another job skips those that this one is about to
# claim.
_CLAIM = """
WITH due AS (
  SELECT user_id, guest_id FROM comments_follow
  WHERE delivery NOT IN ('site', 'none')
    AND ((due_at <= %(now)s AND sending_until IS NULL) OR sending_until <= %(now)s)
  ORDER BY least(due_at, sending_until), id LIMIT %(people)s FOR UPDATE SKIP LOCKED
), people AS (SELECT DISTINCT user_id, guest_id FROM due)
UPDATE comments_follow f SET due_at = NULL, sending_until = %(until)s
FROM people p
WHERE (f.user_id = p.user_id OR f.guest_id = p.guest_id)
  AND f.delivery NOT IN ('site', 'none')
  AND ((f.due_at <= %(now)s AND f.sending_until IS NULL) OR f.sending_until <= %(now)s)
RETURNING f.*"""


def notify_followers() -> int:
    """Note the updates for followers, and enqueue the job that mails them. Returns the number of follows.

    The scheduler calls this every minute. A job that is still sending takes what is due by now as well.
    """
    now, site = timezone.now(), read_site()
    noted = note_updates(now, site.zone)
    if Follow.objects.due(now).exists():
        enqueue_once(mail_followers)
    return noted


@task()
@in_site_language()
def mail_followers() -> int:
    """Send the mails that are due, for at most MAX_SECONDS. Returns the number of mails that were sent."""
    texts: Texts = {}
    return send_batches(mail_followers, _claim, lambda follows: _send(follows, texts))


def skip_mails_after_restore() -> None:
    """Skip the mails that may have been sent since the restored backup was made.

    Only mails that are due later are still sent. An update that no search had found at the time of the backup
    may have been mailed as well. Updates without a mail stay unread on the site.
    """
    now = timezone.now()
    follows = Follow.objects.with_mails().exclude(due_at__gt=now, sending_until=None)
    follows.update(due_at=None, sending_until=None, mailed_at=now, failures=0)


def _claim(now: datetime) -> list[Follow]:
    values = {"now": now, "until": now + SENDING_TIME, "people": PEOPLE_AT_ONCE}
    return fetch_instances(Follow, _CLAIM, values)


@dataclass
class _Delivery:
    """The follows of one person, and the mail about their updates, if there is one."""

    follows: list[Follow] = field(default_factory=list)
    mail: TrackedMail | None = None


def _send(follows: Sequence[Follow], texts: Texts) -> int:
    """Send the mails about claimed follows, store the results, and return the number of sent mails."""
    until, site = timezone.now() - UNDO_WINDOW, read_site()
    emails = _find_emails(follows)
    deliveries: dict[FollowerKey, _Delivery] = defaultdict(_Delivery)
    for follow in follows:
        deliveries[follow.user_id, follow.guest_id].follows.append(follow)
    reachable = [follow for follow in follows if (follow.user_id, follow.guest_id) in emails]
    updates = read_updates(reachable, since="mailed_at", until=until, limit=ITEMS_MAILED)
    for person, delivery in deliveries.items():
        if person_updates := [updates[follow.pk] for follow in delivery.follows if follow.pk in updates]:
            email, language = emails[person]
            with translation.override(language or site.language):
                delivery.mail = compose(person_updates, email, site, texts)
    mails = [delivery.mail for delivery in deliveries.values() if delivery.mail]
    if mails:
        with suppress(Exception):  # the backend has recorded it, and each mail has its failure
            get_connection().send_messages(mails)
    _store_results(deliveries.values(), until)
    return sum(mail.failure is None for mail in mails)


def _find_emails(follows: Sequence[Follow]) -> dict[FollowerKey, tuple[str, str]]:
    """Return the confirmed e-mails of the followers with their languages (empty: the site's).

    Those to which nothing can be delivered are left out.
    """
    users = current_confirmed_emails().filter(
        user__in={follow.user_id for follow in follows if follow.user_id}, user__is_active=True
    )
    guests = Guest.objects.reachable().filter(pk__in={f.guest_id for f in follows if f.guest_id})
    emails: dict[FollowerKey, tuple[str, str]] = {
        (user, None): (email, language)
        for user, email, language in users.values_list("user", "email", "user__language")
    }
    emails |= {(None, guest): (email, "") for guest, email in guests.values_list("pk", "email")}
    refused = undeliverable.find(email for email, _language in emails.values())
    return {
        person: (email, language)
        for person, (email, language) in emails.items()
        if email.lower() not in refused
    }


def compose(updates: Sequence[FollowUpdates], email: str, site: Site, texts: Texts) -> TrackedMail:
    """Return the mail to one person about their updates, in the active language.

    `texts` are those that were rendered before.
    """
    subject = _subject(updates)
    stop_tokens = [follow_token(follow_updates.follow) for follow_updates in updates]
    stop_all_token = follower_token(updates[0].follow)
    key = (get_language(), subject, *(_content_key(follow_updates) for follow_updates in updates))
    if key not in texts:
        if len(texts) >= MAX_RENDERED_TEXTS:
            texts.clear()
        rendered = render_mail("comments/mail/updates.txt", subject, site=site, **_context(updates))
        texts[key] = BulkMail(subject, rendered, gettext_lazy("Updates for a follower"))
    header_token = stop_tokens[0] if len(updates) == 1 else stop_all_token
    mail = texts[key].compose_for(
        email, [str(stop_all_token), *map(str, stop_tokens)], unsubscribe_path=stop_path(str(header_token))
    )
    if address := incoming_email(stop_tokens[0]):
        mail.return_path, mail.reply_to = address, [address]
    return mail


def _store_results(deliveries: Iterable[_Delivery], until: datetime) -> None:
    """Store the result for each follow: mailed, nothing to mail, or the time of the next attempt."""
    done, failed = list[int](), defaultdict[int, list[int]](list)
    for delivery in deliveries:
        keys = [follow.pk for follow in delivery.follows]
        failure = delivery.mail and delivery.mail.failure
        if not failure:
            done += keys
            continue
        if delivery.mail and (response := undeliverable.unknown_recipient_response(failure)):
            undeliverable.add(delivery.mail.to[0], response)
            done += keys
        elif (failures := max(follow.failures for follow in delivery.follows) + 1) > MAX_FAILURES:
            done += keys  # given up
        else:
            failed[failures] += keys
    finished = {"sending_until": None, "mailed_at": until}
    Follow.objects.filter(pk__in=done).update(failures=0, **finished)
    for failures, keys in failed.items():
        retry_at = timezone.now() + retry_delay(failures)
        with_mails = Follow.objects.filter(pk__in=keys).with_mails()
        with_mails.update(failures=failures, sending_until=None, due_at=retry_at)


def _content_key(updates: FollowUpdates) -> tuple[Any, ...]:
    """Return the key of the text about these updates, without the follower."""
    target = updates.follow.kind, updates.follow.article_id, updates.follow.topic_id
    return (*target, updates.more, *map(_item_key, updates.items))


def _item_key(item: UpdateItem) -> tuple[Any, ...]:
    """Return the key of an item. A comment may be edited or redacted, or its name erased, during a job."""
    comment = item.comment
    content = (comment.pk, comment.revision, comment.author_name) if comment else item.text
    return item.url, item.at, item.is_reply, item.heading, item.article.version, content


def _subject(updates: Sequence[FollowUpdates]) -> str:
    items = [item for follow_updates in updates for item in follow_updates.items]
    count = sum(follow_updates.count for follow_updates in updates)
    first = items[0]
    titles = {item.article.pk for item in items}
    story = {"title": first.article.title_for(None), "count": count}
    if count == 1:
        return _entry_heading(first)
    if len(titles) == 1 and all(item.is_new_comment for item in items):
        if all(item.is_reply for item in items):
            return (
                ngettext(
                    "%(count)s reply to your comments on “%(title)s”",
                    "%(count)s replies to your comments on “%(title)s”",
                    count,
                )
                % story
            )
        return (
            ngettext("%(count)s new comment on “%(title)s”", "%(count)s new comments on “%(title)s”", count)
            % story
        )
    if not any(item.is_new_comment for item in items) and all(item.comment for item in items):
        text = ngettext("%(count)s update on your comments", "%(count)s updates on your comments", count)
    else:
        text = ngettext("%(count)s update on what you follow", "%(count)s updates on what you follow", count)
    return text % {"count": count}


def _entry_heading(item: UpdateItem) -> str:
    title = {"title": item.article.title_for(None)}
    if item.comment is None:
        return (_("Correction: “%(title)s”") if item.is_correction else _("New story: “%(title)s”")) % title
    if item.heading:
        return _("%(what)s on “%(title)s”") % {**title, "what": item.heading}
    values = {**title, "name": item.comment.author_name}
    if item.is_reply:
        return _("%(name)s replied to your comment on “%(title)s”") % values
    return _("%(name)s commented on “%(title)s”") % values


def _short_heading(item: UpdateItem) -> str:
    """Return the heading of an entry below the title of its story."""
    if item.comment is None:
        return _("Correction")
    if item.heading:
        return item.heading
    name = {"name": item.comment.author_name}
    return (_("%(name)s replied to you") if item.is_reply else _("%(name)s commented")) % name


def _context(updates: Sequence[FollowUpdates]) -> dict[str, Any]:
    """Return the context of the mail, with placeholders for the tokens of the person."""
    is_single = sum(follow_updates.count for follow_updates in updates) == 1
    return {
        "is_single": is_single,
        "sections": [
            _section(number, follow_updates, is_single=is_single)
            for number, follow_updates in enumerate(updates, start=1)
        ],
        "stop_all_url": stop_path(placeholder(0)),
    }


def _section(number: int, updates: FollowUpdates, *, is_single: bool) -> dict[str, Any]:
    """Return the part of the mail about one follow. Its title is above it unless the mail `is_single`."""
    follow, article = updates.follow, updates.items[0].article
    is_topic, is_own = follow.topic_id is not None, follow.article_id is None and follow.topic_id is None
    return {
        "title": follow.get_kind_display() if is_own else str(follow.topic or article.title_for(None)),
        "url": reverse("my-comments") if is_own else (follow.topic or article).get_absolute_url(),
        "entries": [_entry(item, with_title=is_single or is_topic or is_own) for item in updates.items],
        "more": updates.more,
        "reason": _REASONS[Follow.Kind(follow.kind)],
        "stop_url": stop_path(placeholder(number)),
    }


_REASONS = {
    Follow.Kind.REPLIES: gettext_lazy("You asked for replies to your comments in this discussion."),
    Follow.Kind.COMMENTS: gettext_lazy("You follow this discussion."),
    Follow.Kind.CORRECTIONS: gettext_lazy("You follow corrections of this story."),
    Follow.Kind.TOPIC: gettext_lazy("You follow this topic."),
    Follow.Kind.PICKS: gettext_lazy("You asked to be told when your comment becomes an editor’s pick."),
    Follow.Kind.RECOMMENDATIONS: gettext_lazy("You asked to be told when readers recommend your comment."),
}


def _entry(item: UpdateItem, *, with_title: bool) -> dict[str, Any]:
    return {
        "heading": _entry_heading(item) if with_title else _short_heading(item),
        "quotation": item.excerpt(MAX_EXCERPT_LENGTH),
        "text": item.text,
        "url": item.url,
    }


def stop_path(token: str) -> str:
    """Return the path of the page that stops the mails that a token stands for."""
    return reverse("stop-following", args=[token])
