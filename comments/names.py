"""Check that a guest's name can't be confused with the staff or with others in the discussion."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest
from accounts.names import looks_like_any, refuse_staff_name
from comments.models import Comment, Discussion, State

NAMES_COMPARED = 500  # latest comments of the discussion with whose author names a name is compared

NAME_TAKEN = _(
    "Someone else in this discussion uses this name or one that looks like it. Choose another name, or add "
    "something to yours."
)


def check_guest_name(name: str, email: str, *, discussion: Discussion, guest: Guest | None) -> None:
    """Raise ValidationError if readers could take this guest for someone else.

    `guest` is the guest of the browser's cookie. Comments with the same e-mail address are the same person's,
    from another browser: nobody else knows the address, as it is not published.
    """
    refuse_staff_name(name)
    latest = Comment.objects.filter(discussion=discussion.pk, state=State.PUBLISHED)
    rows = latest.order_by("-created_at", "-id").values_list("author_name", "guest", "author_email", "author")
    mine = {address.casefold() for address in (email, guest.email if guest else "") if address}
    others = {
        other
        for other, by, written, account in rows[:NAMES_COMPARED]
        if not (by and guest and by == guest.pk) and not (account is None and written.casefold() in mine)
    }
    if looks_like_any(name, others):
        raise ValidationError(NAME_TAKEN, code="taken")
