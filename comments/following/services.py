"""Following and unfollowing. The follower is a user or a guest, never both."""

from collections.abc import Collection, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from articles.models import Article, Topic
from comments.following import decision_recipients
from comments.models import DEFAULT_DELIVERY, Comment, Follow, FollowQuerySet, State

MAX_FOLLOWS = 500  # of one person, as many as the page "Following" lists

DISCUSSION_FOLLOW_KINDS = (Follow.Kind.REPLIES, Follow.Kind.COMMENTS)


def follow_discussion(
    user: User | None, guest: Guest | None, article: Article, *, kind: str, delivery: str
) -> None:
    """Follow all comments of a discussion or only the replies to oneself. `kind` "" stops following it."""
    _set_follow(user, guest, DISCUSSION_FOLLOW_KINDS, kind, delivery, article=article)


def follow_replies(user: User | None, guest: Guest | None, article: Article) -> None:
    """Follow the replies to oneself by e-mail, unless this person follows the discussion already."""
    person: dict[str, Any] = {"user": user, "guest": guest}
    if _has_max_follows(person):
        return
    follow = Follow(**person, article=article, kind=Follow.Kind.REPLIES, delivery=Follow.Delivery.AT_ONCE)
    Follow.objects.bulk_create([follow], ignore_conflicts=True)


def follow_corrections(
    user: User | None, guest: Guest | None, article: Article, *, on: bool, delivery: str
) -> None:
    """Follow the corrections of a story, or stop that."""
    kind = Follow.Kind.CORRECTIONS
    _set_follow(user, guest, [kind], kind if on else "", delivery, article=article)


def follow_topic(user: User | None, guest: Guest | None, topic: Topic, *, delivery: str) -> None:
    """Follow the stories of a topic."""
    _set_follow(user, guest, [Follow.Kind.TOPIC], Follow.Kind.TOPIC, delivery, topic=topic)


def read_own_comments_delivery(user: User | None, guest: Guest | None) -> dict[str, str]:
    """Return the delivery of updates of a person's own comments, by kind."""
    chosen = Follow.objects.of(user, guest).of_own_comments().values_list("kind", "delivery")
    deliveries = {kind.value: delivery.value for kind, delivery in DEFAULT_DELIVERY.items()} | dict(chosen)
    if decision_recipients.are_stopped(user.pk if user else None, guest.pk if guest else None):
        deliveries[decision_recipients.KIND] = Follow.Delivery.SITE
    return deliveries


def set_own_comments_delivery(user: User | None, guest: Guest | None, *, kind: str, delivery: str) -> None:
    """Choose how a person is notified of picks, recommendations or decisions on their comments."""
    if kind == decision_recipients.KIND:
        decision_recipients.set_delivery(user.pk if user else None, guest.pk if guest else None, delivery)
        return
    follows = Follow.objects.of(user, guest).filter(kind=kind)
    if follows.exists():
        set_delivery(follows, delivery)
        if delivery == Follow.Delivery.NONE:
            follows.update(first_unread_at=None, unread_count=0)
        return
    follow = Follow(user=user, guest=guest, kind=kind, delivery=delivery)
    Follow.objects.bulk_create([follow], ignore_conflicts=True)


def stop_all_mails(user: int | None, guest: int | None) -> None:
    """Notify a person of everything only on the site until `resume_all_mails`.

    This holds also for decisions on their comments, for everybody with the same confirmed e-mail.
    """
    with transaction.atomic():
        decision_recipients.ensure_row(user, guest)
        _stop_until_resumed(_all_follows(user, guest))


def resume_all_mails(user: int | None, guest: int | None) -> None:
    """Take back `stop_all_mails`: notify as before of what the person has not chosen otherwise since."""
    set_delivery(_all_follows(user, guest).stopped_with_all(), F("delivery_before_stop"))


def _all_follows(user: int | None, guest: int | None) -> FollowQuerySet:
    decisions = decision_recipients.rows_of_person(user, guest)
    return Follow.objects.filter(Q(user=user, guest=guest) | Q(pk__in=decisions.values("pk")))


def _stop_until_resumed(follows: FollowQuerySet) -> None:
    set_delivery(follows.with_mails(), Follow.Delivery.SITE, before_stop=F("delivery"))


def stop_mails(follows: FollowQuerySet) -> int:
    """Notify the follower only on the site from now on. Returns the number of follows that changed.

    `resume_mails` takes it back. `resume_all_mails` does not, even if all mails had been stopped before.
    """
    follows.stopped_with_all().update(
        delivery_before_own_stop=F("delivery_before_stop"), delivery_before_stop=""
    )
    return set_delivery(follows.with_mails(), Follow.Delivery.SITE, before_own_stop=F("delivery"))


