"""The form of one comment in the admin, the actions of a row, and what is forbidden there."""

import html
import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from comments.models import Comment, Discussion, State, Transition
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.reply_structure.trees import (
    TREE,
    import_thread,
    messages_of,
)

pytestmark = pytest.mark.django_db


def test_a_name_is_corrected_and_nothing_else(maria_client):
    article = import_thread(3)
    comment = Comment.objects.filter(discussion=article.pk).first()
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    before = Discussion.objects.get().version
    was = Comment.objects.filter(pk=comment.pk).values().get()

    sent = {"author_name": "  Eben  Ezer ", "state": "spam", "parent": comment.pk, "lft": 9, "body": "Other."}
    assert maria_client.post(url, sent).status_code == 302

    assert Comment.objects.filter(pk=comment.pk).values().get() == was | {"author_name": "Eben Ezer"}
    assert Discussion.objects.get().version == before + 1
    assert not Transition.objects.exclude(reason="imported").exists()


def test_an_empty_name_is_refused(maria_client):
    comment = Comment.objects.filter(discussion=import_thread(3).pk).first()
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    assert maria_client.post(url, {"author_name": "   "}).status_code == 200
    comment.refresh_from_db()
    assert comment.author_name == "Person 0"


def test_no_list_of_all_comments_is_offered_on_the_form_of_one(maria_client, django_assert_max_num_queries):
    comment = Comment.objects.filter(discussion=import_thread(200).pk).last()
    with django_assert_max_num_queries(12):
        page = maria_client.get(reverse("admin:comments_comment_change", args=[comment.pk])).content.decode()
    assert page.count("<option") < 20
    assert page.count("<input") < 20


def test_the_form_of_a_comment_has_no_columns_of_the_tree(maria_client):
    comment = make_comment(make_article())
    page = maria_client.get(reverse("admin:comments_comment_change", args=[comment.pk])).text
    assert "Parent:" in page
    assert not {"Tree id:", "Lft:", "Rght:", "Level:"} & set(re.findall(r"[A-Z][a-z ]+:", page))


def test_an_address_is_only_for_those_who_may_see_addresses(client):
    comment = make_comment(make_article())
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert comment.author_email not in client.get(url).content.decode()
    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert comment.author_email in client.get(url).content.decode()
    group = Group.objects.get(name="Moderator")
    group.permissions.remove(*Permission.objects.filter(codename="view_guest"))
    assert comment.author_email not in client.get(url).content.decode()


@pytest.mark.parametrize(
    "lookup",
    [
        "comments/comment/?discussion={}&author_email__startswith=",
        "comments/comment/?discussion={}&author_email=",
        "comments/comment/?discussion={}&guest__email__startswith=",
        "comments/comment/?discussion={}&author__email__startswith=",
        "comments/comment/?discussion={}&parent__author_email__startswith=",
        "comments/comment/?discussion={}&nonce=",
        "comments/discussion/?comments__author_email__startswith=",
        "comments/discussion/?article__editors__email__startswith=",
        "articles/article/?editors__email__startswith=",
        "articles/article/?discussion__comments__author_email__startswith=",
        "archive/import/?actor__email__startswith=",
        "archive/import/?article__editors__email__startswith=",
    ],
)
def test_no_address_is_guessed_through_a_filter(editor, lookup):
    comment = make_comment(make_article())
    address = "/admin/" + lookup.format(comment.discussion_id) + comment.author_email[:3]
    assert editor.get(address).status_code in {400, 403}


def test_no_comment_is_deleted_or_added_here(client):
    client.force_login(UserFactory.create(roles=("Administrator",)))
    article = import_thread(3)
    comment = Comment.objects.first()
    assert client.post(reverse("admin:comments_comment_delete", args=[comment.pk])).status_code == 403
    assert client.get(reverse("admin:comments_comment_add")).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [comment.pk], "post": "yes"}
    client.post(f"{TREE}?discussion={article.pk}", sent)
    assert Comment.objects.count() == 3


def test_a_row_approves_with_one_click_and_shows_a_message(maria_client):
    article = make_article()
    comment = make_comment(article)
    assert comment.state == State.PENDING
    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()
    [url] = [html.unescape(url) for url in re.findall(r'<button formaction="([^"]+)"', page)]
    here = html.unescape(re.search(r'name="next" value="([^"]+)"', page)[1])

    answer = maria_client.post(url, {"next": here})
    assert answer.url.startswith(f"{here}&done=")
    answer = maria_client.get(answer.url)
    assert (answer.status_code, answer.url) == (302, here)

    page = maria_client.get(here).content.decode()
    assert "Approved. <a" in page
    assert "formaction" not in page
    comment.refresh_from_db()
    assert comment.state == State.PUBLISHED


def test_an_invalid_action_in_the_url_shows_no_message(maria_client):
    answer = maria_client.get(TREE, {"discussion": import_thread(3).pk, "done": "x"})
    assert answer.status_code == 302
    assert messages_of(maria_client) == []


def test_the_page_of_a_comment_removes_it_for_a_reason_as_it_was_seen(maria_client):
    comment = Comment.objects.filter(discussion=import_thread(3).pk).first()
    page = maria_client.get(reverse("admin:comments_comment_change", args=[comment.pk])).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    assert "Reason for removal" in page

    maria_client.post(reverse("moderation:decide"), {"ids": comment.pk, "seen": seen, "reason": "off_topic"})
    comment.refresh_from_db()
    assert (comment.state, comment.state_reason) == ("rejected", "off_topic")
