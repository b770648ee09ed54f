"""Muting the author of a comment, and taking that back. Nobody is told that they were muted."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Comment, Mute

MAX_MUTED = 500  # people, for each member


@transaction.atomic
def mute_author(*, comment: Comment, user: User) -> None:
    """Mute the author of a comment for this member; if they are muted already, nothing changes.

    Raises ValidationError for one's own comments, for those without a name, and beyond MAX_MUTED people.
    """
    if comment.author_id == user.pk:
        raise ValidationError(_("You can’t mute yourself."), code="own")
    if not (comment.author_id or comment.guest_id or comment.author_name):
        raise ValidationError(_("A person without a name can’t be muted."), code="nameless")
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # of two requests the second sees the first
    muted = Mute.objects.filter(user=user)
    if muted.muting_author_of(comment).exists():
        return
    if muted.count() >= MAX_MUTED:
        text = _("You have muted %(limit)s people. Unmute one of them first.") % {"limit": MAX_MUTED}
        raise ValidationError(text, code="many")
    if comment.author_id:
        Mute.objects.create(user=user, muted_user_id=comment.author_id)
    elif comment.guest_id:
        Mute.objects.create(user=user, muted_guest_id=comment.guest_id)
    else:
        Mute.objects.create(user=user, muted_comment=comment)


def unmute_author(*, comment: Comment, user: User) -> None:
    """Show the comments of this comment's author to the member again."""
    Mute.objects.filter(user=user).muting_author_of(comment).delete()