def resume_mails(follows: FollowQuerySet) -> None:
    """Send mails of these follows again: as before the follower stopped them, or else at once."""
    with transaction.atomic():
        # If a server of the previous version stopped all mails, both fields may be set: the first is newer.
        set_delivery(follows.stopped_with_all(), F("delivery_before_stop"))
        set_delivery(follows.stopped_alone(), F("delivery_before_own_stop"))
        without_mails = follows.filter(delivery__in=[Follow.Delivery.SITE, Follow.Delivery.NONE])
        set_delivery(without_mails, Follow.Delivery.AT_ONCE)


def move_to_account(guests: Collection[int], user: User) -> None:
    """Move the follows of guests to the user who has claimed some of their comments.

    But a guest who still has comments in a discussion keeps the follow of replies to them, and a guest who
    still has comments anywhere keeps the follows of picks, recommendations and decisions. Such a follow is
    copied only if the user has comments there as well. The user's own follows stay as they are, but mails
    about decisions that the guest stopped stay stopped.
    """
    # DISTINCT would include the columns of the manager's order.
    comments = Comment.objects.exclude(state=State.DELETED).order_by()
    guest_discussions = set(comments.filter(guest__in=guests).values_list("guest", "discussion").distinct())
    guests_with_comments = {guest for guest, _discussion in guest_discussions}
    user_discussions = set(comments.filter(author=user).values_list("discussion", flat=True).distinct())
    unneeded: list[int] = []
    copies: list[Follow] = []
    for follow in Follow.objects.filter(guest__in=guests).order_by("pk"):
        if follow.kind in DEFAULT_DELIVERY:
            is_needed, has_comments = follow.guest_id in guests_with_comments, bool(user_discussions)
        else:
            has_guest_comments = (follow.guest_id, follow.article_id) in guest_discussions
            is_needed = follow.kind == Follow.Kind.REPLIES and has_guest_comments
            has_comments = follow.article_id in user_discussions
        if not is_needed:
            unneeded.append(follow.pk)
        if not is_needed or has_comments:
            # A job that sends a mail about it now does so to the guest only.
            follow.pk, follow.user, follow.guest, follow.sending_until = None, user, None, None
            copies.append(follow)
    Follow.objects.filter(pk__in=unneeded).delete()
    # The user may have followed it by a second request of this moment. Of two guests the first one counts.
    Follow.objects.bulk_create(copies, ignore_conflicts=True)
    # Each guest has at most one row of this kind, so this does not grow with the number of follows.
    for follow in copies:
        if follow.kind == decision_recipients.KIND and follow.delivery == Follow.Delivery.SITE:
            # `resume_all_mails` sends them again if the guest had stopped all mails.
            if follow.delivery_before_stop:
                _stop_until_resumed(decision_recipients.rows_of_person(user.pk, None))
            else:
                decision_recipients.set_delivery(user.pk, None, Follow.Delivery.SITE)


def set_delivery(
    follows: FollowQuerySet, delivery: str | F, *, before_stop: str | F = "", before_own_stop: str | F = ""
) -> int:
    """Change how the follower is notified of updates. Returns the number of follows that changed.

    Updates that were to be mailed stay unread on the site, and later ones are mailed as chosen now.
    `resume_all_mails` returns to the delivery `before_stop`, `resume_mails` to either one.
    """
    now = timezone.now()
    changed = follows.exclude(delivery=delivery)
    return changed.update(
        delivery=delivery,
        delivery_before_stop=before_stop,
        delivery_before_own_stop=before_own_stop,
        due_at=None,
        sending_until=None,
        mailed_at=now,
        failures=0,
    )


def _set_follow(
    user: User | None,
    guest: Guest | None,
    kinds: Iterable[str],
    kind: str,
    delivery: str,
    **target: Any,
) -> None:
    """Set the kind and the delivery of the only follow of these kinds on a target; delete it if `kind` is "".

    Raises ValidationError if the person follows MAX_FOLLOWS things already.
    """
    person: dict[str, Any] = {"user": user, "guest": guest}
    follows = Follow.objects.filter(**person, **target, kind__in=kinds)
    if not kind:
        follows.delete()
        return
    set_delivery(follows, delivery)
    follows.exclude(kind=kind).update(kind=kind)
    if not follows.exists():
        if _has_max_follows(person):
            raise ValidationError(_("You follow %(count)s things already.") % {"count": MAX_FOLLOWS})
        # If a second request of this moment has made it, nothing is left to do.
        Follow.objects.bulk_create(
            [Follow(**person, **target, kind=kind, delivery=delivery)], ignore_conflicts=True
        )


def _has_max_follows(person: dict[str, Any]) -> bool:
    return Follow.objects.filter(**person).count() >= MAX_FOLLOWS
