"""The pages of one's own account, for the masthead's account menu and the navigation of these pages."""

from functools import lru_cache

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

PAGES = (  # name of the URL, label
    ("notifications", _("Notifications")),
    ("following", _("Following")),
    ("newsletter-account", _("Newsletter")),
    ("my-comments", _("My comments")),
    ("account-status", _("Account status")),
    ("muted-people", _("Muted people")),
    ("public-page-settings", _("Public page")),
    ("language", _("Language")),
    ("account_email", _("E-mail")),
    ("account_change_password", _("Password")),
    ("devices", _("Devices")),
    ("mfa_index", _("Two-factor authentication")),
    ("my-data", _("My data")),
)
# Guests have these pages, too.
GUEST_PAGES = {"notifications", "following", "my-comments", "account-status", "my-data"}


def account_links(*, is_member: bool, path: str) -> SafeString:
    """Return list items with a link to each page that a member, or else a guest, has.

    The one of this path is marked as current, also on the pages below it, such as that of recovery codes.
    """
    return _account_links(is_member, path if path.startswith("/account") else "", get_language())


@lru_cache(maxsize=256)  # they stand in the masthead of every member's page
def _account_links(is_member: bool, path: str, language: str | None) -> SafeString:
    pages = [(reverse(name), label) for name, label in PAGES if is_member or name in GUEST_PAGES]
    return format_html_join(
        "\n",
        '<li><a href="{}"{}>{}</a></li>',
        ((url, _aria_current(url, path), label) for url, label in pages),
    )


def _aria_current(url: str, path: str) -> SafeString | str:
    if url == path:
        return mark_safe(' aria-current="page"')
    return mark_safe(' aria-current="true"') if path.startswith(url) else ""
