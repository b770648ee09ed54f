"""Posting on a real Postgres, with every tree and counter checked after each operation."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from comments.models import MAX_DEPTH, Comment, Discussion, Reason, State
from comments.policy import Screening, Submission, policy
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.posting import MAX_ATTEMPTS
from comments.services.states import change_states
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound

pytestmark = pytest.mark.django_db


def test_a_reply_is_under_its_parent_and_counted_everywhere():
    article = make_article()
    root = make_comment(article)
    first, second = make_comment(article, parent=root), make_comment(article, parent=root)
    nested = make_comment(article, parent=first)

    assert_sound()
    root.refresh_from_db()
    assert root.reply_count == 3
    assert [c.pk for c in Comment.objects.filter(tree_id=root.tree_id).order_by("lft")] == [
        root.pk,
        first.pk,
        nested.pk,
        second.pk,
    ]
    discussion = Discussion.objects.get(pk=article.pk)
    assert (discussion.visible_count, discussion.version) == (4, 4)
    assert list(nested.transitions.values_list("from_state", "to_state", "reason")) == [
        ("", "published", "posted")
    ]


def count_hot_updates() -> int:
    """Return how many updates of comments in this transaction wrote no index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('comments_comment'::regclass)")
        return int(cursor.fetchone()[0])


def test_a_reply_that_shifts_its_tree_writes_no_index_for_the_shifted_rows():
    """Postgres calls that a HOT update.

    It needs room in the page of each row, which at least one of five replies has.
    """
    first = make_comment(article := make_article())
    early, *late = (make_comment(article, parent=first) for _ in range(4))
    counts = [count_hot_updates()]
    for _ in range(5):
        make_comment(article, parent=early)
        counts.append(count_hot_updates())
    assert len(late) in [after - before for before, after in pairwise(counts)]
    assert Comment.objects.get(pk=late[0].pk).lft == late[0].lft + 10


def test_a_form_sent_ten_times_is_one_comment():
    article, guest, nonce = make_article(), GuestFactory.create(), uuid4()
    root = make_comment(article)

    sent = {make_comment(article, parent=root, guest=guest, nonce=nonce).pk for _ in range(10)}

    assert len(sent) == 1
    assert Comment.objects.count() == 2
    assert_sound()


def test_another_persons_nonce_reveals_nothing():
    article, nonce = make_article(), uuid4()
    make_comment(article, nonce=nonce)
    with pytest.raises(ValidationError, match="already used"):
        make_comment(article, nonce=nonce)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "Write something"),
        (" \n ", "Write something"),
        ("x" * 10_001, "This has 10,001 characters; the maximum is 10,000"),
    ],
)
def test_an_empty_or_too_long_text_is_refused_with_a_sentence(body, sentence):
    with pytest.raises(ValidationError, match=sentence):
        make_comment(make_article(), body)
    assert not Comment.objects.exists()


def test_a_text_of_ten_thousand_characters_is_accepted():
    assert len(make_comment(make_article(), "x" * 10_000).body) == 10_000


def test_a_closed_discussion_accepts_no_comment():
    article = make_article()
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    with pytest.raises(ValidationError, match="closed"):
        make_comment(article)


def test_a_discussion_closes_by_itself_a_year_after_its_article():
    article = make_article(published_at=timezone.now() - timedelta(days=364))
    make_comment(article)
    with time_machine.travel(timezone.now() + timedelta(days=2)), pytest.raises(ValidationError):
        make_comment(article)


def test_a_reply_to_a_comment_that_was_just_removed_is_refused():
    article = make_article()
    root = make_comment(article)
    change_states(ids=[root.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    with pytest.raises(ValidationError, match="just removed"):
        make_comment(article, parent=root)
    assert_sound()


def test_a_reply_at_the_deepest_level_stores_the_answered_comment():
    article = make_article()
    comment = make_comment(article)
    for _ in range(MAX_DEPTH + 2):
        target = comment
        comment = make_comment(article, parent=target)
    assert comment.level == MAX_DEPTH - 1
    assert comment.in_reply_to == target
    assert_sound()


def test_the_string_of_a_comment_does_not_contain_its_text():
    """The admin stores this string in a log that outlives the text."""
    comment = make_comment(make_article(), "Private words.")
    assert str(comment) == f"#{comment.pk}"


@pytest.mark.parametrize(
    ("to", "words"), [(State.PENDING, "waiting for review"), (State.REJECTED, "just removed")]
)
def test_a_reply_to_a_missing_parent_is_refused_with_the_reason(to, words):
    article = make_article()
    parent = make_comment(article)
    change_states(ids=[parent.pk], to=to, reason=Reason.SCREENED, actor=None)
    with pytest.raises(ValidationError, match=words):
        make_comment(article, parent=parent)
    assert_sound()


@pytest.mark.parametrize("expected", [{2}, set()])
def test_a_limit_that_was_reached_for_a_moment_loses_no_comment(monkeypatch, expected):
    """Another comment of this person reached it after the check, and it was over before the second check."""
    article, checked = make_article(), 0

    def examine(_submission: Submission) -> Screening:
        nonlocal checked
        checked += 1
        monkeypatch.setattr(policy(), "insert_condition", "true" if checked in expected else "false")
        return Screening("publish", [])

    monkeypatch.setattr(policy(), "examine", examine)
    if expected:
        assert make_comment(article, "Other words.").state == State.PUBLISHED
    else:
        with pytest.raises(ValidationError, match="post it again"):
            make_comment(article, "Other words.")
        assert not Comment.objects.exists()
    assert checked == 2
    assert_sound()


@pytest.mark.parametrize("is_edit", [False, True])
@pytest.mark.parametrize("changes", [1, MAX_ATTEMPTS])
def test_a_text_is_checked_again_if_the_settings_changed_meanwhile_but_not_forever(
    monkeypatch, is_edit, changes
):
    article, guest = make_article(), GuestFactory.create()
    change_discussion(article=article, moderation="post")
    comment = make_comment(article, guest=guest)
    checked: list[str] = []

    def examine(submission: Submission) -> Screening:
        checked.append(submission.discussion.moderation)
        if len(checked) <= changes:
            change_discussion(article=article, moderation="pre" if len(checked) % 2 else "post")
        return Screening("publish", [])

    monkeypatch.setattr(policy(), "examine", examine)

    def send() -> Comment:
        if is_edit:
            return edit_comment(comment=comment, body="Other words.", user=None, guest=guest)
        return make_comment(article, "Other words.", guest=guest)

    if changes < MAX_ATTEMPTS:
        assert send().body == "Other words."
        assert checked == ["post", "pre"]
    else:
        with pytest.raises(ValidationError, match="settings were just changed"):
            send()
        assert checked == ["post", "pre", "post", "pre", "post"]
        assert not Comment.objects.filter(body="Other words.").exists()
