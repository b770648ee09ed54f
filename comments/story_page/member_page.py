"""The page of a story for a member: the discussion is rendered once for all members.

The token of forms, the end of the member's last visit, their draft, whether they follow the discussion, and
the footers of comments that they wrote or recommended fill regions of it.
`member_page` returns None for members whose page differs in more than these: for staff, for authors of
comments in this discussion that are pending or were removed, and for those who muted the author of a comment
on the page. The view makes their page.
"""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpResponse
from django.template.backends.utils import csrf_input
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control

from accounts.models import User
from articles.models import Article
from articles.site.requests import SiteRequest
from comments.following.seen import UnreadCounts, mark_story_seen
from comments.models import (
    DRAFT_COLUMNS,
    DRAFT_JOIN,
    IS_FOLLOWING,
    MUTED_COMMENTS,
    LatestDraft,
    State,
)
from comments.story_page.context import remembered_order
from comments.story_page.first_page import ShellVersions, read_first_page
from comments.story_page.page_shells import (
    PageShell,
    ShellKey,
    page_shells,
    render_regions,
    render_shell,
    shell_key,
    update_story,
)
from comments.thread.pages import Order
from comments.thread.reader import OWN_RECOMMENDATIONS, Reader, personalize
from comments.thread.rendering import render_comment_footers
from comments.thread.rows import ThreadRow, find_duplicate_targets
from comments.thread.story import StoryPageData
from comments.thread.visits import VISIT_COLUMNS, VISIT_JOIN, LastVisit, record_visit
from core.database.sql import fetch_prepared
from core.memory.bounded_cache import BoundedCache
from core.templating.html_regions import HtmlRegions

MAX_BYTES = 32 * 1024 * 1024  # for each process

# The partial index comment_private serves has_private.
_MEMBER_STATE = f"""
SELECT s.version, now(), coalesce(a.version, 0), coalesce(d.version, 0),
       ARRAY(SELECT g.name FROM accounts_user_groups m JOIN auth_group g ON g.id = m.group_id
             WHERE m.user_id = %(user)s),
       EXISTS (SELECT FROM comments_comment c
               WHERE c.author_id = %(user)s AND c.discussion_id = a.id
                 AND c.state NOT IN ('published', 'deleted')),
       {OWN_RECOMMENDATIONS}, {MUTED_COMMENTS},
       coalesce(updates.total, 0), coalesce(updates.of_story, 0), {IS_FOLLOWING}, {VISIT_COLUMNS},
       {DRAFT_COLUMNS}
FROM articles_site s
LEFT JOIN articles_article a ON a.slug = %(slug)s AND a.published_at <= now()
LEFT JOIN comments_discussion d ON d.article_id = a.id
{VISIT_JOIN}{DRAFT_JOIN}
CROSS JOIN LATERAL (SELECT sum(f.news_count) AS total,
                           sum(f.news_count) FILTER (WHERE f.article_id = a.id) AS of_story
                    FROM comments_follow f WHERE f.user_id = %(user)s AND f.news_at IS NOT NULL) updates
WHERE s.id = 1"""


class MemberState(NamedTuple):
    """A member's roles, private comments and recommendations, with the versions of the page."""

    site_version: int
    now: datetime
    article_version: int  # 0 if the story is not published
    discussion_version: int
    roles: list[str]
    has_private: bool  # comments of their own that only they and moderators see
    recommendations: list[tuple[int, bool, bool]] | None  # comment id, is_given, is_counted
    muted: list[int]  # comments by people whom they muted
    unread_total: int  # unread updates
    unread_of_story: int  # those about this story
    is_following: bool  # the discussion, or the replies to them in it
    visit: LastVisit | None
    draft: LatestDraft | None

    @property
    def shell_versions(self) -> ShellVersions:
        return ShellVersions(self.site_version, self.article_version)


@dataclass(frozen=True)
class MemberDiscussion:
    """The regions of a shell as all members see them."""

    versions: ShellVersions
    story: StoryPageData  # with the state of the discussion
    until: datetime | None  # when the discussion closes
    html: HtmlRegions
    regions: dict[str, str]  # the others
    published: dict[int, ThreadRow]  # the published comments of the page, without their texts
    size: int  # bytes
    has_all_comments: bool  # of the discussion

    @property
    def comments(self) -> list[int]:
        """Return the comments of the page, in the thread and above it."""
        return [*self.published, *(pick.id for pick in self.story.picks)]

    def is_current(self, state: MemberState) -> bool:
        return (
            self.versions == state.shell_versions
            and self.story.discussion.version == state.discussion_version
            and (self.until is None or state.now < self.until)
        )


discussions: BoundedCache[tuple[ShellKey, Order], MemberDiscussion] = BoundedCache(MAX_BYTES)


