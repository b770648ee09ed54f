"""Sending a newsletter: queueing its recipients, the job that mails them, retries and bounces.

The job claims the mails of a few recipients at a time and sends them over one connection, so its memory does
not grow with the number of subscribers. The mail is rendered once in each language; only the link to
unsubscribe is each recipient's own.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks import task

from accounts import undeliverable
from articles.models import Article, Newsletter, NewsletterRecipient, Site, Subscription, Topic
from articles.newsletter import subscriptions
from articles.newsletter.composition import manage_path, read_articles, render_for_subscribers
from articles.newsletter.subscriptions import subscriber_token
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from articles.site.current_site import read_site
from articles.site.languages import in_site_language
from core.database.sql import execute, fetch_instances
from core.errors import UserError
from core.mail.batches import (
    MAX_FAILURES,
    PEOPLE_AT_ONCE,
    SENDING_TIME,
    enqueue_once,
    retry_delay,
    send_batches,
)
from core.mail.composition import BulkMail
from core.mail.failures import EARLIER_REJECTION, classify_failure, mask_email_addresses
from core.mail.messages import TrackedMail
from core.mail.tokens import MailToken, incoming_email

RECIPIENT_KIND = "r"  # the letter of the tokens in return paths
MAX_FAILURE_DETAILS_LENGTH = 500  # characters
RECIPIENT_RETENTION = timedelta(days=90)  # afterwards only their number is stored

QUEUED, SENT, FAILED = (
    NewsletterRecipient.State.QUEUED,
    NewsletterRecipient.State.SENT,
    NewsletterRecipient.State.FAILED,
)

# FOR KEY SHARE: a subscriber who unsubscribes at this moment is either left out, or deleted afterwards.
_QUEUE = """
INSERT INTO articles_newsletterrecipient (newsletter_id, subscriber_id, due_at)
SELECT %(newsletter)s, s.id, %(now)s FROM articles_subscriber s
WHERE EXISTS (SELECT FROM articles_subscription o WHERE o.subscriber_id = s.id AND o.confirmed_at IS NOT NULL
              AND (o.topic_id IS NULL OR o.topic_id = ANY(%(topics)s)))
