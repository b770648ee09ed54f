"""Eight concurrent writers, with which django-mptt alone would corrupt trees within a second."""

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.integrity import check
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.services.discussions import (
    change_discussions,
    ensure_discussion,
    lock_discussions,
    lock_discussions_of,
)
from comments.services.moves import move_comment
from comments.services.recommendations import recommend
from comments.services.states import change_states
from comments.tasks import count_recommendations, delete_unconfirmed_emails
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

WRITERS, POSTS_EACH = 8, 50


def write(seed: int, articles: list[int]) -> int:
    """Post roots and replies, sometimes remove or move one. Return how many comments were posted."""
    chance, taken = random.Random(seed), 0
    for number in range(POSTS_EACH):
        article = Article.objects.get(pk=chance.choice(articles))
        here = list(Comment.objects.filter(discussion=article.pk, state=State.PUBLISHED))
        parent = chance.choice(here) if here and chance.random() < 0.8 else None
        try:
            make_comment(article, f"Words {seed}-{number}", parent=parent)
            taken += 1
            if here and chance.random() < 0.1:
                move_comment(comment=chance.choice(here), parent=parent, actor=None)
        except ValidationError:  # under its own reply, or its parent was removed by another writer
            pass
        if here and chance.random() < 0.1:
            with transaction.atomic():
                change_states(
                    ids=[chance.choice(here).pk], to=State.REJECTED, reason=Reason.INSULT, actor=None
                )
    return taken


def work(seed: int, articles: list[int], results: "multiprocessing.Queue[int | str]") -> None:
    connections.close_all()
    try:
        results.put(write(seed, articles))
    except Exception as error:
        results.put(repr(error))
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_eight_processes_write_and_no_invariant_breaks():
    articles = [make_article(f"Story {n}").pk for n in range(3)]
    connections.close_all()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    writers = [context.Process(target=work, args=(seed, articles, results)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    taken = [results.get(timeout=PATIENCE) for _ in writers]
    for writer in writers:
        writer.join()

    assert all(isinstance(count, int) for count in taken), taken
    assert Comment.objects.count() == sum(taken) > WRITERS * POSTS_EACH * 0.8
    assert_sound()
    for discussion in Discussion.objects.all():
        lines = Transition.objects.filter(discussion=discussion).order_by("seq")
        assert [line.seq for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.django_db(transaction=True)
def test_recommendations_are_all_counted_while_others_write_and_two_jobs_count():
    article = make_article()
    root = make_comment(article)
    replies = [make_comment(article, parent=root) for _ in range(4)]
    people = [UserFactory.create() for _ in range(24)]

    def recommend_all(person: User) -> None:
        try:
            for reply in replies:
                for given in (True, False, True):
                    recommend(comment=reply, user=person, is_given=given)
        finally:
            connections.close_all()

    def count(_: int) -> None:
        try:
            for _ in range(15):
                count_recommendations.func()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(count, 0), pool.submit(count, 1)]
        work += [pool.submit(recommend_all, person) for person in people]
        work += [pool.submit(post, article, parent=replies[0]) for _ in range(20)]
        results = [job.result(timeout=PATIENCE) for job in work]

    assert not [result for result in results if isinstance(result, ValidationError)]
    count_recommendations.func()
    assert {Comment.objects.get(pk=reply.pk).recommend_count for reply in replies} == {len(people)}
    assert check() == {}


def post(article: Article, **fields: Any) -> Comment | ValidationError:
    try:
        return make_comment(article, **fields)
    except ValidationError as refusal:
        return refusal
    finally:
        connections.close_all()


@pytest.mark.parametrize("is_same_guest", [True, False])
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_to_two_discussions_at_once_is_taken_once(is_same_guest):
    """The first is not committed yet, so the second sees no such nonce, and waits at the unique index."""
    first, second = make_article(), make_article("Another story")
    guest, nonce = GuestFactory.create(), uuid4()
    fields = {"guest": guest if is_same_guest else GuestFactory.create(), "nonce": nonce}
    make_comment(first, guest=guest)
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            first_one = Comment.objects.get()
            Comment.objects.filter(pk=first_one.pk).update(nonce=nonce)
            sent = other.submit(post, second, **fields)
            wait_for_a_lock()
        answer = sent.result(timeout=PATIENCE)

    assert Comment.objects.get() == first_one
    assert answer == first_one if is_same_guest else "already used" in str(answer)


@pytest.mark.django_db(transaction=True)
def test_forgetting_emails_holds_no_comment_while_it_waits_for_its_discussion():
    guest = GuestFactory.create(created_at=timezone.now() - timedelta(days=8))
    comment = make_comment(make_article(), guest=guest)

    def forget() -> None:
        try:
            delete_unconfirmed_emails()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            lock_discussions_of([comment.pk])
            forgetting = other.submit(forget)
            wait_for_a_lock()
            Comment.objects.select_for_update(nowait=True).get(pk=comment.pk)
            with connection.cursor() as cursor:  # a new comment of the guest takes the same lock
                cursor.execute("SELECT FROM accounts_guest WHERE id = %s FOR KEY SHARE NOWAIT", [guest.pk])
        forgetting.result(timeout=PATIENCE)
    comment.refresh_from_db()
    assert comment.author_email == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_reply", [False, True])
@pytest.mark.parametrize("is_member", [False, True])
def test_a_guest_who_sends_as_members_only_is_set_does_not_get_in(is_reply, is_member):
    """In the page and in the first check the discussion is still open to guests; then the request waits."""
    article = make_article()
    parent = make_comment(article) if is_reply else None
    author = {"author": UserFactory.create()} if is_member else {"guest": GuestFactory.create()}
    ensure_discussion(article)

    def send() -> Comment | str:
        try:
            return make_comment(article, "Just in time?", parent=parent, **author)
        except ValidationError as error:
            return error.code or ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            lock_discussions([article.pk])
            change_discussions(ids=[article.pk], members_only=True)
            sending = other.submit(send)
            wait_for_a_lock()
        answer = sending.result(timeout=PATIENCE)
    if is_member:
        assert isinstance(answer, Comment)
        assert Comment.objects.filter(author=author["author"]).get() == answer
    else:
        assert answer == "members"
        assert not Comment.objects.filter(body="Just in time?").exists()
