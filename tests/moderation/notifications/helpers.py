"""Helpers for tests of notices: take a decision, and read the author's page of it."""

import re
from datetime import timedelta
from html import unescape

from django.db.models import F
from django.test import Client

from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide
from moderation.models import Action
from tests.factories import make_comment
from tests.helpers.postgres.tampering import triggers_disabled

PERSON = "A person decided this, not an automatic check."
TERM = "It contains a term that a rule of this site covers."


def decided(comment, to, reason, actor):
    return decide(ids=[comment.pk], to=to, reason=reason, actor=actor).action


def approved(article, body="A word about the boat.", *, author, maria) -> Comment:
    comment = make_comment(article, body, author=author)
    decided(comment, State.PUBLISHED, Reason.APPROVED, maria)
    comment.refresh_from_db()
    return comment


def an_hour_later() -> None:
    with triggers_disabled():
        Action.objects.update(at=F("at") - timedelta(hours=1))


def page_of(client: Client, comment: Comment) -> str:
    response = client.get(f"/comments/{comment.pk}/decision/")
    assert response.status_code == 200
    return response.content.decode()


def text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
