"""Second factors of accounts (authenticator apps, security keys and passkeys), which allauth.mfa stores."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.models import SecondFactorRemoval, User


def has_second_factor(user: User) -> bool:
    """Return whether a log-in of this user needs more than the password."""
    found = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(found.exists())


@transaction.atomic
def remove_second_factors(user: User) -> int:
    """Remove all second factors of a user with their recovery codes, and log it. Return their number."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    if count:
        SecondFactorRemoval.objects.create(user=user)
    return count
