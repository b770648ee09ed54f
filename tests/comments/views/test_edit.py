"""/comments/<pk>/edit/ and /comments/<pk>/delete/: changes by the author."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from comments.models import MAX_BODY_LENGTH, CommentRevision, Reason, State, Transition
from comments.policy import policy
from comments.services.states import change_states, delete_comment
from comments.thread.pages import REPLIES_PER_TREE
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture
def author():
    return UserFactory.create()


@pytest.fixture
def comment(author):
    return make_comment(make_article(), "A tpyo.", author=author)


def edit_url(comment):
    return f"/comments/{comment.pk}/edit/"


def delete_url(comment):
    return f"/comments/{comment.pk}/delete/"


def test_the_author_corrects_a_comment(client, comment, author):
    client.force_login(author)
    assert edit_url(comment) in client.get(comment.discussion.article.get_absolute_url()).content.decode()
    assert "A tpyo." in client.get(edit_url(comment)).content.decode()

    response = client.post(edit_url(comment), {"body": "A typo."})

    assert response["Location"] == comment.get_absolute_url()
    comment.refresh_from_db()
    assert (comment.body, comment.body_html.strip(), comment.revision) == ("A typo.", "<p>A typo.</p>", 2)
    assert CommentRevision.objects.get().body == "A tpyo."
    assert "edited" in client.get(comment.discussion.article.get_absolute_url()).content.decode()


def test_a_preview_changes_nothing(client, comment, author):
    client.force_login(author)
    response = client.post(edit_url(comment), {"body": "A *typo*.", "preview": "Preview"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "<p>A <em>typo</em>.</p>" in page
    assert "A *typo*.</textarea>" in page
    assert client.post(edit_url(comment), {"body": " ", "preview": "Preview"}).status_code == 422
    comment.refresh_from_db()
    assert (comment.body, comment.revision) == ("A tpyo.", 1)


def test_saved_twice_is_one_revision(client, comment, author):
    client.force_login(author)
    for _ in range(2):
        assert client.post(edit_url(comment), {"body": "A typo."}).status_code == 302
    assert CommentRevision.objects.count() == 1


@pytest.fixture
def saved_during_the_checks(client, comment, monkeypatch):
    """While the checks of the next edit run, another window saves "A typo."."""
    current_policy = type(policy())
    examine = current_policy.examine

    def save_meanwhile(self, submission):
        monkeypatch.setattr(current_policy, "examine", examine)
        assert client.post(edit_url(comment), {"body": "A typo.", "revision": "1"}).status_code == 302
        return examine(self, submission)

    monkeypatch.setattr(current_policy, "examine", save_meanwhile)


@pytest.mark.usefixtures("saved_during_the_checks")
def test_saved_twice_at_once_is_one_revision(client, comment, author):
    client.force_login(author)
    assert client.post(edit_url(comment), {"body": "A typo."}).status_code == 302
    assert CommentRevision.objects.count() == 1
    assert Transition.objects.filter(comment=comment).count() == 2  # posted, edited


def shown_revision(page):
    return re.search(r'name="revision" value="(\d+)"', page)[1]


def test_an_edit_based_on_an_earlier_text_shows_both_texts(client, comment, author):
    client.force_login(author)
    first, second = (shown_revision(client.get(edit_url(comment)).text) for _window in range(2))
    client.post(edit_url(comment), {"body": "A typo.", "revision": first})

    shown = client.post(edit_url(comment), {"body": "A tpyo, sorry.", "revision": second})

    assert shown.status_code == 422
    assert "this comment was changed after you opened the form" in shown.text
    assert "A tpyo, sorry.</textarea>" in shown.text
    assert "A typo.</textarea>" in shown.text
    comment.refresh_from_db()
    assert (comment.body, comment.revision) == ("A typo.", 2)
    again = {"body": "A tpyo, sorry.", "revision": shown_revision(shown.text)}
    previewed = client.post(edit_url(comment), again | {"preview": "Preview"})
    assert shown_revision(previewed.text) == again["revision"]
    assert client.post(edit_url(comment), again).status_code == 302
    comment.refresh_from_db()
    assert (comment.body, comment.revision) == ("A tpyo, sorry.", 3)


def test_a_form_without_a_revision_replaces_only_the_text_that_was_posted(client, comment, author):
    client.force_login(author)
    assert client.post(edit_url(comment), {"body": "A typo."}).status_code == 302
    assert client.post(edit_url(comment), {"body": "Another."}).status_code == 422
    comment.refresh_from_db()
    assert comment.body == "A typo."


@pytest.mark.usefixtures("saved_during_the_checks")
def test_an_edit_that_another_one_overtakes_shows_both_texts(client, comment, author):
    client.force_login(author)
    shown = client.post(edit_url(comment), {"body": "Another.", "revision": "1"})
    assert shown.status_code == 422
    assert shown_revision(shown.text) == "2"
    assert "A typo.</textarea>" in shown.text
    comment.refresh_from_db()
    assert comment.body == "A typo."


def test_an_edit_of_a_comment_that_was_deleted_in_another_window_says_so(client, comment, author):
    client.force_login(author)
    delete_comment(comment=comment, user=author, guest=None)
    page = client.post(edit_url(comment), {"body": "A typo."}).content.decode()
    assert "This comment was deleted." in page
    assert "A typo." in page


def test_only_the_author_may_edit(client, comment):
    assert client.get(edit_url(comment)).status_code == 404
    assert client.post(edit_url(comment), {"body": "Mine now."}).status_code == 403
    assert client.post(delete_url(comment)).status_code == 404
    for stranger in (UserFactory.create(), UserFactory.create(roles=("Administrator",))):
        client.force_login(stranger)
        assert client.get(edit_url(comment)).status_code == 404
        assert client.post(edit_url(comment), {"body": "Mine now."}).status_code == 404
        assert client.post(delete_url(comment)).status_code == 404
    comment.refresh_from_db()
    assert (comment.body, comment.state) == ("A tpyo.", State.PUBLISHED)


def test_a_member_whose_session_has_ended_keeps_the_text(client, comment, author):
    refused = client.post(edit_url(comment), {"body": "A typo."}, headers={"Origin": "http://testserver"})
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "Not saved: you are logged out" in page
    assert "A typo.</textarea>" in page
    assert f'action="{edit_url(comment)}"' in page
    client.force_login(author)  # in another tab
    assert client.post(edit_url(comment), {"body": "A typo."}).status_code == 302


def test_editing_ends_when_a_moderator_removes_the_comment(client, comment, author):
    client.force_login(author)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    refused = client.post(edit_url(comment), {"body": "Mended."})
    assert refused.status_code == 422
    for page in (refused, client.get(edit_url(comment), follow=True)):
        text = page.content.decode()
        assert "A moderator has decided on this comment." in text
        assert "15 minutes only" not in text
    assert "Mended." in refused.content.decode()


def test_editing_ends_after_15_minutes(client, comment, author):
    client.force_login(author)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        page = client.get(edit_url(comment), follow=True).content.decode()
        assert "A comment can be changed for 15 minutes only." in page


@pytest.mark.parametrize(("minutes", "limit"), [(1, "1 minute"), (5, "5 minutes")])
def test_the_limits_are_those_of_the_constants(client, comment, author, monkeypatch, minutes, limit):
    window = timedelta(minutes=minutes)
    monkeypatch.setattr("comments.models.comments.EDIT_WINDOW", window)
    monkeypatch.setattr("comments.models.comments.UNDO_WINDOW", window)
    monkeypatch.setattr("comments.services.editing.EDIT_WINDOW", window)
    monkeypatch.setattr("comments.views.writing.UNDO_WINDOW", window)
    client.force_login(author)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        page = client.get(edit_url(comment), follow=True).content.decode()
        assert f"A comment can be changed for {limit} only." in page
        page = client.post(f"/comments/{comment.pk}/unpost/", follow=True).content.decode()
        assert f"Posting can be undone for {limit} only." in page
        assert edit_url(comment) not in page
        refused = client.post(edit_url(comment), {"body": "Too late."})
    assert refused.status_code == 422
    assert "Too late." in refused.content.decode()
    comment.refresh_from_db()
    assert comment.body == "A tpyo."


def test_too_long_is_refused_with_the_count_and_kept(client, comment, author):
    client.force_login(author)
    text = "y" * (MAX_BODY_LENGTH + 1)
    refused = client.post(edit_url(comment), {"body": text})
    assert refused.status_code == 422
    assert "10,001" in refused.content.decode()
    assert text in refused.content.decode()


def test_no_edit_after_the_story_was_unpublished(client, comment, author):
    article = comment.discussion.article
    article.published_at = None
    article.save()
    client.force_login(author)
    assert client.get(edit_url(comment)).status_code == 404


def test_the_author_deletes_a_comment(client, comment, author):
    client.force_login(author)
    assert delete_url(comment) in client.get(edit_url(comment)).content.decode()

    for _ in range(2):  # the same after a double click
        response = client.post(delete_url(comment), follow=True)
        story = comment.discussion.article.get_absolute_url()
        assert response.redirect_chain[-1][0] == f"{story}?deleted={comment.pk}#comment-{comment.pk}"
        assert f'<article id="comment-{comment.pk}" class="gone">' in response.text
        assert response.text.count("You deleted this comment.") == 1
        assert "A tpyo." not in response.text
    comment.refresh_from_db()
    assert (comment.state, comment.state_reason) == (State.DELETED, Reason.AUTHOR)


def test_a_deleted_comment_is_gone_for_everybody_but_its_author_once(client, comment, author):
    story, guest = comment.discussion.article.get_absolute_url(), Client()
    delete_comment(comment=comment, user=author, guest=None)
    client.force_login(author)
    for reader, query in ((client, ""), (guest, f"?deleted={comment.pk}"), (guest, "?deleted=x")):
        assert f"comment-{comment.pk}" not in reader.get(story + query).text
    permalink = comment.get_absolute_url()
    assert client.get(permalink).status_code == 410
    assert guest.get(f"{permalink}?deleted=1").status_code == 410


def test_a_deleted_reply_deep_in_a_branch_is_shown_on_the_page_of_its_branch(client, author):
    article = make_article()
    line = [make_comment(article)]
    for _ in range(REPLIES_PER_TREE + 3):
        line.append(make_comment(article, parent=line[-1], author=author))
    client.force_login(author)
    response = client.post(delete_url(line[-1]), follow=True)
    assert response.redirect_chain[-1][0] == f"{line[-1].get_absolute_url()}?deleted=1"
    assert f'id="comment-{line[-1].pk}" class="gone" tabindex="-1" autofocus>' in response.text
    assert "You deleted this comment." in response.text


def test_a_comment_that_a_moderator_removed_first_is_not_called_deleted(client, comment, author):
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    client.force_login(author)
    page = client.post(delete_url(comment), follow=True).text
    assert "insult" in page
    assert "You deleted this comment." not in page


def test_a_get_request_deletes_nothing(client, comment, author):
    client.force_login(author)
    assert client.get(delete_url(comment)).status_code == 405
    assert client.put(edit_url(comment)).status_code == 405
