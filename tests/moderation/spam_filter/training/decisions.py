"""Decisions to train the spam filter on, stored or as objects only, and the version that is active."""

from dataclasses import dataclass, replace
from random import Random

from accounts.models import MODERATOR, User
from comments.models import Comment, State
from moderation.actions.decisions import decide
from moderation.features.text_reading import CommentData
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import versions
from moderation.spam_filter.examples import Decision
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

SPAM = [
    "bekuki crystals cure",
    "zorb lanterns at factory cost",
    "my uncle's bekuki saved him",
    "zorb zorb bekuki",
]
GOOD = [
    "the slip must stay",
    "rowers use the piles",
    "the council never asked",
    "a bridge for walkers as well",
]


def post_comment(article, rng: Random, *, is_spam: bool):
    words = [*rng.choice(SPAM if is_spam else GOOD).split(), *rng.choices("abcdefghij", k=3)]
    rng.shuffle(words)
    return make_comment(
        article, " ".join(words) + ".", guest=GuestFactory.create(name=f"Reader {rng.random()}")
    )


def decided_comments(count: int, actor, article=None, seed: int = 1) -> list:
    """Post so many comments, a third of them spam, each decided on separately, and return them."""
    article, rng, made = article or make_article(), Random(seed), []
    for n in range(count):
        comment = post_comment(article, rng, is_spam=n % 3 == 0)
        to, reason = (State.SPAM, "spam") if n % 3 == 0 else (State.PUBLISHED, "approved")
        decide(ids=[comment.pk], to=to, reason=reason, actor=actor)
        made.append(comment)
    return made


@dataclass
class Decided:
    """Comments on which a moderator decided while the starter was active."""

    moderator: User
    comments: list[Comment]


def decide_sixty() -> Decided:
    ModerationSettings.objects.update_or_create(pk=1, defaults={"filter": versions.starter_version()})
    maria = UserFactory.create(name="Maria", email="maria@example.org", roles=(MODERATOR,))
    return Decided(maria, decided_comments(60, maria))


def decided(n: int, *, actor: int = 1, action_id=None, author: str = "", is_spam: bool = True) -> Decision:
    return Decision(
        transition=n,
        comment=n,
        is_spam=is_spam,
        topics=(),
        data=CommentData(body="x"),
        site_results=(),
        actor=actor,
        action_id=action_id,
        author=author or f"g{n}",
    )


def learnable(spam: int, good: int) -> list[Decision]:
    """Return so many decisions of each label, in random order."""
    rng = Random(1)
    labels = [True] * spam + [False] * good
    rng.shuffle(labels)
    return [
        replace(
            decided(n, is_spam=label), data=CommentData(body=f"{rng.choice(SPAM if label else GOOD)} {n}")
        )
        for n, label in enumerate(labels)
    ]


def active_version() -> FilterVersion:
    return ModerationSettings.objects.get().filter
