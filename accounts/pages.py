"""The pages of one's own account, for the masthead's account menu and the navigation of these pages."""

from functools import lru_cache

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

PAGES = (  # name of the URL, label
    ("notifications", _("Notifications")),
    ("following", _("Following")),
    ("my-comments", _("My comments")),
    ("account-status", _("Account status")),
    ("muted-people", _("Muted people")),
    ("public-page", _("Public page")),
    ("account_email", _("E-mail")),
    ("account_change_password", _("Password")),
    ("devices", _("Devices")),
    ("mfa_index", _("Two-factor authentication")),
    ("my-data", _("My data")),
)
# This browser's guest has these, too.
OF_GUESTS = {"notifications", "following", "my-comments", "account-status", "my-data"}


def account_pages(*, is_member: bool) -> list[tuple[str, str]]:
    """Return the URL and the label of each page that a member, or else a guest, has."""
    return _account_pages(is_member, get_language())


@lru_cache(maxsize=64)  # they stand in the masthead of every member's page
def _account_pages(is_member: bool, language: str | None) -> list[tuple[str, str]]:
    return [(reverse(name), str(label)) for name, label in PAGES if is_member or name in OF_GUESTS]
