"""Template tags that show images."""

from django import template
from django.utils.safestring import SafeString

from articles.images import html
from articles.models import Image

register = template.Library()


@register.simple_tag
def figure(image: Image) -> SafeString:
    """Show a story's lead image with its caption and credit."""
    return html.figure(image, is_first=True)


@register.simple_tag
def cropped(image: Image, is_first: object) -> SafeString:
    """Show a lead image in a list, cropped."""
    return html.cropped(image, is_first=bool(is_first))
