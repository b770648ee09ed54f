"""comments/services.py on a real Postgres, with every tree and counter checked after each operation."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments import integrity, tree
from comments.edits import edit_comment
from comments.imports import ImportedComment, import_comments
from comments.models import (
    BODY_MAX,
    MAX_DEPTH,
    Comment,
    Discussion,
    DiscussionDay,
    Reason,
    State,
    Transition,
)
from comments.policy import Draft, policy
from comments.services import (
    MAX_ATTEMPTS,
    change_discussion,
    change_states,
    delete_comment,
    move_comment,
    revert_states,
)
from moderation.actions.decisions import decide
from moderation.actions.setting_changes import Refusal
from moderation.models import Finding
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def assert_sound() -> None:
    """Assert that trees, reply counts, visible counts and days agree with parents and states."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(DISTINCT tree_id) FROM comments_comment")
        cursor.execute(
            f"WITH {tree.compute_numbers(tree.BY_STORED_ORDER)} SELECT c.id "
            "FROM comments_comment c LEFT JOIN want USING (id) "
            "WHERE (c.tree_id, c.lft, c.rght, c.level, c.reply_count) "
            "IS DISTINCT FROM (want.tree_id, want.lft, want.rght, want.level, want.reply_count)",
            {"trees": cursor.fetchone()[0]},
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT d.article_id FROM comments_discussion d WHERE visible_count <> (SELECT count(*) "
            "FROM comments_comment c WHERE c.discussion_id = d.article_id AND c.state = 'published')"
        )
        assert cursor.fetchall() == []
        cursor.execute(integrity.DAYS)
        assert cursor.fetchall() == []


def version(article) -> int:
    return Discussion.objects.get(pk=article.pk).version


def test_a_reply_stands_under_its_parent_and_counts_everywhere():
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


def test_a_form_sent_ten_times_is_one_comment():
    article, guest, nonce = make_article(), GuestFactory.create(), uuid4()
    root = make_comment(article)

    sent = {make_comment(article, parent=root, guest=guest, nonce=nonce).pk for _ in range(10)}

    assert len(sent) == 1
    assert Comment.objects.count() == 2
    assert_sound()


def test_a_nonce_of_somebody_else_gives_nothing_away():
    article, nonce = make_article(), uuid4()
    make_comment(article, nonce=nonce)
    with pytest.raises(ValidationError, match="already used"):
        make_comment(article, nonce=nonce)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("", "Write something"), (" \n ", "Write something"), ("x" * (BODY_MAX + 1), "10,001 characters")],
)
def test_an_empty_or_too_long_text_is_refused_with_a_sentence(body, sentence):
    with pytest.raises(ValidationError, match=sentence):
        make_comment(make_article(), body)
    assert not Comment.objects.exists()


def test_a_closed_discussion_takes_nothing():
    article = make_article()
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    with pytest.raises(ValidationError, match="closed"):
        make_comment(article)


def test_a_discussion_closes_by_itself_a_year_after_its_article():
    article = make_article(published_at=timezone.now() - timedelta(days=364))
    make_comment(article)
    with time_machine.travel(timezone.now() + timedelta(days=2)), pytest.raises(ValidationError):
        make_comment(article)


def test_an_answer_to_what_was_removed_meanwhile_is_refused():
    article = make_article()
    root = make_comment(article)
    change_states(ids=[root.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    with pytest.raises(ValidationError, match="just removed"):
        make_comment(article, parent=root)
    assert_sound()


def test_the_deepest_level_keeps_whom_it_answers():
    article = make_article()
    comment = make_comment(article)
    for _ in range(MAX_DEPTH + 2):
        target = comment
        comment = make_comment(article, parent=target)
    assert comment.level == MAX_DEPTH - 1
    assert comment.in_reply_to == target
    assert_sound()


def test_edit_keeps_the_earlier_text_and_is_over_after_fifteen_minutes():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), "Frist words", guest=guest)

    edited = edit_comment(comment=comment, body="First words", user=None, guest=guest)

    assert (edited.body, edited.revision) == ("First words", 2)
    assert list(edited.revisions.values_list("revision", "body")) == [(1, "Frist words")]
    with pytest.raises(ValidationError):
        edit_comment(comment=edited, body="Not mine", user=None, guest=GuestFactory.create())
    with time_machine.travel(timezone.now() + timedelta(minutes=16)), pytest.raises(ValidationError):
        edit_comment(comment=edited, body="Too late", user=None, guest=guest)


