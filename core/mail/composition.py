"""Mails as text and as HTML, both rendered from one text template.

The template is rendered twice: without escaping as text, and with escaping as the content of
templates/mail/message.html, which has the site's look. Links, buttons and quotations are made by the tags of
core/templatetags/mail.py alone. Nothing is searched for in the rendered text, so what other people typed
never becomes one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.defaultfilters import linebreaksbr
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from core.appearance.accent import theme_colors
from core.mail.messages import SharedMessage, TrackedMail

_BLANK_LINES = re.compile(r"\n\s*\n")
_BLOCKS = ("<table", "<blockquote", "<p ")  # only template tags produce these; other text is escaped


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


_PLACEHOLDER = f"token-{token_hex(8)}"  # each process has its own


def placeholder(number: int) -> str:
    """Return the placeholder for a person's token in a BulkMail. No text that people write can contain it."""
    return f"{_PLACEHOLDER}-{number}-"


@dataclass(frozen=True)
class BulkMail:
    """A rendered mail that many people get. It has placeholders for the tokens that are each person's own."""

    subject: str
    rendered: MailText
    kind: str | Promise  # category under which failures are recorded, translated into the site's language
    shared: SharedMessage = field(default_factory=SharedMessage)

    def compose_for(self, email: str, tokens: Sequence[str], *, unsubscribe_path: str) -> TrackedMail:
        """Return the mail to one person, which mail programs can unsubscribe from with one press (RFC 8058).

        `tokens` are in the order of the placeholders.
        """
        text, html = self.rendered
        for number, token in enumerate(tokens):
            text, html = text.replace(placeholder(number), token), html.replace(placeholder(number), token)
        mail = TrackedMail(self.subject, text, to=[email])
        mail.attach_alternative(html, "text/html")
        mail.kind, mail.shared, mail.own_values = self.kind, self.shared, tuple(tokens)
        mail.extra_headers = unsubscribe_headers(unsubscribe_path)
        return mail


def unsubscribe_headers(path: str) -> dict[str, str]:
    """Return the headers with which mail programs unsubscribe by one press, at this path (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{settings.SITE_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }


def compose_mail(
    template: str, subject: str, to: str, *, site: MailSite, **context: Any
) -> EmailMultiAlternatives:
    """Return a mail made from a text template, as `render_mail` renders it."""
    rendered = render_mail(template, subject, site=site, **context)
    mail = EmailMultiAlternatives(subject, rendered.text, to=[to])
    mail.attach_alternative(rendered.html, "text/html")
    return mail


def render_mail(template: str, subject: str, *, site: MailSite, **context: Any) -> MailText:
    """Return a mail as text and HTML. The template also gets `site` and `site_url`.

    The footer is added here. The language is the active one.
    """
    colors = theme_colors(site.accent)
    values = {
        **context,
        "site": site,
        "site_url": settings.SITE_URL,
        "subject": subject,
        "light_colors": colors.light,
        "dark_colors": colors.dark,
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
