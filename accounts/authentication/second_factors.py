"""Second factors of accounts (authenticator apps, security keys and passkeys), which allauth.mfa stores."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.models import SecondFactorRemoval, User


def has_second_factor(user: User) -> bool:
    """Return whether a log-in of this user needs more than the password."""
    found = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(found.exists())


def lacks_required_factor(user: User, site: Any) -> bool:
    """Return whether the site requires a second factor that this member of staff does not have.

    `site` is articles.models.Site, of a later app.
    """
    return user.is_staff and site.staff_need_second_factor and not has_second_factor(user)


@transaction.atomic
def remove_second_factors(user: User) -> int:
    """Remove all second factors of a user with their recovery codes, and log it. Return their number."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    if count:
        SecondFactorRemoval.objects.create(user=user)
    return count
