"""Factories for people, stories and comments. Comments are posted with the real service function."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import factory
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import Guest, User
from articles.models import Article, unique_slug
from articles.services import save_article
from comments.models import Comment
from comments.policy import Submission
from comments.services.discussions import ensure_discussion
from comments.services.posting import post_comment


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.org")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return User.objects.create_user(**kwargs)


def confirm_email(user: User) -> User:
    """Confirm the address of the account, which then gets mails."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


class GuestFactory(factory.django.DjangoModelFactory[Guest]):
    class Meta:
        model = Guest

    name = factory.Sequence(lambda n: f"Guest {n}")
    email = factory.Sequence(lambda n: f"guest{n}@example.org")


def make_article(title: str = "The slip closes", **fields: Any) -> Article:
    fields.setdefault("published_at", timezone.now() - timedelta(days=1))
    article = Article(title=title, slug=unique_slug(title), body=fields.pop("body", "A story."), **fields)
    return save_article(article=article)


def make_comment(article: Article, body: str = "A word about the boat.", **fields: Any) -> Comment:
    """Post a comment as a new guest, unless an author or guest is named."""
    if "author" not in fields:
        fields.setdefault("guest", GuestFactory.create())
    person = fields.get("author") or fields["guest"]
    nonce = fields.pop("nonce", uuid4())
    discussion = fields.pop("discussion", None) or ensure_discussion(article)
    return post_comment(Submission(discussion=discussion, name=person.name, body=body, **fields), nonce=nonce)
