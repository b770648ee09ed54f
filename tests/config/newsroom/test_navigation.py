"""The navigation of the newsroom by path and role. tests/config/owner/test_front_page.py sees it on pages."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from config.newsroom.navigation import SECTIONS, NavigationLink, newsroom_navigation

MODERATOR = {"is_moderator"}
EDITOR = {"is_editor"}
ADMINISTRATOR = {"is_moderator", "is_editor", "is_administrator"}


def navigation(roles: set[str], path: str) -> Any:
    return newsroom_navigation(SimpleNamespace(**dict.fromkeys(roles, True)), path)  # type: ignore[arg-type]


def current(links: list[NavigationLink]) -> list[tuple[str, str]]:
    return [(link.name, link.current) for link in links if link.current]


@pytest.mark.parametrize(
    ("path", "roles", "section", "page"),
    [
        ("/admin/", ADMINISTRATOR, ("Newsroom", "page"), None),
        ("/moderation/", MODERATOR, ("Comments", "page"), ("Queues", "page")),
        ("/moderation/comments/7/", EDITOR, ("Comments", "true"), ("Queues", "true")),
        ("/moderation/similar/", MODERATOR, ("Comments", "true"), ("Similar comments", "page")),
        ("/admin/comments/comment/", MODERATOR, ("Comments", "true"), ("Discussions", "true")),
        ("/moderation/comments/7/move/", EDITOR, ("Comments", "true"), ("Discussions", "true")),
        ("/moderation/purge/", ADMINISTRATOR, ("Comments", "true"), ("Delete permanently", "page")),
        ("/admin/articles/article/add/", EDITOR, ("Stories", "true"), ("All stories", "true")),
        ("/admin/archive/import/", EDITOR, ("Stories", "true"), ("Import", "page")),
        ("/admin/articles/standingpage/", EDITOR, ("Pages", "page"), None),
        ("/moderation/people/u7/", MODERATOR, ("People", "true"), None),
        ("/moderation/filter/", MODERATOR, ("Rules", "true"), ("Spam filter", "page")),
        ("/moderation/actions/", MODERATOR, ("Actions", "page"), ("All actions", "page")),
        ("/moderation/actions/", EDITOR, ("Actions", "page"), None),
        ("/moderation/log/", ADMINISTRATOR, ("Actions", "true"), ("Audit log", "page")),
        ("/admin/articles/redirect/", ADMINISTRATOR, ("Settings", "true"), ("Redirects", "page")),
        ("/owner/status/", ADMINISTRATOR, ("System status", "page"), None),
        ("/admin/accounts/user/", ADMINISTRATOR, ("Settings", "true"), ("People and roles", "page")),
        ("/admin/accounts/user/", MODERATOR, ("People", "true"), None),
        ("/admin/password_change/", ADMINISTRATOR, None, None),
    ],
)
def test_the_current_section_and_page(
    path: str, roles: set[str], section: tuple[str, str] | None, page: tuple[str, str] | None
) -> None:
    found = navigation(roles, path)
    assert current(found.sections) == ([section] if section else [])
    assert current(found.pages) == ([page] if page else [])


def test_a_section_that_a_person_may_not_open_has_no_pages() -> None:
    found = navigation(EDITOR, reverse("moderation:rules"))
    assert "Rules" not in [link.name for link in found.sections]
    assert found.pages == []


def test_pages_of_administrators_are_left_out_for_moderators() -> None:
    pages = [link.name for link in navigation(MODERATOR, reverse("moderation:queue")).pages]
    assert pages == ["Queues", "Similar comments", "Discussions", "Dashboard"]


def test_only_the_front_page_is_linked_before_a_log_in() -> None:
    found = newsroom_navigation(AnonymousUser(), reverse("moderation:queue"))
    assert [link.name for link in found.sections] == ["Newsroom"]
    assert found.pages == []


def test_each_section_and_page_has_a_url() -> None:
    for section in SECTIONS:
        for name in (section.url_name, *(page.url_name for page in section.pages)):
            assert reverse(name).startswith("/")