ORDER BY s.id FOR KEY SHARE"""

# Another job skips the recipients that this one is about to claim. The new `due_at` is when others may claim
# them if this job is interrupted.
_CLAIM = """
WITH waiting AS (
  SELECT r.id FROM articles_newsletterrecipient r JOIN articles_newsletter n ON n.id = r.newsletter_id
  WHERE r.state = 'queued' AND r.due_at <= %(now)s AND n.stopped_at IS NULL
  ORDER BY r.newsletter_id, r.due_at, r.id LIMIT %(people)s FOR UPDATE OF r SKIP LOCKED
)
UPDATE articles_newsletterrecipient r SET due_at = %(until)s FROM waiting w WHERE r.id = w.id RETURNING r.*"""

RenderedMails = dict[tuple[Any, ...], dict[str, BulkMail]]  # by the versions of their contents, and language


class NotSentError(UserError):
    """The error that a newsletter was not sent. Its text is shown to the editor."""


@transaction.atomic
def send(
    *, newsletter: Newsletter, seen: int, seen_articles: Sequence[int] | None = None, is_repeat: bool
) -> int:
    """Queue the mails of a draft and return the number of recipients. Raises NotSentError.

    `seen` is the version of the draft that the editor looked at, and `seen_articles` are the ids of the
    articles in its preview, of which one may have been unpublished since (None: they are not compared). An
    article that was sent before, and a second digest within a week, are sent only if `is_repeat`.
    """
    # Of two drafts with the same article, the second waits here and then finds that it was sent.
    rows = Article.objects.filter(newsletters=newsletter).order_by("pk")
    list(rows.select_for_update(of=["self"], no_key=True).values_list("pk"))
    locked = Newsletter.objects.select_for_update().get(pk=newsletter.pk)
    if locked.sent_at:
        raise NotSentError(_("It was sent already."))
    if locked.version != seen:
        raise NotSentError(_("It was changed since you opened this page. Check it, then send it."))
    articles = read_articles(locked)
    if not articles:
        raise NotSentError(_("There is nothing to send: none of its stories is published."))
    if seen_articles is not None and [article.pk for article in articles] != list(seen_articles):
        raise NotSentError(_("It was changed since you opened this page. Check it, then send it."))
    if not is_repeat and previous_sending(locked):
        if locked.is_digest:
            message = _(
                "A digest was sent less than a week ago. Tick “Send another digest” to send this one, too."
            )
            raise NotSentError(message)
        raise NotSentError(_("This story was sent before. Tick “Send it again” to send it a second time."))
    now = timezone.now()
    Newsletter.objects.filter(pk=locked.pk).update(sent_at=now)
    count = execute(_QUEUE, {"newsletter": locked.pk, "now": now, "topics": _topic_ids(locked)})
    if not count:
        raise NotSentError(_("Nobody has subscribed to it yet."))
    send_newsletters.enqueue()
    return count


def previous_sending(newsletter: Newsletter) -> Newsletter | None:
    """Return the last newsletter that was sent with the article of this one, or the last digest."""
    others = Newsletter.objects.exclude(pk=newsletter.pk).exclude(sent_at=None).order_by("-sent_at")
    if newsletter.is_digest:
        others = others.filter(is_digest=True, sent_at__gt=timezone.now() - timedelta(days=6))
    else:
        articles = newsletter.stories.values("article")
        others = others.filter(is_digest=False, stories__article__in=articles)
    return others.first()


def count_audience(newsletter: Newsletter) -> tuple[int, list[tuple[str, int]]]:
    """Return the number of recipients that a draft would have, and the name and number of each topic.

    A person with several subscriptions gets one mail.
    """
    rows = _subscriptions_to(_topic_ids(newsletter))
    total = rows.aggregate(people=Count("subscriber", distinct=True))["people"]
    by_topic = dict(rows.order_by().values_list("topic").annotate(people=Count("pk")))
    names: dict[int | None, str] = {None: _("All stories")}
    names |= dict(Topic.objects.filter(pk__in=_topic_ids(newsletter)).values_list("pk", "name"))
    return total, [(name, by_topic.get(topic, 0)) for topic, name in names.items()]


def _topic_ids(newsletter: Newsletter) -> list[int]:
    """Return the topics whose subscribers get a newsletter. A digest goes to subscribers of all articles."""
    if newsletter.is_digest:
        return []
    topics = Topic.objects.shown().filter(articles__newsletters=newsletter)
    return list(topics.order_by("name").values_list("pk", flat=True))


def _subscriptions_to(topics: Sequence[int]) -> QuerySet[Subscription]:
    return Subscription.objects.confirmed().filter(Q(topic=None) | Q(topic__in=topics))


@transaction.atomic
def stop(newsletter: Newsletter) -> bool:
    """Stop a sending, and take its page away from readers. Returns False if it was stopped before.

    Mails that a job has claimed are still sent.
    """
    rows = Newsletter.objects.readable().filter(pk=newsletter.pk)
    is_stopped = bool(rows.update(stopped_at=timezone.now()))
    if is_stopped:
        increment_site_version()
        invalidate_outage_copies()
    return is_stopped


def resume(newsletter: Newsletter) -> bool:
    """Continue a stopped sending. Returns False if it was not stopped, or has no article that may be sent."""
    if not read_articles(newsletter):
        return False
    rows = Newsletter.objects.filter(pk=newsletter.pk).exclude(stopped_at=None)
    is_resumed = bool(rows.update(stopped_at=None))
    if is_resumed:
        send_newsletters.enqueue()
    return is_resumed


def retry(newsletter: Newsletter) -> int:
    """Send the failed mails again, and return their number."""
    failed = NewsletterRecipient.objects.filter(newsletter=newsletter, state=FAILED)
    count = failed.update(state=QUEUED, failures=0, due_at=timezone.now())
    if count:
        send_newsletters.enqueue()
    return count


def stop_all() -> int:
    """Stop all sendings, after a restore: mails that are queued in a backup may have been sent since."""
    running = Newsletter.objects.running().values("pk")
    return Newsletter.objects.filter(pk__in=running).update(stopped_at=timezone.now())


def count_by_state(newsletter: Newsletter) -> dict[str, int]:
    """Return the number of recipients in each state that has some."""
    if newsletter.counts is not None:
        return dict(newsletter.counts)
    rows = newsletter.recipients.order_by().values_list("state").annotate(number=Count("pk"))
    return dict(rows)


# The job


def continue_sending() -> bool:
    """Enqueue the job if mails are due: of retries, or because a job was interrupted. A scheduled job."""
    due = NewsletterRecipient.objects.filter(
        state=QUEUED, due_at__lte=timezone.now(), newsletter__stopped_at=None
    )
    return due.exists() and enqueue_once(send_newsletters)


@task()
@in_site_language()
def send_newsletters() -> int:
    """Send the mails that are due, for at most MAX_SECONDS. Returns the number of mails that were sent."""
    rendered: RenderedMails = {}

    def send(recipients: list[NewsletterRecipient]) -> int:
        by_newsletter: dict[int, list[NewsletterRecipient]] = defaultdict(list)
        for recipient in recipients:
            by_newsletter[recipient.newsletter_id].append(recipient)
        return sum(_send(newsletter, claimed, rendered) for newsletter, claimed in by_newsletter.items())

    return send_batches(send_newsletters, _claim, send)


def _claim(now: datetime) -> list[NewsletterRecipient]:
    values = {"now": now, "until": now + SENDING_TIME, "people": PEOPLE_AT_ONCE}
    return fetch_instances(NewsletterRecipient, _CLAIM, values)


@dataclass
class _Results:
    """The results of sending to claimed recipients: the ids of recipients by the values to store."""

    ids: dict[tuple[tuple[str, Any], ...], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, recipient: NewsletterRecipient, **values: Any) -> None:
        self.ids[tuple(values.items())].append(recipient.pk)

    def store(self) -> None:
        for values, ids in self.ids.items():
            rows = NewsletterRecipient.objects.filter(pk__in=ids)
            rows.filter(state=QUEUED).update(**dict(values))
            if dict(values).get("failure_details"):  # not of those who have unsubscribed during the attempt
                rows.filter(subscriber=None).update(failure_details="")


def _send(pk: int, recipients: Sequence[NewsletterRecipient], rendered: RenderedMails) -> int:
    """Mail claimed recipients of one newsletter, store the results, and return the number of sent mails.

    The articles are read anew for each batch: one that was unpublished since is not sent any further, and
    without any article the sending stops.
    """
    newsletter, site = Newsletter.objects.get(pk=pk), read_site()
    articles = read_articles(newsletter)
    if newsletter.stopped_at or not articles:
        stop(newsletter)
        NewsletterRecipient.objects.filter(pk__in=[recipient.pk for recipient in recipients]).update(
            due_at=timezone.now()
        )
        return 0
    emails = _find_emails(newsletter, recipients)
    refused = undeliverable.find(email for email, _language in emails.values())
    results, mails = _Results(), dict[int, TrackedMail]()
    for recipient in recipients:
        email, language = emails.get(recipient.subscriber_id or 0, ("", ""))
        if not email:
            results.add(recipient, state=NewsletterRecipient.State.LEFT_OUT)
        elif email in refused:
            results.add(recipient, state=FAILED, failure_code=EARLIER_REJECTION.code, failure_details="")
        else:
            bulk_mail = _render(newsletter, articles, site, language or site.language, rendered)
            mails[recipient.pk] = _compose(bulk_mail, recipient, email)
    if mails:
        with suppress(Exception):  # the backend has recorded it, and each mail has its failure
            get_connection().send_messages(list(mails.values()))
    for recipient in recipients:
        if mail := mails.get(recipient.pk):
            results.add(recipient, **_outcome(recipient, mail))
    results.store()
    return sum(mail.failure is None for mail in mails.values())


def _render(
    newsletter: Newsletter, articles: list[Article], site: Site, language: str, rendered: RenderedMails
) -> BulkMail:
    """Return the mail, from `rendered` if it was rendered before and nothing in it has changed."""
    versions = (newsletter.pk, site.version, *((article.pk, article.version) for article in articles))
    if versions not in rendered:
        rendered.clear()
    by_language = rendered.setdefault(versions, {})
    if language not in by_language:
        with translation.override(language):
            by_language[language] = render_for_subscribers(newsletter, articles, site)
    return by_language[language]


def _find_emails(
    newsletter: Newsletter, recipients: Sequence[NewsletterRecipient]
) -> dict[int, tuple[str, str]]:
    """Return the e-mails of the recipients who are still subscribed, with the language of each."""
    ids = [recipient.subscriber_id for recipient in recipients if recipient.subscriber_id]
    rows = _subscriptions_to(_topic_ids(newsletter)).filter(subscriber__in=ids)
    language = subscriptions.subscriber_language("subscriber__")
    found = rows.values_list("subscriber", "subscriber__email", language)
    return {pk: (email, language) for pk, email, language in found}


def _compose(bulk_mail: BulkMail, recipient: NewsletterRecipient, email: str) -> TrackedMail:
    token = str(subscriber_token(recipient.subscriber_id or 0))
    mail = bulk_mail.compose_for(email, [token], unsubscribe_path=manage_path(token))
    mail.return_path = incoming_email(MailToken(RECIPIENT_KIND, recipient.pk))
    return mail


def _outcome(recipient: NewsletterRecipient, mail: TrackedMail) -> dict[str, Any]:
    """Return the values to store about a recipient after an attempt."""
    if mail.failure is None:
        return {"state": SENT, "failure_code": "", "failure_details": ""}
    code, details = classify_failure(mail.failure)
    details = mask_email_addresses(details)[:MAX_FAILURE_DETAILS_LENGTH]
    failure = {"failure_code": code, "failure_details": details}
    if response := undeliverable.unknown_recipient_response(mail.failure):
        undeliverable.add(mail.to[0], response)
        return {"state": FAILED, **failure}
    failures = recipient.failures + 1
    if failures > MAX_FAILURES:
        return {"state": FAILED, **failure}
    # Without microseconds, all recipients whose mails fail alike are stored by one statement.
    due_at = timezone.now().replace(microsecond=0) + retry_delay(failures)
    return {**failure, "failures": failures, "due_at": due_at}


# Bounces, and deleting old recipients


def email_of(token: MailToken) -> str:
    """Return the address that a mail with this return path went to, or "" if its owner has unsubscribed."""
    recipient = NewsletterRecipient.objects.filter(pk=token.pk).select_related("subscriber").first()
    return recipient.subscriber.email if recipient and recipient.subscriber else ""


def record_bounce(token: MailToken, response: str) -> None:
    """Record that the mail with this return path was rejected after it had been sent."""
    rows = NewsletterRecipient.objects.filter(pk=token.pk, state=SENT)
    bounced = NewsletterRecipient.State.BOUNCED
    details = mask_email_addresses(response)[:MAX_FAILURE_DETAILS_LENGTH]
    rows.update(state=bounced, failure_code="", failure_details=details)


def delete_old_recipients() -> int:
    """Replace the recipients of old newsletters by their number. A daily job. Returns the number of rows."""
    deleted = 0
    for newsletter in Newsletter.objects.filter(
        counts__isnull=True, sent_at__lt=timezone.now() - RECIPIENT_RETENTION
    ):
        with transaction.atomic():
            counts = count_by_state(newsletter)
            Newsletter.objects.filter(pk=newsletter.pk).update(counts=counts)
            deleted += newsletter.recipients.all().delete()[0]
    return deleted
