"""Who asks, and of which story: to load it is to check that it may be read."""

import re

from django.http import Http404, HttpRequest

from accounts.models import Guest, User
from articles.models import Article
from articles.site.cached_pages import depends
from comments.models import Discussion
from comments.thread.reading import Reader, Story, read_story


class TakenBackError(Http404):
    """Of a story that readers knew: its own page says so, and beneath it there is nothing."""

    def __init__(self, article: Article) -> None:
        super().__init__()
        self.article = article


def load_story(request: HttpRequest, slug: str) -> Story:
    """What the page then depends on. Raises Http404 for a story that is not published, TakenBackError for one
    that was."""
    found = read_story(slug, request.now)  # type: ignore[attr-defined]
    if found is None:
        if taken_back := Article.objects.filter(slug=slug).exclude(taken_back_at=None).first():
            raise TakenBackError(taken_back)
        raise Http404
    article, discussion = found.article, found.discussion
    depends(
        request,
        articles={article.pk: article.version},
        discussions={article.pk: discussion.version},
        until=discussion.end if is_open(request, discussion) else None,
    )
    return found


def asked_number(request: HttpRequest, name: str) -> int | None:
    """What a key of the query gives; None where it is absent or empty. Raises Http404 for what is no number,
    or one that Postgres refuses."""
    if not (text := request.GET.get(name)):
        return None
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise Http404
    return int(text)


def is_open(request: HttpRequest, discussion: Discussion) -> bool:
    return discussion.is_open(request.now)  # type: ignore[attr-defined]


def writer_of(request: HttpRequest) -> tuple[User | None, Guest | None]:
    """As whom this browser writes: an account, else the guest that its cookie names, else nobody yet."""
    if request.user.is_authenticated:
        return request.user, None
    return None, request.guest or None  # type: ignore[attr-defined]


def reader_of(request: HttpRequest, article: Article) -> Reader:
    user, guest = writer_of(request)
    moderates = user is not None and (user.is_moderator or article.can_be_edited_by(user))
    return Reader(user, guest, moderates)
