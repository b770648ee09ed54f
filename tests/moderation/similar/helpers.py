"""Helpers for tests of the pages of similar comments: make a group and find its page."""

from django.urls import reverse

from articles.models import Article
from comments.models import Comment
from moderation.models import CommentGroup, CommentGroupMember
from moderation.similar import scan
from tests.factories import GuestFactory, make_comment

LIST = reverse("moderation:similar")
GOOD = "The slip closes because the piles rotted, and nobody said so at the council's meeting in March."


def flood(article: Article, count: int) -> list[Comment]:
    """Create comments with the same phrases, each with its own number and name."""
    return [
        make_comment(
            article,
            f"{n + 10000} {n + 20000} Truly a marvellous magazine with splendid columns, my cousin number "
            f"{n} was also wondering about such columns all winter long.",
            guest=GuestFactory.create(name=f"Cousin {n}"),
        )
        for n in range(count)
    ]


def members(group: CommentGroup) -> set[int]:
    return set(CommentGroupMember.objects.filter(group=group).values_list("comment", flat=True))


def only_group() -> CommentGroup:
    scan.run_scan()
    return CommentGroup.objects.get()


def url(group: CommentGroup) -> str:
    return reverse("moderation:group", args=[group.pk])
