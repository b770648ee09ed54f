"""An icon, for Django's templates; Jinja templates call the function itself."""

from django import template

from core.appearance.icons import icon

register = template.Library()
register.simple_tag(icon)
