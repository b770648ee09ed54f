"""The avatar of a name, for Django's templates; Jinja templates call the function itself."""

from django import template

from core.appearance.avatars import avatar

register = template.Library()
register.simple_tag(avatar)