def test_texts_are_rendered_before_the_lock(monkeypatch):
    """Rendering a long text takes a while, during which nobody else has to wait."""
    guest = GuestFactory.create()
    article = make_article(source_key="page-1")
    comment = make_comment(article, guest=guest)
    early: list[bool] = []

    def rendered(body: str) -> str:
        early.append(not any("FOR NO KEY UPDATE" in query["sql"] for query in queries))
        return f"<p>{body}</p>"

    monkeypatch.setattr("comments.edits.render_comment", rendered)
    monkeypatch.setattr("comments.text_changes.render_plain", rendered)
    with CaptureQueriesContext(connection) as queries:
        edit_comment(comment=comment, body="Other words.", user=None, guest=guest)
    with CaptureQueriesContext(connection) as queries:
        brought = [ImportedComment("a", "Ann", "One.", timezone.now())]
        import_comments(article=article, comments=brought, actor=None, batch=uuid4())

    assert early == [True, True]
    assert any("FOR NO KEY UPDATE" in query["sql"] for query in queries)
    assert Comment.objects.get(source_id="a").body_html == "<p>One.</p>"


def test_a_comment_names_itself_without_its_words():
    """The admin stores this string in a log that outlives the text."""
    comment = make_comment(make_article(), "Private words.")
    assert str(comment) == f"#{comment.pk}"


def test_only_its_author_deletes_a_comment():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    assert not delete_comment(comment=comment, user=None, guest=GuestFactory.create())
    assert delete_comment(comment=comment, user=None, guest=guest)
    comment.refresh_from_db()
    assert comment.state == State.DELETED


@pytest.mark.parametrize("to", [State.REJECTED, State.SPAM])
def test_what_a_moderator_removed_is_not_its_authors_to_delete(to):
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    change_states(ids=[comment.pk], to=to, reason=Reason.INSULT, actor=None)
    assert not delete_comment(comment=comment, user=None, guest=guest)
    comment.refresh_from_db()
    assert comment.state == to


def test_a_comment_that_waits_is_its_authors_to_delete():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    assert delete_comment(comment=comment, user=None, guest=guest)


def test_a_change_and_its_undo_leave_every_column_as_it_was():
    article, moderator = make_article(), UserFactory.create()
    root = make_comment(article)
    child = make_comment(article, parent=root)
    grandchild = make_comment(article, parent=child)
    before = list(Comment.objects.order_by("pk").values())
    batch, back = uuid4(), uuid4()

    # A ticked parent and its ticked reply: each count moves once for each.
    changed = change_states(
        ids=[child.pk, grandchild.pk], to=State.SPAM, reason=Reason.SPAM, actor=moderator, batch=batch
    )
    assert sorted(changed) == [child.pk, grandchild.pk]
    assert_sound()
    reply_since = make_comment(article, parent=root)

    assert sorted(revert_states(undoes=batch, actor=moderator, batch=back)) == sorted(changed)
    assert_sound()
    now = Comment.objects.exclude(pk=reply_since.pk).order_by("pk").values()
    assert [{**row, "reply_count": 0, "rght": 0} for row in now] == [
        {**row, "reply_count": 0, "rght": 0} for row in before
    ]
    revert_states(undoes=back, actor=moderator, batch=uuid4())
    child.refresh_from_db()
    assert child.state == State.SPAM
    assert_sound()


