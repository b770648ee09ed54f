"""Second factors of accounts (authenticator apps, security keys and passkeys), which allauth.mfa stores."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import SecondFactorRemoval, User


def second_factors(user: User) -> QuerySet[Authenticator, Any]:
    """Return the apps and keys of a user, without their recovery codes."""
    authenticators: QuerySet[Authenticator, Any] = Authenticator.objects.filter(user=user)
    return authenticators.exclude(type=Authenticator.Type.RECOVERY_CODES)


def has_second_factor(user: User) -> bool:
    """Return whether a log-in of this user needs more than the password."""
    return second_factors(user).exists()


def is_second_factor_required(user: User, site: Any) -> bool:
    """Return whether the site requires a second factor from this user. `site` is articles.models.Site."""
    return user.is_staff and bool(site.staff_need_second_factor)


def lacks_required_factor(user: User, site: Any) -> bool:
    """Return whether the site requires a second factor that this member of staff does not have."""
    return is_second_factor_required(user, site) and not has_second_factor(user)


def fully_authenticated_user(request: Any) -> User | None:
    """Return the user who made a request for a public page, or None if nobody is logged in.

    Also None for staff who lack the second factor that the site requires: they see the page as visitors do.
    """
    user = request.user
    return None if not isinstance(user, User) or lacks_required_factor(user, request.site) else user


@transaction.atomic
def remove_second_factors(user: User) -> int:
    """Remove all second factors of a user with their recovery codes, and log it. Return their number."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    if count:
        SecondFactorRemoval.objects.create(user=user)
    return count
