"""comments/integrity.py: each kind of damage, done directly in the database, is found and reported."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article
from comments.integrity import check, repair
from comments.models import (
    Comment,
    CommentRevision,
    CommentSearchText,
    Discussion,
    DiscussionDay,
    Reason,
    State,
    Transition,
)
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.imports import ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.services.recommendations import recommend
from comments.services.states import change_states, rename_author
from comments.services.text_changes import erase_comments
from comments.tasks import count_recommendations
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres import tampering
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> list[Comment]:
    """Return a root with a reply and a reply to that, a second root, and a reply that was moved there."""
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    root, other = make_comment(article), make_comment(article, "Another *word*.")
    reply = make_comment(article, parent=root)
    nested, moved = make_comment(article, parent=reply), make_comment(article, parent=root)
    move_comment(comment=moved, parent=other, actor=None)
    change_states(ids=[nested.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    return list(Comment.objects.order_by("pk"))


def run(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[str, int]:
    """Return the output of the command and its exit code."""
    try:
        call_command("check_integrity", *flags)
    except SystemExit as stop:
        return capsys.readouterr().out, int(str(stop.code))
    return capsys.readouterr().out, 0


# The name of the damage, and the statement that does it: to {leaf}, a root without replies, to {other}, a
# root with a reply that was moved there, to {reply}, or to {line}, the first log entry about it.
DAMAGE = {
    "tree: a place": "UPDATE comments_comment SET lft = 77, rght = 78 WHERE id = {reply}",
    "tree: the place of its parent": "UPDATE comments_comment SET lft = 1 WHERE id = {reply}",
    "reply_count": "UPDATE comments_comment SET reply_count = 9 WHERE id = {reply}",
    "recommend_count": "UPDATE comments_comment SET recommend_count = 9 WHERE id = {reply}",
    "state": "UPDATE comments_comment SET state = 'spam' WHERE id = {reply}",
    "parent": "UPDATE comments_comment SET parent_id = {other} WHERE id = {reply}",
    "name": "UPDATE comments_comment SET author_name = 'Somebody else' WHERE id = {reply}",
    "comment_html: a text": "UPDATE comments_comment SET body = 'Other words.' WHERE id = {reply}",
    "search": "UPDATE comments_commenttext SET folded = 'other words' WHERE comment_id = {reply}",
    "comment_time": "UPDATE comments_comment SET created_at = now() + interval '1 day' WHERE id = {reply}",
    "tree_number: of another": "UPDATE comments_comment SET tree_id = tree_id + 990000 WHERE id = {leaf}",
    "tree_number: of one before": "UPDATE comments_comment SET tree_id = {free} WHERE id = {leaf}",
    "chain: an actor": "UPDATE comments_transition SET actor_id = {person} WHERE id = {line}",
    "visible_count": "UPDATE comments_discussion SET visible_count = 70",
    "day": "UPDATE comments_discussionday SET visible_count = 70",
    "role": "INSERT INTO accounts_user_groups (user_id, group_id) "
    "SELECT {person}, id FROM auth_group WHERE name = 'Administrator'",
}
FOUND_ROW = {"chain": "line", "visible_count": "discussion", "day": "discussion", "role": "person"}


@pytest.mark.parametrize("damage_name", DAMAGE)
def test_each_damage_is_found_by_its_kind(thread, damage_name):
    article, person = thread[0].discussion.article, UserFactory.create()
    with connection.cursor() as cursor:  # a number that another discussion uses meanwhile
        cursor.execute("SELECT nextval('comments_tree_seq')")
        (free,) = cursor.fetchone()
    _before, leaf, _last = (
        make_comment(article, "Before."),
        make_comment(article, "A leaf."),
        make_comment(article, "The last."),
    )
    rows = {
        "reply": thread[3].pk,
        "other": thread[1].pk,
        "leaf": leaf.pk,
        "free": free,
        "line": Transition.objects.filter(comment=thread[3]).earliest("id").pk,
        "person": person.pk,
        "discussion": article.pk,
    }
    assert check() == {}
    tampering.execute(DAMAGE[damage_name].format(**rows))
    kind = damage_name.partition(":")[0]
    named = "leaf" if kind == "tree_number" else FOUND_ROW.get(kind, "reply")
    found = check()[kind]
    assert rows[named] in found
    assert found == [rows[named]] or damage_name == "tree_number: of one before"  # and the one before it


@pytest.mark.parametrize("days", [-9, 9])
def test_a_log_entry_with_a_wrong_time_is_found(thread, days):
    """The hash of the entry is correct: the database did not always refuse such entries."""
    with triggers_disabled("transition_true"):
        line = Transition.objects.create(
            discussion_id=thread[0].discussion_id,
            comment=thread[0],
            revision=1,
            from_state=State.PUBLISHED,
            to_state=State.PUBLISHED,
            reason=thread[0].state_reason,
            at=timezone.now() + timedelta(days=days),
            seq=0,
            hash=b"",
        )
    make_comment(thread[0].discussion.article, "One after it.")
    assert check() == {"log_time": [line.pk]}


def test_a_name_that_was_corrected_is_no_damage(thread):
    rename_author(comment=thread[0], name="Zoe")
    edit_comment(comment=thread[0], body="Other words.", user=None, guest=thread[0].guest)
    assert check() == {}


def test_an_undamaged_site_has_no_findings(thread, capsys):
    assert check() == {}
    assert run(capsys) == ("No inconsistencies found.\n", 0)
    assert run(capsys, "--json") == ('{"found": {}, "left": {}}\n', 0)


def test_wrong_tree_numbers_are_found_and_repaired(thread):
    Comment.objects.filter(pk=thread[2].pk).update(lft=40, rght=41, level=7)

    damage = check()
    assert damage == {"tree": [thread[2].pk]}
    repair(damage)
    assert check() == {}
    assert Comment.objects.get(pk=thread[2].pk).level == 1


def test_a_wrong_tree_id_is_found_and_repaired(thread):
    Comment.objects.filter(pk=thread[3].pk).update(tree_id=thread[1].tree_id, lft=50, rght=51)

    damage = check()
    assert damage == {"tree": [thread[3].pk]}
    repair(damage)
    assert Comment.objects.get(pk=thread[3].pk).tree_id == thread[0].tree_id


def test_wrong_counters_are_found_and_repaired(thread):
    Comment.objects.filter(pk=thread[0].pk).update(reply_count=9)
    Discussion.objects.update(visible_count=70)

    damage = check()
    assert damage == {"reply_count": [thread[0].pk], "visible_count": [thread[0].discussion_id]}
    repair(damage)
    assert check() == {}
    assert Discussion.objects.get().visible_count == 4


def test_wrong_counts_of_days_and_recommendations_are_found_and_repaired(thread):
    recommend(comment=thread[0], user=UserFactory.create(), is_given=True)
    count_recommendations.func()
    assert check() == {}
    discussion = thread[0].discussion_id
    day = DiscussionDay.objects.get()
    DiscussionDay.objects.create(discussion_id=discussion, day=day.day - timedelta(days=3), visible_count=2)
    Comment.objects.filter(pk__in=[thread[0].pk, thread[1].pk]).update(recommend_count=7)
    before = Discussion.objects.get().version

    damage = check()
    assert damage == {"day": [discussion], "recommend_count": [thread[0].pk, thread[1].pk]}
    repair(damage)

    assert check() == {}
    assert DiscussionDay.objects.get() == day
    assert list(Comment.objects.order_by("pk").values_list("recommend_count", flat=True)) == [1, 0, 0, 0, 0]
    assert Discussion.objects.get().version > before

    for make_damage in (
        DiscussionDay.objects.filter(pk=day.pk).delete,
        lambda: DiscussionDay.objects.update(visible_count=9),
    ):
        make_damage()
        assert check() == {"day": [discussion]}
        repair(check())
        assert check() == {}


def test_a_state_without_a_decision_is_found_and_not_repaired(thread):
    with triggers_disabled():
        Comment.objects.filter(pk=thread[3].pk).update(state=State.PUBLISHED)

    damage = check()
    assert damage["state"] == [thread[3].pk]
    repair(damage)
    assert check() == {"state": [thread[3].pk]}  # the counters agree with the stored state


@pytest.mark.parametrize("index", [3, 4], ids=["never moved", "moved"])
def test_a_parent_without_a_decision_is_found_and_not_repaired(thread, index, capsys):
    """The trees keep their numbers, which still show where the comment was."""
    with triggers_disabled():
        Comment.objects.filter(pk=thread[index].pk).update(parent=thread[0])

    before = list(Comment.objects.order_by("pk").values())
    damage = check()
    assert damage["parent"] == [thread[index].pk]
    repair(damage)
    assert list(Comment.objects.order_by("pk").values()) == before
    assert check() == damage

    printed, code = run(capsys, "--repair")
    assert code == 1
    assert printed.endswith("Trees are not renumbered in a discussion with a damaged parent.\n")


def test_a_damaged_parent_does_not_prevent_the_repair_of_other_discussions(thread):
    elsewhere = make_comment(make_article("Another story"))
    with triggers_disabled():
        Comment.objects.filter(pk=thread[3].pk).update(parent=thread[0])
    Comment.objects.filter(pk=elsewhere.pk).update(reply_count=9)
    repair(check())
    elsewhere.refresh_from_db()
    assert elsewhere.reply_count == 0


def test_the_trees_of_a_discussion_are_checked_in_one_statement(thread):
    """If the roots were read first, a comment posted in between would be reported as damage."""
    with CaptureQueriesContext(connection) as of_one_discussion:
        assert check() == {}
    make_comment(make_article("Another story"))
    with CaptureQueriesContext(connection) as of_two_discussions:
        assert check() == {}
    assert len(of_two_discussions) == len(of_one_discussion) + 1


def test_an_imported_parent_is_compared_with_its_first_log_entry():
    article = make_article(source_key="page-1")
    at = article.created_at
    import_comments(
        article=article,
        comments=[ImportedComment("a", "Ann", "One.", at), ImportedComment("b", "Bo", "Two.", at, parent=0)],
        actor=None,
        action_id=uuid4(),
    )
    assert check() == {}
    with triggers_disabled():
        Comment.objects.filter(source_id="b").update(parent=None, tree_id=900_000)
    assert check()["parent"] == [Comment.objects.get(source_id="b").pk]


def test_a_wrong_search_text_is_found_and_rebuilt(thread):
    CommentSearchText.objects.filter(pk=thread[0].pk).update(normalized_body="other words")
    CommentSearchText.objects.filter(pk=thread[1].pk).delete()

    damage = check()
    assert damage == {"search": [thread[0].pk, thread[1].pk]}
    repair(damage)
    assert check() == {}
    assert CommentSearchText.objects.get(pk=thread[0].pk).normalized_body == "a word about the boat."


def test_a_missing_earlier_text_is_found(thread):
    edited = edit_comment(comment=thread[0], body="Other words.", user=None, guest=thread[0].guest)
    assert check() == {}
    CommentRevision.objects.filter(comment=edited).update(revision=2)  # the number of the text that it shows
    assert check() == {"revision": [edited.pk]}
    CommentRevision.objects.filter(comment=edited).delete()
    damage = check()
    assert damage == {"revision": [edited.pk]}
    repair(damage)
    assert check() == damage


def test_remaining_texts_of_erased_comments_are_found_and_erased(thread):
    erased = thread[3]  # the removed one
    erase_comments(ids=[erased.pk], at=timezone.now())
    assert check() == {}
    Comment.objects.filter(pk=erased.pk).update(author_name="Zoe")
    CommentRevision.objects.create(comment=erased, revision=1, body="Earlier.")
    assert check() == {"erased": [erased.pk]}
    CommentSearchText.objects.create(comment=erased, normalized_body="earlier.")
    damage = check()
    assert damage == {"erased": [erased.pk], "search": [erased.pk]}
    repair(damage)
    assert check() == {}
    assert Comment.objects.get(pk=erased.pk).author_name == ""


def test_a_changed_log_entry_is_found(thread):
    line = Transition.objects.get(comment=thread[2])
    tampering.execute("UPDATE comments_transition SET actor_id = NULL, revision = 2 WHERE id = %s", line.pk)
    assert check() == {"chain": [line.pk]}


def test_a_deleted_log_entry_is_found_by_the_next_one(thread):
    first, second = Transition.objects.order_by("seq")[:2]
    tampering.execute("DELETE FROM comments_transition WHERE id = %s", first.pk)
    assert check() == {"state": [first.comment_id], "chain": [second.pk]}


def test_html_that_differs_from_its_text_is_found_and_rendered_again(thread):
    Comment.objects.filter(pk=thread[1].pk).update(body_html="<script>alert(1)</script>")
    Article.objects.update(body_html="<p>Other.</p>")
    saved_at = Article.objects.get().updated_at

    damage = check()
    assert damage == {"comment_html": [thread[1].pk], "article_html": [thread[0].discussion_id]}
    repair(damage)
    assert check() == {}
    assert Article.objects.get().updated_at == saved_at
    assert Comment.objects.get(pk=thread[1].pk).body_html == "<p>Another <em>word</em>.</p>\n"


def test_a_repair_outdates_cached_pages(thread):
    before = Discussion.objects.get().version
    Comment.objects.filter(pk=thread[0].pk).update(reply_count=9)
    repair(check())
    assert Discussion.objects.get().version == before + 1


def test_the_command_reports_found_and_remaining_damage(thread, capsys):
    with triggers_disabled():
        Comment.objects.filter(pk=thread[3].pk).update(state=State.PUBLISHED)
    Discussion.objects.update(visible_count=70)

    printed, code = run(capsys, "--json")
    assert code == 1
    assert json.loads(printed)["found"]["state"] == [thread[3].pk]

    printed, code = run(capsys, "--repair")
    assert code == 1
    assert f"visible_count: {thread[0].discussion_id}\n" in printed
    assert printed.endswith("Left after the repair: state.\n")

    with triggers_disabled():
        Comment.objects.filter(pk=thread[3].pk).update(state=State.REJECTED)
    assert run(capsys, "--repair")[1] == 0