def test_undo_leaves_alone_what_a_person_confirmed_since():
    article, moderator = make_article(), UserFactory.create()
    kept, undone = make_comment(article), make_comment(article)
    batch = uuid4()
    change_states(ids=[kept.pk, undone.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, batch=batch)
    change_states(ids=[kept.pk], to=State.SPAM, reason=Reason.SPAM, actor=moderator)

    assert revert_states(undoes=batch, actor=moderator, batch=uuid4()) == [undone.pk]


def test_a_decision_on_what_a_colleague_has_decided_changes_nothing():
    comment = make_comment(make_article())
    seen = comment.transitions.get().pk
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)

    assert not change_states(
        ids=[comment.pk],
        to=State.SPAM,
        reason=Reason.SPAM,
        actor=None,
        expected={comment.pk: seen},
    )
    comment.refresh_from_db()
    assert comment.state == State.REJECTED


def test_a_decision_on_words_that_were_changed_since_changes_nothing():
    author = UserFactory.create()
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    comment = make_comment(article, author=author)
    seen = comment.transitions.get().pk
    edited = edit_comment(comment=comment, body="Other words.", user=author, guest=None)

    assert (edited.state, edited.state_reason) == (State.PUBLISHED, Reason.POSTED)
    assert not change_states(
        ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, expected={comment.pk: seen}
    )
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, expected={comment.pk: seen})
    assert act.refused == [Refusal(comment.pk, author.name, "Changed the text")]
    line = comment.transitions.latest("id")
    assert (line.from_state, line.to_state, line.reason, line.revision) == (
        "published",
        "published",
        "posted",
        2,
    )
    assert version(article) == 2  # the comment and its edit, each seen once


def test_an_edit_carries_no_approval_over_to_the_new_words():
    author, moderator = UserFactory.create(), UserFactory.create(roles=("Moderator",))
    comment = make_comment(make_article(), author=author)
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator)
    edit_comment(comment=comment, body="A word of our own.", user=author, guest=None)
    Finding.objects.create(comment=comment, revision=2, check_name="repeat", strength=1, holds=False)

    comment.refresh_from_db()
    assert (comment.revision, comment.state_reason) == (2, Reason.APPROVED)
    approved = comment.transitions.filter(reason=Reason.APPROVED, actor__isnull=False)
    assert not approved.filter(revision=2).exists()


def test_the_version_grows_only_with_what_readers_see():
    article = make_article()
    comment = make_comment(article)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    gone = version(article)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    assert version(article) == gone


