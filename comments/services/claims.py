"""Comments that a member wrote as a guest, before they had an account or without logging in."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import QuerySet

from accounts.emails import all_confirmed_emails, filter_by_email
from accounts.models import Guest, User
from articles.site.cached_pages import invalidate_outage_copies
from comments.following.services import move_to_account
from comments.models import Comment, CommentClaim, Mute, State
from comments.services.discussions import increment_versions, lock_discussions_of
from comments.services.recommendations import withdraw_from_own_comments


def claimable_comments(user: User) -> QuerySet[Comment]:
    """Return the comments of guests who gave an e-mail that this user has confirmed.

    Left out are comments that their author has deleted, and those whose text is erased or restricted.
    """
    guests = filter_by_email(Guest.objects.all(), all_confirmed_emails(user))
    comments = Comment.objects.not_erased_or_restricted().filter(author=None, guest__in=guests)
    return comments.exclude(state=State.DELETED)


@transaction.atomic
def claim_comments(*, user: User, ids: Sequence[int]) -> int:
    """Make a user the author of those of these comments that they may claim, and return their number.

    The name stays as it was written, and the log of claims keeps the guest of each comment. The guest's
    follows become the user's, and members who muted the guest have muted the user. If the user had
    recommended one of the comments, that is withdrawn.
    """
    lock_discussions_of(list(claimable_comments(user).filter(pk__in=ids).values_list("pk", flat=True)))
    claimed = list(claimable_comments(user).filter(pk__in=ids).select_related("guest"))
    CommentClaim.objects.bulk_create(
        CommentClaim(comment=comment, guest=comment.guest, user=user) for comment in claimed
    )
    guests = {comment.guest_id for comment in claimed if comment.guest_id}
    keys = [comment.pk for comment in claimed]
    Comment.objects.filter(pk__in=keys).update(author=user, guest=None)
    withdraw_from_own_comments(comments=keys, user=user)
    move_to_account(guests, user)
    _copy_mutes(guests, user)
    if changed := {comment.discussion_id for comment in claimed if comment.is_in_public_thread}:
        increment_versions(sorted(changed))
        invalidate_outage_copies()
    return len(claimed)


def _copy_mutes(guests: Collection[int], user: User) -> None:
    """Mute a user for the members who muted one of these guests, except for the user."""
    mutes = Mute.objects.filter(muted_guest__in=guests).exclude(user=user)
    copies = [Mute(user_id=mute.user_id, muted_user=user, at=mute.at) for mute in mutes]
    Mute.objects.bulk_create(copies, ignore_conflicts=True)
