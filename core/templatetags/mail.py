"""Tags for the text templates of mails: links, buttons, quotations, headings and pictures.

core/mail/composition.py renders each template twice. Without autoescape the result is text, where a tag
writes plain words. With autoescape it is HTML.
"""

import unicodedata
from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def link(context: Context, url: str) -> str:
    """Write a URL, or a path of the site as one. In HTML it is a link."""
    url = _absolute(context, url)
    return _html(context, "link", url=url) if context.autoescape else url


@register.simple_tag(takes_context=True)
def button(context: Context, url: str, label: str) -> str:
    """Write the URL of the one action that the mail is about. In HTML a button with the label is above it."""
    url = _absolute(context, url)
    return _block(context, "button", url=url, label=label) if context.autoescape else url


@register.simple_tag(takes_context=True)
def quotation(context: Context, text: str) -> str:
    """Write words of a comment in quotation marks. In HTML they are a quotation, without any link."""
    if not context.autoescape:
        return f"“{text}”"
    return _block(context, "quotation", text=text, is_right_to_left=_is_right_to_left(text))


@register.simple_tag(takes_context=True)
def heading(context: Context, text: str) -> str:
    """Write the title of a story. In HTML it is large, in text two empty lines are above it."""
    return _block(context, "heading", text=text) if context.autoescape else f"\n{text}"


@register.simple_tag(takes_context=True)
def picture(context: Context, href: str, image: dict[str, Any]) -> str:
    """Write the picture of a story, which links to `href`, in HTML only.

    `image` has its url, alt, width and height. The URL must be the same for all recipients.
    """
    return _block(context, "picture", href=_absolute(context, href), **image) if context.autoescape else ""


def _is_right_to_left(text: str) -> bool:
    """Return whether a text is written from right to left, which dir="auto" takes from its first letter."""
    directions = (unicodedata.bidirectional(character) for character in text)
    first = next((direction for direction in directions if direction in {"L", "R", "AL"}), None)
    return first in {"R", "AL"}


def _absolute(context: Context, url: str) -> str:
    return f"{context['site_url']}{url}" if url.startswith("/") else url


def _block(context: Context, name: str, **values: Any) -> SafeString:
    """Return the HTML between blank lines, which separate it from the paragraphs of the mail."""
    return SafeString(f"\n\n{_html(context, name, **values)}\n\n")


def _html(context: Context, name: str, **values: Any) -> SafeString:
    html = render_to_string(f"mail/_{name}.html", {"light_colors": context["light_colors"], **values})
    return SafeString(html.strip())
