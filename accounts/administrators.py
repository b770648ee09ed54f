"""The first administrator of a site, created with a set-up link, and the lock that keeps the last one."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.urls import reverse

from accounts.models import ADMINISTRATOR, User

SETUP_LINK_MAX_AGE = timedelta(days=1)

_setup_signer = TimestampSigner(salt="accounts.setup")


class SetUpLinkError(Exception):
    """The error that a set-up link is invalid or expired, or that the site has an administrator already."""


def has_no_administrator() -> bool:
    return not User.objects.administrators().exists()


def make_setup_link() -> str:
    """Return the URL of the set-up. It works for a day, while there is no administrator."""
    return settings.SITE_URL + reverse("setup", args=[_setup_signer.sign("administrator")])


def is_setup_token_valid(token: str) -> bool:
    """Return whether the set-up link with this token still works."""
    try:
        _setup_signer.unsign(token, max_age=SETUP_LINK_MAX_AGE)
    except BadSignature:
        return False
    return has_no_administrator()


def lock_administrators() -> None:
    """Wait for other transactions that add or remove an administrator, so that one of them is left."""
    # FOR UPDATE would also make each insert wait that refers to the group.
    Group.objects.select_for_update(no_key=True).get(name=ADMINISTRATOR)


@transaction.atomic
def create_first_administrator(*, token: str, name: str, email: str, password: str) -> User:
    """Create the first administrator. Raises SetUpLinkError, also for the second of two requests at once."""
    lock_administrators()
    if not is_setup_token_valid(token):
        raise SetUpLinkError
    user = User.objects.create_user(email, password, name=name, roles=(ADMINISTRATOR,))
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    return user
