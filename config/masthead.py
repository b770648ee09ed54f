"""The template context of every page: the masthead, the theme and the site's URL."""

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.urls import reverse

from accounts.authentication.second_factors import fully_authenticated_user
from accounts.emails import EMAIL_IS_CONFIRMED
from accounts.guests import guest_id_from_cookie
from articles.site.requests import SiteRequest
from core.appearance.tokens import THEMES
from core.database.sql import fetch_together
from moderation.queue import queues

# TopicQuerySet.with_articles, the menu of standing pages, the unread updates and the newsletters of a member,
# in one statement. `number`: the position of a page, or the number of a follow's updates.
MASTHEAD_SQL = f"""
(SELECT 'topic' AS kind, t.name, t.slug, 0 AS number FROM articles_topic t
WHERE t.shown AND (
  SELECT m.id FROM articles_article_topics m
  WHERE m.topic_id = t.id AND (SELECT a.id FROM articles_article a
                               WHERE a.id = m.article_id AND a.published_at <= %(now)s LIMIT 1) IS NOT NULL
  LIMIT 1) IS NOT NULL
ORDER BY t.name LIMIT 6)
UNION ALL
(SELECT menu, title, slug, place FROM articles_standingpage
WHERE shown AND menu <> 'none' ORDER BY place, title LIMIT 12)
UNION ALL
(SELECT 'unread', coalesce(article_id::text, ''), '', news_count FROM comments_follow
WHERE news_at IS NOT NULL AND (user_id = %(user)s OR guest_id = %(guest)s))
UNION ALL
(SELECT 'newsletter', coalesce(o.topic_id::text, ''), '', 0 FROM accounts_user u
JOIN account_emailaddress e ON {EMAIL_IS_CONFIRMED}
JOIN articles_subscriber s ON s.email = lower(e.email) JOIN articles_subscription o ON o.subscriber_id = s.id
WHERE u.id = %(user)s AND o.confirmed_at IS NOT NULL)
ORDER BY number, 2"""


class Link(NamedTuple):
    """A link of the header or the footer."""

    name: str
    url: str


class Masthead:
    """The links of the header and the footer, read in one statement when a template uses them.

    `unread` has the id of the story of each follow of the reader with unread updates, None for that of a
    topic, and the number of these updates. `is_for_guest` says that the reader is a guest: the shell of
    a story's page, which all share, is rendered without a reader but with the masthead of the member who
    needs it. `newsletters` has the ids of the topics whose stories a member gets by e-mail, None for all
    stories.
    `pending_count` is the number of pending cases on which the person may decide, up to MAX_PENDING_COUNT.
    """

    def __init__(self, request: SiteRequest) -> None:
        user: Any = getattr(request, "user", None) or AnonymousUser()  # an error page may have no user
        member = user.pk
        guest = None if member else guest_id_from_cookie(request)
        self.is_for_guest = guest is not None
        queries: dict[str, str | QuerySet[Any, Any]] = {"masthead": MASTHEAD_SQL}
        decides = member and (user.is_moderator or user.is_editor) and fully_authenticated_user(request)
        if decides and not hasattr(request, "pending_count"):
            queries["pending"] = queues.pending_cases(user).values("pk")
        found = fetch_together(queries, {"now": request.now, "user": member, "guest": guest})
        self.pending_count = getattr(request, "pending_count", len(found.get("pending", ())))
        rows = [(row["kind"], row["name"], row["slug"], row["number"]) for row in found["masthead"]]
        self.unread = [(int(pk) if pk else None, count) for kind, pk, _, count in rows if kind == "unread"]
        self.newsletters = {int(pk) if pk else None for kind, pk, _, _ in rows if kind == "newsletter"}
        self.topics = [
            Link(name, reverse("topic", args=[slug])) for kind, name, slug, _ in rows if kind == "topic"
        ]
        pages = [
            (kind, Link(name, reverse("page", args=[slug])))
            for kind, name, slug, _ in rows
            if kind in {"top", "foot"}
        ]
        self.header_pages = [link for kind, link in pages if kind == "top"]
        self.footer_pages = [link for _, link in pages]

    def count_unread(self, article: int | None = None) -> int:
        """Return the number of unread updates, by default all, or of those about one story."""
        return sum(count for pk, count in self.unread if article is None or pk == article)

    def is_subscribed(self, topic: int | None) -> bool:
        """Return whether a member gets the stories of a topic, or all stories (None), by e-mail."""
        return not self.newsletters.isdisjoint({None, topic})


def masthead(request: SiteRequest) -> dict[str, object]:
    """Return the context of every page.

    `masthead` is that of the request (config.middleware.MastheadMiddleware); `theme` is "" if the reader
    chose none; `site_url` is for absolute URLs.
    """
    theme = request.COOKIES.get("theme", "")
    return {
        "masthead": request.masthead,
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
    }
