"""The template tag that says whether recovery codes can be read."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django import template

from accounts.models import User

register = template.Library()


@register.simple_tag
def can_read_recovery_codes(user: User) -> bool:
    """Return whether the codes can be read. They can't if they were stored with another SECRET_KEY."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return codes is None or get_adapter().can_decrypt(codes.data["seed"])
