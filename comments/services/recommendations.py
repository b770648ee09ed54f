"""Giving and withdrawing recommendations of comments."""

from collections.abc import Collection
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from comments.models import Comment, Recommendation, State
from comments.services import sql
from comments.tasks import schedule_recommendation_count
from core.database.sql import fetch_column


def recommend(
    *, comment: Comment, user: User | None = None, guest: Guest | None = None, is_given: bool
) -> Recommendation | None:
    """Recommend a comment (`is_given`) or withdraw that, as exactly one of user and guest.

    Returns the stored row, or None if nothing changed. No discussion is locked: the job
    tasks.count_recommendations updates the count a few seconds later.

    Raises ValidationError for one's own comment, a guest with an unconfirmed e-mail address, or a comment
    that is not published.
    """
    if comment.is_by(user, guest):
        raise ValidationError(_("You can’t recommend your own comment."), code="own")
    if guest and not guest.confirmed_at:
        raise ValidationError(_("Confirm your e-mail first: open the link we sent you."), code="unconfirmed")
    if comment.state != State.PUBLISHED:
        raise ValidationError(_("This comment is no longer available."), code="gone")
    values: dict[str, Any] = {
        "comment": comment.pk,
        "user": user and user.pk,
        "guest": guest and guest.pk,
        "given": is_given,
    }
    with transaction.atomic():
        stored = fetch_column(sql.RECOMMEND_AS_USER if user else sql.RECOMMEND_AS_GUEST, values)
    if not stored:
        return None
    recommendation = Recommendation.objects.get(pk=stored[0])
    # After the commit, as the job must see the row. Robust: the recommendation is stored even if it fails.
    transaction.on_commit(partial(schedule_recommendation_count, recommendation), robust=True)
    return recommendation


def withdraw_from_own_comments(*, comments: Collection[int], user: User) -> None:
    """Withdraw a member's recommendations of comments that are theirs now, also of removed ones."""
    given = Recommendation.objects.filter(comment__in=comments, user=user, is_given=True)
    oldest = given.order_by("pk").first()
    if oldest and given.update(is_given=False, at=timezone.now()):
        # One job counts all of them.
        transaction.on_commit(partial(schedule_recommendation_count, oldest), robust=True)
