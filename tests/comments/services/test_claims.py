"""Comments of guests that become those of a member."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Guest, User
from comments.following.services import follow_discussion
from comments.integrity import check
from comments.models import Comment, CommentClaim, Discussion, Follow, Mute, Reason, Recommendation, State
from comments.services.claims import claim_comments, claimable_comments
from comments.services.recommendations import recommend
from comments.services.states import change_states, delete_comment
from comments.tasks import count_recommendations
from moderation.erasure import restrictions
from moderation.models import Restriction
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture
def guest() -> Guest:
    return GuestFactory.create(name="Ruthie", email="Ruth@Example.org")


def test_only_comments_with_a_confirmed_email_of_the_account_can_be_claimed(ruth: User, guest: Guest) -> None:
    article = make_article()
    own = make_comment(article, guest=guest)
    second = GuestFactory.create(email="ruth@home.example.org", confirmed_at=timezone.now())
    other = make_comment(article, guest=second)
    stranger = make_comment(article)
    assert list(claimable_comments(ruth)) == [own]
    address = EmailAddress.objects.create(user=ruth, email="ruth@home.example.org", verified=False)
    assert list(claimable_comments(ruth)) == [own]
    address.set_verified()
    assert set(claimable_comments(ruth)) == {own, other}
    assert claim_comments(user=ruth, ids=[own.pk, stranger.pk]) == 1
    assert list(claimable_comments(ruth)) == [other]
    stranger.refresh_from_db()
    assert stranger.guest is not None


def test_a_claimed_comment_keeps_everything_but_its_guest(ruth: User, guest: Guest) -> None:
    article = make_article()
    comment = make_comment(article, "A word.", guest=guest)
    reply = make_comment(article, "Another.", parent=comment)
    before = Discussion.objects.get().version
    assert claim_comments(user=ruth, ids=[comment.pk]) == 1
    comment = Comment.objects.get(pk=comment.pk)
    assert (comment.author, comment.guest, comment.author_name) == (ruth, None, "Ruthie")
    assert (comment.body, comment.state, comment.reply_count) == ("A word.", State.PUBLISHED, 1)
    assert Comment.objects.get(pk=reply.pk).parent == comment
    assert Discussion.objects.get().version > before, "the page of the story shows a member now"
    claim = CommentClaim.objects.get()
    assert (claim.comment, claim.guest, claim.user) == (comment, guest, ruth)
    assert Guest.objects.filter(pk=guest.pk).exists()
    assert check() == {}
    assert claim_comments(user=ruth, ids=[comment.pk]) == 0
    assert CommentClaim.objects.count() == 1


def test_a_waiting_comment_is_claimed_and_changes_no_page(ruth: User, guest: Guest) -> None:
    comment = make_comment(make_article(), guest=guest)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    before = Discussion.objects.get().version
    assert claim_comments(user=ruth, ids=[comment.pk]) == 1
    assert Discussion.objects.get().version == before


def test_deleted_and_restricted_comments_cannot_be_claimed(ruth: User, guest: Guest, ada: User) -> None:
    article = make_article()
    deleted, restricted = make_comment(article, guest=guest), make_comment(article, guest=guest)
    delete_comment(comment=deleted, user=None, guest=guest)
    restrictions.restrict(ids=[restricted.pk], why=Restriction.Why.PERSONAL, actor=ada)
    assert claim_comments(user=ruth, ids=[deleted.pk, restricted.pk]) == 0


def test_the_log_of_claims_is_append_only(ruth: User, guest: Guest) -> None:
    claim_comments(user=ruth, ids=[make_comment(make_article(), guest=guest).pk])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CommentClaim.objects.update(user=None)


def test_the_account_takes_over_the_follows_of_the_guest(ruth: User, guest: Guest) -> None:
    article, other = make_article(), make_article("Another story")
    comment = make_comment(article, guest=guest)
    for followed in (article, other):
        Follow.objects.create(guest=guest, article=followed, kind="replies", delivery="at_once")
    Follow.objects.create(user=ruth, article=article, kind="comments", delivery="daily")
    claim_comments(user=ruth, ids=[comment.pk])
    rows = Follow.objects.order_by("article").values_list("user", "guest", "article", "kind", "delivery")
    assert list(rows) == [
        (ruth.pk, None, article.pk, "comments", "daily"),
        (ruth.pk, None, other.pk, "replies", "at_once"),
    ]


def test_a_guest_with_comments_left_follows_the_replies_to_them(ruth: User, guest: Guest) -> None:
    both, later, deleted = (make_article(title) for title in ("Both", "Later", "Deleted"))
    claimed = make_comment(both, guest=guest)
    make_comment(both, guest=guest)
    left = make_comment(later, guest=guest)
    delete_comment(comment=make_comment(deleted, guest=guest), user=None, guest=guest)
    for followed in (both, later, deleted):
        Follow.objects.create(guest=guest, article=followed, kind="replies", delivery="at_once")
    claim_comments(user=ruth, ids=[claimed.pk])
    of_guest = Follow.objects.filter(guest=guest).order_by("article").values_list("article", flat=True)
    of_ruth = Follow.objects.filter(user=ruth).order_by("article").values_list("article", flat=True)
    assert list(of_guest.all()) == [both.pk, later.pk]
    assert list(of_ruth.all()) == [both.pk, deleted.pk]
    claim_comments(user=ruth, ids=[left.pk])
    assert list(of_ruth.all()) == [both.pk, later.pk, deleted.pk]
    assert list(of_guest.all()) == [both.pk]


def test_the_number_of_statements_does_not_grow_with_the_follows(ruth: User) -> None:
    def count_statements(follows: int) -> int:
        guest = GuestFactory.create(email=ruth.email)
        comment = make_comment(make_article(), guest=guest)
        for number in range(follows):
            article = make_article(f"Story {number}")
            Follow.objects.create(guest=guest, article=article, kind="replies", delivery="at_once")
            if number % 2:
                make_comment(article, guest=guest)
                make_comment(article, author=ruth)
        with CaptureQueriesContext(connection) as queries:
            claim_comments(user=ruth, ids=[comment.pk])
        assert Follow.objects.filter(guest=guest).count() == follows // 2
        return len(queries)

    assert count_statements(2) == count_statements(10)


def test_members_who_muted_the_guest_have_muted_the_account(
    ruth: User, guest: Guest, maria: User, omar: User
) -> None:
    first, second = (make_comment(make_article(), guest=guest) for _number in range(2))
    Mute.objects.create(user=omar, muted_user=ruth)
    for member in (maria, omar, ruth):
        Mute.objects.create(user=member, muted_guest=guest)
    claim_comments(user=ruth, ids=[first.pk])
    first.refresh_from_db()
    assert set(Mute.objects.muting_author_of(first).values_list("user", flat=True)) == {maria.pk, omar.pk}
    assert Mute.objects.muting_author_of(second).count() == 3
    claim_comments(user=ruth, ids=[second.pk])
    assert Mute.objects.filter(muted_user=ruth).count() == 2


def test_the_member_recommends_no_comment_that_is_theirs_now(
    ruth: User, guest: Guest, maria: User, django_capture_on_commit_callbacks: Any
) -> None:
    story = make_article()
    shown, removed, other = (make_comment(story, guest=guest) for _number in range(3))
    for comment in (shown, removed, other):
        recommend(comment=comment, user=ruth, is_given=True)
    recommend(comment=shown, user=maria, is_given=True)
    count_recommendations.call()
    change_states(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    with django_capture_on_commit_callbacks(execute=True):
        claim_comments(user=ruth, ids=[shown.pk, removed.pk])
    given = Recommendation.objects.filter(is_given=True).values_list("comment", "user")
    assert set(given) == {(shown.pk, maria.pk), (other.pk, ruth.pk)}
    assert DBTaskResult.objects.filter(task_path=count_recommendations.module_path).count() == 1
    before = Discussion.objects.get().version
    count_recommendations.call()
    assert dict(Comment.objects.values_list("pk", "recommend_count")) == {
        shown.pk: 1,
        removed.pk: 0,
        other.pk: 1,
    }
    assert Discussion.objects.get().version > before, "the page of the story shows the new count"
    assert check() == {}


@pytest.mark.django_db(transaction=True)
def test_a_follow_of_the_same_moment(ruth: User, guest: Guest) -> None:
    """The member follows the discussion in another tab while their comment is claimed."""
    article = make_article()
    comment = make_comment(article, guest=guest)
    Follow.objects.create(guest=guest, article=article, kind="replies", delivery="at_once")

    def claim() -> int:
        try:
            return claim_comments(user=ruth, ids=[comment.pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            follow_discussion(ruth, None, article, kind="comments", delivery="daily")
            claimed = pool.submit(claim)
            wait_for_a_lock()
        assert claimed.result(timeout=PATIENCE) == 1
    follow = Follow.objects.get()
    assert (follow.user, follow.kind) == (ruth, "comments")
