"""Decisions from the moderation pages and from a story's menu: redirects, messages and Undo."""

import re

import pytest

from comments.models import Comment, Reason, State
from comments.policy import policy
from moderation.actions.decisions import decide
from moderation.erasure import restrictions
from moderation.models import Action, Restriction
from tests.factories import make_article, make_comment
from tests.moderation.queue.helpers import open_comment_ids, post_decision, state, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy", "maria_client")]


@pytest.mark.parametrize(
    ("fields", "expected", "words"),
    [
        ({"act": "approved", "reason": "off_topic"}, ("published", "approved"), "Approved"),
        ({"reason": "off_topic"}, ("rejected", "off_topic"), "Removed: off-topic"),
        ({"reason": "insult"}, ("rejected", "insult"), "Removed: insult"),
        ({"reason": "name"}, ("rejected", "name"), "Removed: offensive name"),
        ({"reason": "repeat"}, ("rejected", "repeat"), "Removed: duplicate"),
        ({"reason": "text_missing"}, ("rejected", "text_missing"), "Removed: text missing"),
        ({"reason": "other"}, ("rejected", "other"), "Removed: other"),
        ({"act": "spam", "reason": "off_topic"}, ("spam", "spam"), "Marked as spam"),
    ],
)
def test_each_action_redirects_to_a_bar_with_undo(client, maria, fields, expected, words):
    comment = make_comment(make_article())
    page = post_decision(client, client.get("/moderation/"), comment, **fields)

    assert state(comment) == expected
    assert open_comment_ids(page) == []
    assert words in text(page)
    undo = re.search(r'action="(/moderation/actions/[-\w]+/undo/)"', text(page))[1]

    back = client.post(undo, {"next": "/moderation/"}, follow=True)
    assert state(comment) == ("pending", "screened")
    assert open_comment_ids(back) == [comment.pk]
    assert f"Undone: {words}" in text(back)

    again = re.search(r'action="(/moderation/actions/[-\w]+/undo/)"', text(back))[1]
    assert f"Done again: {words}" in text(client.post(again, {"next": "/moderation/"}, follow=True))
    assert state(comment) == expected


def test_selected_comments_are_decided_together(client, maria):
    article = make_article()
    made = [make_comment(article, f"Words {n}") for n in range(4)]
    page = post_decision(client, client.get("/moderation/"), *made[:3], act="spam")
    assert open_comment_ids(page) == [made[3].pk]
    assert "Marked as spam" in text(page)
    assert "3 comments" in text(page)
    assert Action.objects.count() == 1


def test_a_decision_on_a_comment_that_was_restricted_meanwhile_leads_to_the_queue(client, maria, ada):
    comment = make_comment(make_article())
    page = f"/moderation/comments/{comment.pk}/"
    opened = client.get(page)
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.COURT, actor=ada)
    answer = post_decision(client, opened, comment, act="approved", next=page)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0].startswith("/moderation/")
    assert f'<a href="{page}">#{comment.pk}</a>: Ada: Access is restricted: only an admin' in text(answer)


def test_a_decision_shows_its_bar_if_the_next_comment_was_restricted_meanwhile(client, maria, ada):
    article = make_article()
    one, two, three = (make_comment(article, f"Words {n}") for n in range(3))
    opened = client.get("/moderation/")
    restrictions.restrict(ids=[two.pk], why=Restriction.Why.COURT, actor=ada)
    following = f"/moderation/comments/{two.pk}/?queue=waiting"
    answer = post_decision(client, opened, one, act="spam", next=following)
    assert answer.status_code == 200
    assert open_comment_ids(answer) == [three.pk]
    assert "Marked as spam" in text(answer)
    assert f"Access to comment {two.pk} is restricted." in text(answer)
    assert client.get(f"/moderation/comments/{two.pk}/", headers={"Soundoff-Ahead": "1"}).status_code == 404


def test_decision_after_a_colleague_is_refused(client, maria, omar):
    article = make_article()
    one, two = make_comment(article), make_comment(article, "Other words")
    page = client.get("/moderation/")
    decide(ids=[one.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar)

    answer = post_decision(client, page, one, two, act="approved")

    assert [state(one), state(two)] == [("rejected", "insult"), ("published", "approved")]
    assert "One was left unchanged" in text(answer)
    assert f'<a href="/moderation/comments/{one.pk}/">#{one.pk}</a>: Omar: Removed: insult.' in text(answer)


def test_empty_selection_and_invalid_input_change_nothing(client, maria):
    comment = make_comment(make_article())
    nothing = client.post("/moderation/decide/", {"act": "spam", "next": "/moderation/"}, follow=True)
    assert "Select comments first." in text(nothing)
    for reason in ("", "posted", "imported", "x"):
        answer = client.post("/moderation/decide/", {"ids": comment.pk, "act": reason})
        assert answer.status_code == 400
    assert client.post("/moderation/decide/", {"ids": "999999", "act": "spam"}).status_code == 404
    assert state(comment)[0] == "pending"
    assert not Action.objects.exists()


def test_redirects_stay_within_the_site(client, maria):
    comment = make_comment(make_article())
    answer = client.post(
        "/moderation/decide/", {"ids": comment.pk, "act": "spam", "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == f"/moderation/actions/{Action.objects.get().pk}/"


def test_action_from_the_story_menu_returns_to_the_story(client, maria):
    article = make_article()
    comment = make_comment(article)
    menu = policy().list_actions([Comment.objects.get(pk=comment.pk)])[comment.pk]
    urls = {item["label"]: item["url"] for item in menu}

    # The form of the menu sends its list of reasons whichever button is pressed.
    answer = client.post(urls["Approve"], {"reason": "insult"})
    assert answer.headers["Location"] == f"/stories/{article.slug}/#comment-{comment.pk}"
    assert state(comment) == ("published", "approved")

    stale = client.post(urls["Remove…"], {"reason": "insult"}, follow=True)
    assert "Maria: Approved" in text(stale)
    assert state(comment) == ("published", "approved")

    fresh = policy().list_actions([Comment.objects.get(pk=comment.pk)])[comment.pk]
    removed = client.post(fresh[0]["url"], {"reason": "insult"}, follow=True)
    assert f'<a href="/moderation/actions/{Action.objects.first().pk}/">Removed: insult</a>' in text(removed)
    assert state(comment) == ("rejected", "insult")


def test_removal_from_the_menu_returns_to_the_nearest_comment(client, maria):
    article = make_article()
    first = make_comment(article, "First", author=maria)
    reply = make_comment(article, "A reply", author=maria, parent=first)

    def remove(comment) -> str:
        fresh = policy().list_actions([Comment.objects.get(pk=comment.pk)])[comment.pk]
        url = next(item["url"] for item in fresh if item["label"] == "Remove…")
        return client.post(url, {"reason": "other"}).headers["Location"]

    assert remove(reply) == f"/stories/{article.slug}/#comment-{first.pk}"
    assert remove(first) == f"/stories/{article.slug}/#comments"
    second = make_comment(article, "Second", author=maria)
    make_comment(article, "Its reply", author=maria, parent=second)
    assert remove(second) == f"/stories/{article.slug}/#comment-{second.pk}"  # a placeholder is shown there
