"""Mails as text and as HTML, both rendered from one text template.

The template is rendered twice: without escaping as text, and with escaping as the content of
templates/mail/message.html, which has the site's look. Links, buttons and quotations are made by the tags of
core/templatetags/mail.py alone. Nothing is searched for in the rendered text, so what other people typed
never becomes one.
"""

import re
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.defaultfilters import linebreaksbr
from django.utils.safestring import SafeString

from core.appearance.accent import theme_colors

_BLANK_LINES = re.compile(r"\n\s*\n")
_BLOCKS = ("<table", "<blockquote")  # of the tags; other text can't begin so, since it is escaped


class MailSite(Protocol):
    """The settings of the site that its mails show."""

    @property
    def name(self) -> str: ...
    @property
    def contact_email(self) -> str: ...
    @property
    def accent(self) -> str: ...


class MailText(NamedTuple):
    """A rendered mail: the same content as text and as HTML."""

    text: str
    html: str


def compose_mail(
    template: str, subject: str, to: str, *, site: MailSite, **context: Any
) -> EmailMultiAlternatives:
    """Return a mail made from a text template, as `render_mail` renders it."""
    rendered = render_mail(template, subject, site=site, **context)
    mail = EmailMultiAlternatives(subject, rendered.text, to=[to])
    mail.attach_alternative(rendered.html, "text/html")
    return mail


def render_mail(template: str, subject: str, *, site: MailSite, **context: Any) -> MailText:
    """Return a mail as text and HTML. The template also gets `site` and `url` (of the site).

    The footer is added here. The language is the active one.
    """
    colors = theme_colors(site.accent)
    values = {
        **context,
        "site": site,
        "url": settings.SITE_URL,
        "subject": subject,
        "light": colors.light,
        "dark": colors.dark,
    }
    text = _render(template, values, autoescape=False).strip()
    html = _paragraphs(_render(template, values, autoescape=True))
    return MailText(
        _render("mail/message.txt", {**values, "content": text}, autoescape=False),
        _render("mail/message.html", {**values, "content": html}, autoescape=True),
    )


def _render(template: str, values: dict[str, Any], *, autoescape: bool) -> SafeString:
    # Not render_to_string, which always escapes.
    return Engine.get_default().get_template(template).render(Context(values, autoescape=autoescape))


def _paragraphs(escaped: str) -> SafeString:
    """Return escaped text as paragraphs, which blank lines separate, with line breaks.

    Each has the direction of its own letters: a title can be in another script than the mail.
    """
    blocks = filter(None, map(str.strip, _BLANK_LINES.split(escaped)))
    html = (
        block if block.startswith(_BLOCKS) else f'<p dir="auto">{linebreaksbr(block, autoescape=False)}</p>'
        for block in blocks
    )
    return SafeString("\n".join(html))
