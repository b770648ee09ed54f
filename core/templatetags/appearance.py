"""Icons and avatars of names, for Django's templates; Jinja templates call the functions themselves."""

from django import template

from core.appearance.avatars import avatar
from core.appearance.icons import icon

register = template.Library()
register.simple_tag(avatar)
register.simple_tag(icon)