def test_bulk_takes_as_many_statements_for_two_as_for_forty(django_assert_num_queries):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(40)]
    for some in (ids[:2], ids):
        with django_assert_num_queries(2):
            change_states(ids=some, to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert_sound()


def test_move_takes_replies_along_and_counts_on_both_sides():
    article, editor = make_article(), UserFactory.create()
    jim, eben = make_comment(article), make_comment(article)
    answer = make_comment(article, parent=eben)
    below = make_comment(article, parent=answer)

    assert move_comment(comment=answer, parent=jim, actor=editor)

    assert_sound()
    below.refresh_from_db()
    jim.refresh_from_db()
    eben.refresh_from_db()
    assert (below.tree_id, below.level, jim.reply_count, eben.reply_count) == (jim.tree_id, 2, 2, 0)
    line = Transition.objects.get(kind="move")
    assert (line.old_parent, line.new_parent, line.actor) == (eben, jim, editor)
    assert not move_comment(comment=answer, parent=jim, actor=editor)
    assert move_comment(comment=answer, parent=None, actor=editor)
    assert_sound()


def test_a_move_stays_in_its_discussion_and_out_of_its_own_replies():
    article, other = make_article(), make_article("Another story")
    root = make_comment(article)
    reply = make_comment(article, parent=root)
    with pytest.raises(ValidationError, match="another discussion"):
        move_comment(comment=reply, parent=make_comment(other), actor=None)
    with pytest.raises(ValidationError, match="its own replies"):
        move_comment(comment=root, parent=reply, actor=None)
    assert_sound()


def test_moved_replies_stand_in_order_of_time():
    article = make_article()
    root, early = make_comment(article), make_comment(article)
    late = make_comment(article, parent=root)
    move_comment(comment=early, parent=root, actor=None)
    assert [c.pk for c in Comment.objects.filter(tree_id=root.tree_id).order_by("lft")] == [
        root.pk,
        early.pk,
        late.pk,
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE comments_transition SET to_state = 'spam'",
        "DELETE FROM comments_transition",
        "UPDATE comments_comment SET state = 'unheard of'",
        "UPDATE comments_comment SET body = ' '",
        "UPDATE comments_comment SET lft = rght",
        "UPDATE comments_comment SET parent_id = (SELECT max(id) FROM comments_comment) WHERE level = 0",
        "INSERT INTO comments_comment SELECT * FROM comments_comment",
        # A line about a comment of another discussion.
        "INSERT INTO comments_transition (kind, comment_id, discussion_id, revision, from_state, to_state,"
        " from_reason, reason) SELECT 'state', min(c.id), max(c.discussion_id), 1, 'pending', 'spam', '', ''"
        " FROM comments_comment c",
    ],
)
def test_the_database_refuses_what_must_never_be(statement):
    make_comment(make_article())
    make_comment(make_article("Another story"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")


def test_the_days_follow_every_change_of_a_state():
    article = make_article()
    with time_machine.travel("2026-03-31T23:59:00-01:00", tick=False):  # 1 April in UTC
        late = make_comment(article)
    with time_machine.travel("2026-03-31T12:00:00Z", tick=False):
        first, second = make_comment(article), make_comment(article)

    def days() -> dict[str, int]:
        assert_sound()
        return {f"{d.day:%m-%d}": d.visible_count for d in DiscussionDay.objects.order_by("day")}

    assert days() == {"03-31": 2, "04-01": 1}
    batch = uuid4()
    with transaction.atomic():
        change_states(ids=[first.pk, late.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, batch=batch)
    assert days() == {"03-31": 1, "04-01": 0}
    with transaction.atomic():
        revert_states(undoes=batch, actor=None, batch=uuid4())
    assert days() == {"03-31": 2, "04-01": 1}
    move_comment(comment=second, parent=first, actor=None)
    delete_comment(comment=second, user=None, guest=second.guest)
    assert days() == {"03-31": 1, "04-01": 1}


@pytest.mark.parametrize(
    ("values", "is_seen"),
    [
        ({"status": "closed"}, True),
        ({"status": "open"}, False),
        ({"closes_at": None}, False),
        ({"closes_at": timezone.now() + timedelta(days=1)}, True),
        ({"closes_at": None, "status": "hidden"}, True),
        ({"moderation": "pre"}, False),
        ({"declared_count": 82}, True),  # told in how the discussion was moderated
    ],
)
def test_a_setting_changes_the_page_where_a_reader_sees_it(values, is_seen):
    article = make_article()
    make_comment(article)
    change_discussion(article=article, status="open")
    before = version(article)
    change_discussion(article=article, **values)
    assert version(article) == before + is_seen
    assert Discussion.objects.filter(pk=article.pk, **values).exists()


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


@pytest.mark.parametrize("is_edit", [False, True])
@pytest.mark.parametrize("changes", [1, MAX_ATTEMPTS])
def test_a_text_is_checked_again_if_the_settings_changed_meanwhile_but_not_forever(
    monkeypatch, is_edit, changes
):
    article, guest = make_article(), GuestFactory.create()
    change_discussion(article=article, moderation="post")
    comment = make_comment(article, guest=guest)
    checked: list[str] = []

    def examine(draft: Draft) -> tuple[str, list[object]]:
        checked.append(draft.discussion.moderation)
        if len(checked) <= changes:
            change_discussion(article=article, moderation="pre" if len(checked) % 2 else "post")
        return "publish", []

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
