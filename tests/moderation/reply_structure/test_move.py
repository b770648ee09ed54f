"""The form to move a comment under another one."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from comments.integrity import check
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from moderation.actions.decisions import move
from moderation.models import Action
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread():
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    root = make_comment(article, "First.")
    return [root, make_comment(article, "Second.", parent=root), make_comment(article, "Third.")]


def address(comment):
    return reverse("moderation:move", args=[comment.pk])


def tree(comment):
    """Return the URL of the reply structure with this comment and its replies."""
    url = reverse("admin:comments_comment_changelist")
    return f"{url}?discussion={comment.discussion_id}&branch={comment.pk}"


def listed(client, comment, **query) -> list[int]:
    """Return the comments that the page offers as the new parent, in their order."""
    page = client.get(address(comment), query).content.decode()
    return [int(pk) for pk in re.findall(r'name="candidate" value="([0-9]+)"', page)]


def errors(answer):
    assert answer.status_code == 422
    return [str(error) for lines in answer.context["form"].errors.values() for error in lines]


def test_the_page_shows_the_comment_and_its_ancestors(maria_client, thread):
    page = maria_client.get(address(thread[1])).content.decode()
    assert "Second." in page
    assert f"#{thread[0].pk}</a>" in page
    assert "First." in page
    assert "It is a top-level comment." in maria_client.get(address(thread[0])).content.decode()
    assert "1 reply moves with it." in maria_client.get(address(thread[0])).content.decode()


@pytest.mark.parametrize(
    "written",
    ["{}", " #{} ", "#comment-{}", "https://example.org/stories/the-slip-closes/comments/{}/",
     "https://example.org/stories/the-slip-closes/#comment-{}"],
)  # fmt: skip
def test_the_new_parent_can_be_written_in_several_ways(maria_client, thread, written):
    answer = maria_client.post(address(thread[2]), {"parent": written.format(thread[1].pk)})

    thread[2].refresh_from_db()
    assert thread[2].parent == thread[1]
    action = Action.objects.get(kind="move")
    assert (answer.status_code, answer.url) == (302, f"{tree(thread[2])}&done={action.pk}")
    assert Transition.objects.get(kind="move").action_id == action.pk
    assert check() == {}
    page = maria_client.get(answer.url, follow=True).text
    place = f'<a href="{tree(thread[2]).replace("&", "&amp;")}">#{thread[2].pk}</a>'
    undo = f'<a href="{reverse("moderation:action", args=[action.pk])}">Undo this action</a>'
    assert f"Moved. {place} {undo}" in page


def test_candidates_are_the_parent_the_people_named_and_the_comments_just_before(maria_client):
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    eben = make_comment(article, "A long sentence. " * 40, author=UserFactory.create(name="Eben"))
    others = [make_comment(article, f"Number {n}.") for n in range(6)]
    answer = make_comment(article, "EBEN, that is not so.", parent=others[0])
    below = make_comment(article, "I agree.", parent=answer)

    assert listed(maria_client, answer) == [pk.pk for pk in (others[0], eben, *others[:2:-1])]
    assert below.pk not in listed(maria_client, answer, q="agree")  # its own reply
    page = maria_client.get(address(answer)).content.decode()
    assert f"#{eben.pk}" in page
    for why in ("As it is now", "Named in the text", "Just before it"):
        assert page.count(why) == 1
    assert "A long sentence. A long sentence." in page


def test_a_name_inside_a_word_is_not_named(maria_client):
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    ed, dash = (make_comment(article, author=UserFactory.create(name=name)) for name in ("Ed", "--"))
    between = [make_comment(article, f"Number {n}.") for n in range(4)]
    edited = make_comment(article, "I edited it -- twice.")
    assert not {ed.pk, dash.pk} & set(listed(maria_client, edited))
    named = make_comment(article, "So says ed: no.", parent=between[0])
    assert ed.pk in listed(maria_client, named)


@pytest.mark.parametrize("q", ["second", "#{}", "{}", "guest second"])
def test_a_search_offers_comments_by_text_name_and_number(maria_client, thread, q):
    Comment.objects.filter(pk=thread[1].pk).update(author_name="Guest")
    assert listed(maria_client, thread[2], q=q.format(thread[1].pk)) == [thread[1].pk]
    assert "No comments found." in maria_client.get(address(thread[2]), {"q": "nowhere"}).content.decode()


def test_a_chosen_candidate_becomes_the_parent_and_the_page_before_is_shown_again(maria_client, thread):
    back = tree(thread[0]).partition("&")[0]
    answer = maria_client.post(address(thread[2]), {"candidate": thread[1].pk, "parent": "", "next": back})
    thread[2].refresh_from_db()
    assert thread[2].parent == thread[1]
    assert answer.url.startswith(f"{back}&done=")

    maria_client.post(address(thread[2]), {"candidate": "top", "parent": "", "next": "https://evil.example/"})
    thread[2].refresh_from_db()
    assert thread[2].parent is None
    assert errors(maria_client.post(address(thread[2]), {"candidate": "nonsense", "parent": ""}))


def test_it_moves_to_the_top_level(maria_client, thread):
    maria_client.post(address(thread[1]), {"parent": "", "first_level": "on"})
    thread[1].refresh_from_db()
    assert thread[1].parent is None
    assert check() == {}


def test_another_method_is_refused(maria_client, thread):
    assert maria_client.put(address(thread[2])).status_code == 405


def test_the_same_parent_changes_nothing(maria_client, thread):
    answer = maria_client.post(address(thread[1]), {"parent": str(thread[0].pk)})
    assert answer.url == tree(thread[1])
    assert "It is there already." in maria_client.get(answer.url).content.decode()
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"parent": ""}, "Enter the comment that it replies to"),
        ({"parent": "12 or 13"}, "Enter the number of a comment"),
        ({"parent": "https://example.org/"}, "Enter the number of a comment"),
        ({"parent": "999999999999999999"}, "There is no comment"),
        ({"parent": "9" * 40}, "Enter the number of a comment"),
    ],
)
def test_text_that_names_no_comment_is_refused_in_the_form(maria_client, thread, sent, sentence):
    assert sentence in errors(maria_client.post(address(thread[2]), sent))[0]
    assert not Transition.objects.filter(kind="move").exists()


def test_a_number_and_the_top_level_exclude_each_other(maria_client, thread):
    sent = {"parent": str(thread[0].pk), "first_level": "on"}
    assert "Enter the comment that it replies to" in errors(maria_client.post(address(thread[2]), sent))[0]


def test_a_refused_move_is_a_form_error(maria_client, thread):
    elsewhere = make_comment(make_article("Elsewhere"))
    for comment, parent, words in (
        (thread[2], elsewhere, "another discussion"),
        (thread[0], thread[1], "its own replies"),
        (thread[0], thread[0], "its own replies"),
    ):
        assert words in errors(maria_client.post(address(comment), {"parent": str(parent.pk)}))[0]
    assert not Action.objects.exists()


def test_a_question_about_a_parent_is_answered_and_moves_nothing(maria_client, thread):
    elsewhere = make_comment(make_article("Elsewhere"))
    for parent, words in ((elsewhere, "another discussion"), (thread[1], "its own replies")):
        assert words in errors(maria_client.get(address(thread[0]), {"parent": parent.pk}))[0]
    answer = maria_client.get(address(thread[0]), {"parent": thread[2].pk})
    assert answer.status_code == 200
    assert number_to_confirm(answer) == thread[2].pk
    answer = maria_client.get(address(thread[2]), {"parent": thread[0].pk})
    assert answer.status_code == 200
    assert number_to_confirm(answer) is None
    assert not Action.objects.exists()


def test_it_is_for_moderators_and_the_articles_own_editors(client, thread):
    article = thread[0].discussion.article
    editor, colleague = UserFactory.create(roles=("Editor",)), UserFactory.create(roles=("Editor",))
    article.editors.add(editor)

    assert client.get(address(thread[2])).status_code == 302  # to log in
    for person, status in ((UserFactory.create(), 404), (colleague, 404), (editor, 200)):
        client.force_login(person)
        assert client.get(address(thread[2])).status_code == status
        client.post(address(thread[2]), {"parent": str(thread[0].pk)})
        thread[2].refresh_from_db()
        assert (thread[2].parent is not None) == (status == 200)


def test_a_comment_that_does_not_exist_is_not_found(maria_client):
    assert maria_client.get(reverse("moderation:move", args=[999_999])).status_code == 404


def test_a_form_from_before_another_move_moves_nothing(maria_client, thread):
    root, reply, other = thread
    for comment, parent, sentence in (
        (other, root, f"moved under #{root.pk} meanwhile"),
        (reply, None, "moved to the top level meanwhile"),
    ):
        page = maria_client.get(address(comment)).content.decode()
        present = re.search(r'name="present" value="(\d+)"', page)[1]
        move(comment=comment, parent=parent, actor=None)

        answer = maria_client.post(address(comment), {"parent": str(root.pk), "present": present})
        assert answer.status_code == 422
        assert f"{sentence}. Nothing was changed: choose again." in answer.content.decode()
        comment.refresh_from_db()
        assert comment.parent == parent
        assert f'name="present" value="{comment.parent_id or 0}"' in answer.content.decode()


def number_to_confirm(answer) -> int | None:
    """Return the number of the parent whose warnings the page asks to confirm."""
    found = re.search(r'name="confirmed" value="([0-9]+)"', answer.content.decode())
    return int(found[1]) if found else None


@pytest.mark.parametrize(
    ("days", "duration"), [(59, "59 days"), (92, "3 months"), (2839, "7 years and 9 months")]
)
def test_a_warning_gives_a_long_time_in_months_and_years(maria_client, thread, days, duration):
    first, later = thread[0], thread[2]
    Comment.objects.filter(pk=first.pk).update(created_at=later.created_at - timedelta(days=days))
    page = maria_client.get(address(first), {"q": "third"}).content.decode()
    assert f"Written {duration} after this comment." in page


def test_a_parent_that_was_written_later_is_confirmed_first(maria_client, thread):
    first, later = thread[0], thread[2]
    Comment.objects.filter(pk=first.pk).update(created_at=later.created_at - timedelta(days=2, hours=3))
    warning = "Written 2 days after this comment."
    assert warning in maria_client.get(address(first), {"q": "third"}).content.decode()  # beside it

    answer = maria_client.post(address(first), {"parent": str(later.pk)})
    assert number_to_confirm(answer) == later.pk
    page = answer.content.decode()
    assert f"Not moved under #{later.pk} yet." in page
    assert '<form method="post" action="#move">' in page  # so that the warning is in sight on a phone
    assert page.count(warning) == 2  # beside the comment, which is listed now, and above the button
    assert re.search(rf'value="{later.pk}"\s+checked', page)
    assert not Action.objects.exists()

    answer = maria_client.post(address(first), {"candidate": later.pk, "parent": "", "confirmed": later.pk})
    assert answer.status_code == 302
    first.refresh_from_db()
    assert first.parent == later
    again = maria_client.post(address(first), {"parent": str(later.pk)})
    assert again.status_code == 302  # it is there already


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("pending", Reason.POSTED, "Waiting for review"),
        ("rejected", Reason.INSULT, "Removed by a moderator"),
        ("spam", Reason.SPAM, "Removed as spam"),
        ("deleted", Reason.AUTHOR, "Deleted by its author"),
    ],
)
def test_a_parent_that_readers_do_not_see_is_confirmed_first(maria_client, thread, state, reason, words):
    _root, parent, comment = thread
    change_states(ids=[parent.pk], to=State(state), reason=reason, actor=None)
    warning = f"{words}: readers see only a placeholder in its place."
    assert warning in maria_client.get(address(comment)).content.decode()
    assert number_to_confirm(maria_client.post(address(comment), {"candidate": parent.pk})) == parent.pk
    assert not Action.objects.exists()
    maria_client.post(address(comment), {"candidate": parent.pk, "confirmed": parent.pk})
    comment.refresh_from_db()
    assert comment.parent == parent
    page = Client().get(comment.discussion.article.get_absolute_url()).content.decode()
    assert "Third." in page  # as the sentence says
    assert "Second." not in page


def test_the_warnings_of_another_parent_are_not_confirmed_with_it(maria_client, thread):
    root, later, third = thread
    Comment.objects.filter(pk=root.pk).update(created_at=root.created_at - timedelta(days=2))
    answer = maria_client.post(address(root), {"parent": str(third.pk), "confirmed": later.pk})
    assert number_to_confirm(answer) == third.pk
    assert not Action.objects.exists()


def test_a_restricted_parent_is_confirmed_by_its_number_alone(maria_client, thread):
    _root, parent, comment = thread
    change_states(ids=[parent.pk], to=State.REJECTED, reason=Reason.RESTRICTED, actor=None)
    Comment.objects.filter(pk=parent.pk).update(author_name="Nemo")
    Comment.objects.filter(pk=comment.pk).update(created_at=parent.created_at - timedelta(days=9))
    page = maria_client.post(address(comment), {"parent": str(parent.pk)}).content.decode()
    assert "Removed by a moderator: readers see only a placeholder in its place." in page
    assert f'name="parent" value="{parent.pk}"' in page  # it is not listed
    assert not re.search("Written|Nemo|Second", page)
    maria_client.post(address(comment), {"parent": str(parent.pk), "confirmed": parent.pk})
    comment.refresh_from_db()
    assert comment.parent == parent
