"""The thread explains decisions to authors and moderators, and shows a removed text only to its author."""

import pytest
from django.test import Client

from comments.models import Reason, State
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.notifications.helpers import approved, decided

pytestmark = pytest.mark.django_db


def test_sentences_in_the_thread_address_the_author_or_the_moderator(client, jim, maria):
    article = make_article()
    make_comment(article, "Hello, everybody.", author=jim)
    pages = {}
    for user in (jim, maria):
        client.force_login(user)
        pages[user.name] = client.get(article.get_absolute_url()).content.decode()
    assert "</strong> this is your first comment." in pages["Jim"]
    assert "by this person" not in pages["Jim"]
    assert "</strong> no comment by this person has been approved yet." in pages["Maria"]


def test_only_the_author_reads_the_text_of_a_removed_comment_in_the_thread(client, jim, maria):
    article = make_article()
    comment = approved(article, "Loud *words*.", author=jim, maria=maria)
    decided(comment, State.REJECTED, Reason.INSULT, maria)
    for reader, sees_it in ((jim, True), (maria, False), (UserFactory.create(), False)):
        client.force_login(reader)
        assert ("Loud <em>words</em>." in client.get(article.get_absolute_url()).text) == sees_it
    assert "Loud" not in Client().get(article.get_absolute_url()).text
