"""Template tags of the pages about second factors."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django import template

from accounts.authentication.second_factors import is_second_factor_required, second_factors
from accounts.models import User

register = template.Library()


@register.simple_tag
def can_read_recovery_codes(user: User) -> bool:
    """Return whether the codes can be read. They can't if they were stored with another SECRET_KEY."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return codes is None or get_adapter().can_decrypt(codes.data["seed"])


@register.simple_tag
def is_last_required_factor(user: User, site: Any) -> bool:
    """Return whether the user has a single second factor and the site requires one from them."""
    return is_second_factor_required(user, site) and is_only_factor(user)


@register.simple_tag
def is_only_factor(user: User) -> bool:
    """Return whether the user has a single second factor."""
    return second_factors(user).count() == 1
