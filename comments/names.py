"""The name of a guest beside those of the people who work here and who take part in a discussion."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest
from accounts.names import check_staff, is_like
from comments.models import Comment, Discussion, State

NAMES = 500  # of the latest comments of the discussion, with whose names one is compared

TAKEN = _(
    "Somebody else in this discussion has this name, or one that looks like it. Choose another, or add a "
    "word to yours."
)


def check_guest_name(name: str, email: str, *, discussion: Discussion, guest: Guest | None) -> None:
    """Raise ValidationError where readers would take this guest for somebody else.

    `guest` is whom the browser's cookie names; what the same e-mail signed is the same person's, in another
    browser. Nobody else knows it, as it is never shown.
    """
    check_staff(name)
    latest = Comment.objects.filter(discussion=discussion.pk, state=State.PUBLISHED)
    rows = latest.order_by("-created_at", "-id").values_list("author_name", "guest", "author_email", "author")
    mine = {address.casefold() for address in (email, guest.email if guest else "") if address}
    others = {
        other
        for other, by, written, account in rows[:NAMES]
        if not (by and guest and by == guest.pk) and not (account is None and written.casefold() in mine)
    }
    if is_like(name, others):
        raise ValidationError(TAKEN, code="taken")
