"""Load the reader and the story of a request, if it may be read."""

from django.http import Http404

from accounts.authentication.second_factors import lacks_required_factor
from accounts.guests import guest_id_from_cookie
from accounts.models import Guest, User
from articles.models import Article
from articles.site.cached_pages import add_dependencies
from articles.site.requests import SiteRequest
from comments.models import Discussion
from comments.reply_target import ReplyTarget, read_reply_target
from comments.thread.reader import Reader
from comments.thread.story import StoryPageData, read_story_page


class UnpublishedStoryError(Http404):
    """The error that a story is no longer published: 404, for which the story's own page answers 410."""

    def __init__(self, article: Article) -> None:
        super().__init__()
        self.article = article


def load_story_page(
    request: SiteRequest, slug: str, *, with_related: bool = False, user: User | None = None
) -> StoryPageData:
    """Return a published story, and register that the page depends on it for the page cache.

    Its related stories are read only `with_related`, and its picks as the member `user` sees
    them. Raises UnpublishedStoryError for a story that was published before, else Http404.
    """
    story_page = read_story_page(slug, request.now, with_related=with_related, user=user)
    if story_page is None:
        raise _not_found(slug)
    add_story_dependencies(request, story_page)
    return story_page


def add_story_dependencies(request: SiteRequest, story: StoryPageData) -> None:
    """Register that the page depends on a story and its discussion, and changes when that closes."""
    article, discussion = story.article, story.discussion
    add_dependencies(
        request,
        articles={article.pk: article.version},
        discussions={article.pk: discussion.version},
        until=discussion.closing_time if discussion.is_open(request.now) else None,
    )


def load_reply_target(request: SiteRequest, slug: str, parent: str | None) -> ReplyTarget:
    """Return the data that a comment on a published story, or a reply to its comment `parent`, needs.

    Sets `request.guest` as well. Raises what load_story_page raises, and Http404 without such a comment.
    """
    is_member = request.user.is_authenticated
    target = read_reply_target(
        slug,
        request.now,
        parent=int(parent) if parent else None,
        user=request.user.pk if is_member else None,
        guest=None if is_member else guest_id_from_cookie(request),
        with_names=request.method == "POST" and not is_member,
    )
    if target is None:
        raise _not_found(slug)
    if parent and target.parent is None:
        raise Http404
    if not is_member:
        request.guest = target.guest
    return target


def _not_found(slug: str) -> Http404:
    """Return the error for a story that is not published."""
    unpublished = Article.objects.filter(slug=slug).exclude(unpublished_at=None).first()
    return UnpublishedStoryError(unpublished) if unpublished else Http404()


def current_member(request: SiteRequest) -> User | None:
    """Return the user who is logged in, or None."""
    return request.user if request.user.is_authenticated else None


def current_writer(request: SiteRequest) -> tuple[User | None, Guest | None]:
    """Return the user who is logged in, or else the guest of the browser's cookie, or (None, None)."""
    if request.user.is_authenticated:
        return request.user, None
    return None, request.guest or None


def current_reader(request: SiteRequest, discussion: Discussion) -> Reader:
    """Return the reader of a page about this discussion.

    A moderator is an ordinary reader until they have the second factor that the site requires from staff.
    """
    user, guest = current_writer(request)
    moderates = user is not None and discussion.can_be_moderated_by(user)
    if user and moderates:
        moderates = not lacks_required_factor(user, request.site)
    return Reader(user, guest, moderates)
