"""Subscriptions: requesting one, confirming it by a mailed link, changing them, and unsubscribing.

A visitor who requests one only stores a job, so the page does not reveal whether an e-mail address has it
already, not even by its duration.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks import task

from accounts import undeliverable
from accounts.emails import current_confirmed_emails
from accounts.models import User
from articles.models import NewsletterRecipient, Subscriber, Subscription, Topic
from articles.site.current_site import read_site
from core import erasure_log
from core.erasure_log import Erasure
from core.mail.composition import compose_mail
from core.mail.tokens import MailToken

SUBSCRIBER_KIND = "s"  # of a MailToken
LINK_MAX_AGE = timedelta(days=7)  # an unconfirmed subscription is deleted after the same time
_SALT = "newsletter-confirm"

TopicIds = set[int | None]  # None stands for all stories


@task()
def mail_confirmation(email: str, topic: int | None, language: str = "") -> None:
    """Store a subscription and mail the link that confirms it, unless the e-mail address has it already.

    `language` is that of the page on which it was asked for. The mail contains no typed text: anybody
    may have entered this e-mail address.
    """
    if topic is not None and not Topic.objects.shown().filter(pk=topic).exists():
        return
    subscription = _store(email, topic, language)
    if subscription.confirmed_at:
        return
    site = read_site()
    link = reverse("newsletter-confirm", args=[make_confirmation_token(subscription)])
    subscribers = Subscriber.objects.filter(pk=subscription.subscriber_id)
    with translation.override(
        subscribers.values_list(subscriber_language(), flat=True).get() or site.language
    ):
        compose_mail(
            "articles/mail/confirm_subscription.txt",
            _("Confirm your subscription to %(site)s") % {"site": site.name},
            subscription.subscriber.email,
            site=site,
            link=link,
            topic=subscription.topic,
            days=LINK_MAX_AGE.days,
        ).send()


@transaction.atomic
def _store(email: str, topic: int | None, language: str) -> Subscription:
    """Return the subscription of this address; a new or unconfirmed one is as if it was asked for now."""
    subscriber = _lock_or_create(email, language)
    rows = subscriber.subscriptions.select_related("subscriber", "topic")
    rows.filter(topic=topic, confirmed_at=None).update(created_at=timezone.now())
    if not rows.filter(topic=topic).exists():
        Subscription.objects.create(subscriber=subscriber, topic_id=topic)
    return rows.get(topic=topic)


def _lock_or_create(email: str, language: str) -> Subscriber:
    """Return the subscriber with this e-mail address, locked, so that nobody deletes it meanwhile.

    The language is that of a new one: somebody else may have typed the e-mail address of one who has
    subscribed.
    """
    locked = Subscriber.objects.select_for_update().filter(email=email.lower())
    if subscriber := locked.first():
        return subscriber
    try:
        with transaction.atomic():
            return Subscriber.objects.create(email=email.lower(), language=language)
    except IntegrityError:  # a second request of this moment has created it
        return locked.get()


def subscriber_language(subscriber: str = "") -> Coalesce:
    """Return an expression: the language of the mails to a subscriber, "" for the site's.

    It is the one that the member with this e-mail address chose, or else that of the page on which they
    subscribed. `subscriber` is the prefix of its columns.
    """
    members = User.objects.annotate(lower_email=Lower("email")).exclude(language="")
    member = members.filter(
        Exists(current_confirmed_emails().filter(user=OuterRef("pk"))),
        lower_email=OuterRef(f"{subscriber}email"),
    )
    return Coalesce(Subquery(member.values("language")[:1]), f"{subscriber}language")


def make_confirmation_token(subscription: Subscription) -> str:
    """Return the token for the mailed link."""
    return signing.dumps([subscription.pk, subscription.subscriber.email], salt=_SALT)


def find_by_confirmation_token(token: str) -> Subscription | None:
    """Return the subscription of this token; None if the token is forged or expired, or it was ended."""
    try:
        pk, email = signing.loads(token, salt=_SALT, max_age=LINK_MAX_AGE)
    except signing.BadSignature:
        return None
    rows = Subscription.objects.filter(pk=pk, subscriber__email=email)
    return rows.select_related("subscriber", "topic").first()


def confirm(subscription: Subscription) -> None:
    """Confirm a subscription. Repeating it changes nothing."""
    rows = Subscription.objects.filter(pk=subscription.pk, confirmed_at=None)
    if rows.update(confirmed_at=timezone.now()):
        undeliverable.remove(subscription.subscriber.email)  # the link has arrived there


def subscriber_token(subscriber: int) -> MailToken:
    """Return the token of the link by which a subscriber changes subscriptions or unsubscribes."""
    return MailToken(SUBSCRIBER_KIND, subscriber)


def topics_of(email: str) -> TopicIds:
    """Return the topics that a confirmed e-mail address is subscribed to."""
    rows = Subscription.objects.confirmed().filter(subscriber__email=email.lower())
    return set(rows.values_list("topic", flat=True))


@transaction.atomic
def subscribe(email: str, topics: TopicIds, language: str) -> None:
    """Add subscriptions of an e-mail address that its owner has confirmed. They need no mailed link.

    `language` is that of the page.
    """
    if not topics:
        return
    subscriber, now = _lock_or_create(email, language), timezone.now()
    subscriber.subscriptions.filter(_is_for_topics(topics), confirmed_at=None).update(confirmed_at=now)
    stored = set(subscriber.subscriptions.values_list("topic", flat=True))
    Subscription.objects.bulk_create(
        Subscription(subscriber=subscriber, topic_id=topic, confirmed_at=now) for topic in topics - stored
    )


def unsubscribe(emails: Collection[str], topics: TopicIds | None = None) -> int:
    """End subscriptions of these e-mail addresses, by default all. Returns their number.

    Each confirmed one is written to the erasure log, so that an older backup does not bring it back.
    """
    rows = Subscription.objects.filter(subscriber__email__in={email.lower() for email in emails})
    return end_subscriptions(rows if topics is None else rows.filter(_is_for_topics(topics)))


@transaction.atomic
def end_subscriptions(subscriptions: QuerySet[Subscription]) -> int:
    """End subscriptions, and delete subscribers who have no other. Returns the number of subscriptions."""
    ids = set(subscriptions.values_list("subscriber", flat=True))
    # A newsletter that is being sent may refer to these subscribers, so they are locked before the deletion.
    subscribers = list(Subscriber.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    ended = list(subscriptions.filter(subscriber__in=subscribers))
    count = Subscription.objects.filter(pk__in=[row.pk for row in ended]).delete()[0]
    erasure_log.append_on_commit(
        [
            Erasure("subscription", row.pk, row.created_at.isoformat())
            for row in ended
            if row.confirmed_at is not None
        ]
    )
    remaining = Subscription.objects.filter(subscriber=OuterRef("pk"))
    without_subscription = Subscriber.objects.filter(~Exists(remaining), pk__in=ids)
    states = NewsletterRecipient.State
    received = NewsletterRecipient.objects.filter(subscriber__in=without_subscription)
    received.filter(state=states.SENT).update(state=states.UNSUBSCRIBED)
    received.update(failure_details="")  # a mail server's response can repeat the name in an e-mail
    without_subscription.delete()
    return count


@transaction.atomic
def change_email(old: str, new: str) -> None:
    """Move the subscriptions of an e-mail address to another confirmed one of the same account."""
    if topics := topics_of(old):
        subscribe(new, topics, Subscriber.objects.get(email=old.lower()).language)
    unsubscribe([old])


def on_email_changed(*, from_email_address: Any, to_email_address: Any, **_signal: Any) -> None:
    """Receive allauth's signal that an account has another primary e-mail."""
    if from_email_address and from_email_address.verified and to_email_address.verified:
        change_email(from_email_address.email, to_email_address.email)


def delete_unconfirmed() -> int:
    """Delete subscriptions that were not confirmed while their link worked. An hourly job."""
    deadline = timezone.now() - LINK_MAX_AGE
    return end_subscriptions(Subscription.objects.filter(confirmed_at=None, created_at__lte=deadline))


def is_subscribed() -> Exists:
    """Return a condition for rows whose column `email`, in lower case, is that of a subscriber."""
    return Exists(Subscriber.objects.filter(email=OuterRef("email")))


def _is_for_topics(topics: TopicIds) -> Q:
    return Q(topic__in=topics - {None}) | (Q(topic=None) if None in topics else Q(pk__in=[]))