def member_page(request: SiteRequest, slug: str) -> HttpResponse | None:
    """Return the page of a story for a member, or None if it differs in more than the regions."""
    user = request.user
    if not user.is_authenticated or "messages" in request.COOKIES or "_messages" in request.session:
        return None
    if (current := _current_parts(request, user, slug)) is None:
        return None
    shell, cached, state = current
    article, has_all_comments = shell.story.article, cached.has_all_comments
    mark_story_seen(
        request,
        user,
        None,
        article,
        unread=UnreadCounts(state.unread_total, state.unread_of_story),
        comments=cached.published,
        has_all_comments=has_all_comments,
    )
    own_footers = _own_footers(request, cached, user, state)
    since = record_visit(
        request,
        user,
        article,
        cached.story.last_log_number,
        state.visit,
        comments=cached.published,
        # mark_story_seen has marked them if there were unread ones
        mark_updates_seen=has_all_comments and not state.unread_of_story,
    )
    personal = {
        "since": "" if since is None else str(since),
        "member": str(user.pk),
        "csrf": csrf_input(request),
        "draft": _render_draft(request, article, state.draft),
        "new_comments_link": _render_new_comments_link(request, article, state.visit),
    }
    if state.is_following:
        personal["follow_link"] = render_to_string(
            "comments/_follow_link.jinja", {"is_following": True}, request, using="jinja2"
        )
    discussion = cached.html.replace(own_footers | personal)
    account = render_to_string("layout/_account.jinja", {}, request, using="jinja2")
    html = shell.html.replace(cached.regions | {"discussion": discussion, "account": account})
    response = HttpResponse(html)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _current_parts(
    request: SiteRequest, user: User, slug: str
) -> tuple[PageShell, MemberDiscussion, MemberState] | None:
    """Return the page around the discussion, the discussion, and the state of the member.

    Parts that have changed are rendered again. Returns None if the page needs more than these parts, or if it
    changes at this moment.
    """
    key = shell_key(request, slug)
    shell = page_shells.get(key)
    order = shell and remembered_order(request, is_open=shell.story.discussion.is_open())
    cached = discussions.get((key, order)) if order else None
    state = read_member_state(user, slug, cached)
    user.roles = frozenset(state.roles)
    if user.is_staff or state.has_private:
        return None
    if shell is None or not shell.is_current(state.shell_versions, state.now):
        shell = render_shell(request, key)
    if shell is None or not shell.is_current(state.shell_versions, state.now):
        return None
    shell.apply(request, key, state.now)
    if cached is None or not cached.is_current(state):
        order = remembered_order(request, is_open=shell.story.discussion.is_open(state.now))
        cached = _render_discussion(request, shell, key, order)
        if cached is None:
            return None
        state = read_member_state(user, slug, cached)
        if state.discussion_version != cached.story.discussion.version:  # changed in this moment
            return None
    if state.muted:
        return None
    return shell, cached, state


def _render_draft(request: SiteRequest, article: Article, draft: LatestDraft | None) -> str:
    if draft is None:
        return ""
    context = {"draft": draft, "article": article, "zone": article.time_zone}
    return render_to_string("comments/_draft_notice.jinja", context, request, using="jinja2")


def _render_new_comments_link(request: SiteRequest, article: Article, visit: LastVisit | None) -> str:
    if visit is None or (since := visit.log_number_before_new_comments(request.now)) is None:
        return ""
    context = {"article": article, "new_comments_since": since}
    return render_to_string("comments/_new_comments_link.jinja", context, request, using="jinja2")


def read_member_state(user: User, slug: str, cached: MemberDiscussion | None) -> MemberState:
    """Read the state of a member, with their recommendations of the comments of a cached discussion."""
    values = {"user": user.pk, "guest": None, "slug": slug, "comments": cached.comments if cached else []}
    [(*state, at, log_number, previous, has_new, draft_at, parent)] = fetch_prepared(_MEMBER_STATE, values)
    visit = LastVisit(at, log_number, previous, has_new) if at else None
    return MemberState._make([*state, visit, LatestDraft(draft_at, parent) if draft_at else None])


def _render_discussion(
    request: SiteRequest, shell: PageShell, key: ShellKey, order: Order
) -> MemberDiscussion | None:
    """Render the discussion for all members and store it; None where the view has to make the page."""
    first = read_first_page(shell.story.article.pk, order)
    if first is None or not shell.is_current(first.shell_versions, first.now):
        return None
    if (story := update_story(request, key, shell, first, order)) is None:
        return None
    regions = render_regions(request, story, first.page, order, for_members=True)
    html = regions.pop("discussion")
    rows = first.page.rows
    cached = MemberDiscussion(
        first.shell_versions,
        story,
        story.discussion.closing_time if story.discussion.is_open(first.now) else None,
        HtmlRegions(html),
        regions,
        {row.id: row._replace(body_html="") for row in rows if row.state == State.PUBLISHED},
        2 * sys.getsizeof(html) + 1024 * len(rows) + shell.size,
        first.page.is_last_and_complete,
    )
    # The version of an original in another discussion would have to be compared as well.
    if all(article == story.article.pk for article, _version, _version_there in find_duplicate_targets(rows)):
        discussions.put((key, order), cached)
    return cached


def _own_footers(
    request: SiteRequest, cached: MemberDiscussion, user: User, state: MemberState
) -> dict[str, str]:
    """Return the footers of comments that the member wrote or recommended, by the name of their region."""
    recommended = {pk: (is_given, is_counted) for pk, is_given, is_counted in state.recommendations or ()}
    author = user.pk  # read once: the user of a request is a lazy object, whose attributes are slow
    rows = [
        row._replace(level=0)
        for row in cached.published.values()
        if row.author_id == author or row.id in recommended
    ]
    if not rows:
        return {}
    rows, viewer = personalize(rows, Reader(user=user), recommended)
    return render_comment_footers(request, cached.story, rows, viewer)
