"""The mails of each kind stop by their own header, one press in a mail program, without a log-in."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from articles.models import Article, Correction, Topic
from comments.following.mails import mail_followers, notify_followers
from comments.following.services import set_own_comments_delivery
from comments.models import Comment, Follow
from comments.services.recommendations import recommend
from moderation.actions.quick_actions import set_editors_pick
from tests.comments.following.conftest import follow, reply_to
from tests.comments.following.helpers import since_an_hour
from tests.factories import make_article, make_comment
from tests.helpers.servers.smtp import receiving

pytestmark = pytest.mark.django_db


def make_update(kind: str, comment: Comment, kofi: User, emil: User, topic: Topic) -> None:
    article: Article = comment.discussion.article
    match kind:
        case Follow.Kind.REPLIES:
            reply_to(comment, kofi)
        case Follow.Kind.COMMENTS:
            make_comment(article, author=kofi)
        case Follow.Kind.CORRECTIONS:
            Correction.objects.create(article=article, text="The slip closed in May.", by=emil)
        case Follow.Kind.TOPIC:
            make_article("A further story", published_at=timezone.now()).topics.add(topic)
        case Follow.Kind.PICKS:
            set_editors_pick(comment=comment, is_pick=True, actor=emil)
        case Follow.Kind.RECOMMENDATIONS:
            recommend(comment=comment, is_given=True, user=kofi, guest=None)


@pytest.mark.parametrize("kind", [kind.value for kind in Follow.Kind if kind != Follow.Kind.DECISIONS])
def test_mails_of_each_kind_stop_by_their_header(
    kind: str,
    article: Article,
    jane: User,
    kofi: User,
    emil: User,
    later: Callable[..., datetime],
    settings: Any,
) -> None:
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    comments = [make_comment(article, f"The slip was closed, {n}.", author=jane) for n in range(2)]
    if kind in {"picks", "recommended"}:
        set_own_comments_delivery(jane, None, kind=kind, delivery="at_once")
    elif kind == "topic":
        follow(jane, kind="topic", topic=topic)
    else:
        follow(jane, article, kind)
    since_an_hour()
    settings.MAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
    with receiving(settings) as inbox:
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        make_update(kind, comments[0], kofi, emil, topic)
        later(2)
        notify_followers()
        mail_followers.func()
        (message,) = inbox.mails
        assert message["To"] == "jane@example.org"
        found = re.fullmatch(
            rf"<{re.escape(settings.SITE_URL)}(/stop-mails/.+/)>", message["List-Unsubscribe"].strip()
        )
        assert found
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        program = Client(enforce_csrf_checks=True)
        assert program.post(found[1], {"List-Unsubscribe": "One-Click"}).status_code == 200

        since_an_hour()
        make_update(kind, comments[1], kofi, emil, topic)
        later(4)
        notify_followers()
        mail_followers.func()
        assert len(inbox.mails) == 1
    assert Follow.objects.get(user=jane).unread_count > 0  # the site still shows it
