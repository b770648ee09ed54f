"""The navigation of the newsroom: its sections, and the pages of the current section, for one person."""

from functools import lru_cache
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class NavigationLink(NamedTuple):
    """A link of the navigation."""

    name: Any  # a translated text
    href: str
    current: str = ""  # value of aria-current: "page" for the page itself, "true" for one that belongs to it


class NewsroomNavigation(NamedTuple):
    """The two rows of the navigation. `label` names the second one, which may be empty."""

    sections: list[NavigationLink]
    label: Any
    pages: list[NavigationLink]


class _Page(NamedTuple):
    """A page, or a section: the page that it opens, with those below it."""

    name: Any  # a translated text
    url_name: str
    roles: tuple[str, ...] = ()  # properties of User of which one has to be true; none: everybody
    pages: tuple["_Page", ...] = ()
    label: Any = ""  # of the row of `pages`; the name unless given
    paths: tuple[str, ...] = ()  # beginnings of the paths of further pages that belong to the section


MODERATORS, EDITORS, ADMINISTRATORS = ("is_moderator",), ("is_editor",), ("is_administrator",)
MODERATORS_AND_EDITORS = MODERATORS + EDITORS
SECTIONS = [
    _Page(_("Newsroom"), "admin:index"),
    _Page(
        _("Comments"),
        "moderation:queue",
        MODERATORS_AND_EDITORS,
        (
            _Page(_("Queues"), "moderation:queue"),
            _Page(_("Similar comments"), "moderation:similar"),
            _Page(_("Discussions"), "moderation:discussions"),
            _Page(_("Dashboard"), "moderation:dashboard", MODERATORS),
            _Page(_("Requests"), "moderation:requests", ADMINISTRATORS),
            _Page(_("Restricted"), "moderation:restricted", ADMINISTRATORS),
            _Page(_("Delete permanently"), "moderation:purge", ADMINISTRATORS),
        ),
        label=_("Moderation"),
        paths=("/admin/comments/",),
    ),
    _Page(
        _("Stories"),
        "admin:articles_article_changelist",
        EDITORS,
        (
            _Page(_("All stories"), "admin:articles_article_changelist"),
            _Page(_("Front page"), "admin:articles_pin_changelist"),
            _Page(_("Newsletters"), "admin:articles_newsletter_changelist"),
            _Page(_("Images"), "admin:articles_image_changelist"),
            _Page(_("Topics"), "admin:articles_topic_changelist"),
            _Page(_("Authors"), "admin:articles_author_changelist"),
            _Page(_("Import"), "admin:archive_import_changelist"),
        ),
        paths=("/admin/articles/", "/admin/archive/"),
    ),
    _Page(_("Pages"), "admin:articles_standingpage_changelist", EDITORS),
    _Page(_("People"), "moderation:people", MODERATORS_AND_EDITORS),
    _Page(
        _("Rules"),
        "moderation:rules",
        MODERATORS,
        (_Page(_("All rules"), "moderation:rules"), _Page(_("Spam filter"), "moderation:filter")),
    ),
    _Page(
        _("Actions"),
        "moderation:history",
        MODERATORS_AND_EDITORS,
        (
            _Page(_("All actions"), "moderation:history", MODERATORS),
            _Page(_("Audit log"), "moderation:audit-log", MODERATORS),
        ),
    ),
    _Page(
        _("Settings"),
        "owner-settings",
        ADMINISTRATORS,
        (
            _Page(_("All settings"), "owner-settings"),
            _Page(_("Test e-mail"), "owner-mail"),
            _Page(_("Redirects"), "admin:articles_redirect_changelist"),
            _Page(_("People and roles"), "admin:accounts_user_changelist"),
        ),
        paths=("/owner/",),
    ),
    _Page(_("System status"), "owner-status", ADMINISTRATORS),
]

_url = lru_cache(reverse)  # of names without arguments


def newsroom_navigation(user: User | AnonymousUser, path: str) -> NewsroomNavigation:
    """Return the navigation on the page with this path: only links that this person may open."""
    current = _section_of(path, is_administrator=_may_open(user, ADMINISTRATORS))
    sections, label, pages = [], "", list[NavigationLink]()
    for section in SECTIONS:
        if _may_open(user, section.roles):
            is_current = section.url_name == current
            sections.append(_link(section.name, _url(section.url_name), path, is_current=is_current))
            if is_current:
                label, pages = section.label or section.name, _page_links(section, user, path)
    return NewsroomNavigation(sections, label, pages)


def _page_links(section: _Page, user: User | AnonymousUser, path: str) -> list[NavigationLink]:
    links = [(page.name, _url(page.url_name)) for page in section.pages if _may_open(user, page.roles)]
    # The reply structure and the form that moves a comment in it belong to the discussions.
    is_structure = path.startswith("/admin/comments/") or _is_move(path)
    path_in_section = _url("moderation:discussions") if is_structure else path
    # The longest URL, as that of the queues begins all others of moderation.
    current = max((href for _name, href in links if path_in_section.startswith(href)), key=len, default="")
    return [_link(name, href, path, is_current=href == current) for name, href in links]


def _is_move(path: str) -> bool:
    return path.startswith("/moderation/comments/") and path.endswith("/move/")


def _link(name: str, href: str, path: str, *, is_current: bool) -> NavigationLink:
    return NavigationLink(name, href, ("page" if path == href else "true") if is_current else "")


def _may_open(user: User | AnonymousUser, roles: tuple[str, ...]) -> bool:
    """Return whether this person has one of the roles; some pages are also shown before a log-in."""
    return not roles or any(getattr(user, role, False) for role in roles)


def _section_of(path: str, *, is_administrator: bool) -> str:
    """Return the URL name of the section that a page belongs to, or ""."""
    if path == _url("admin:index"):
        return "admin:index"
    if path.startswith("/admin/accounts/"):
        # For administrators the accounts are a page of the settings; moderators only read them.
        return "owner-settings" if is_administrator else "moderation:people"
    sections = _sections_by_prefix()
    return sections[max(filter(path.startswith, sections), key=len)]


@lru_cache
def _sections_by_prefix() -> dict[str, str]:
    """Return the URL name of the section by the beginning of its pages' paths. The longest one counts."""
    found = {"": ""}
    for section in SECTIONS[1:]:  # not the index of the admin, with whose path those of all its pages begin
        names = [section.url_name, *(page.url_name for page in section.pages)]
        found |= dict.fromkeys([*map(_url, names), *section.paths], section.url_name)
    return found
