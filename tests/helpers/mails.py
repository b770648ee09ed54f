"""Check of the words and links of a mail."""

import re
from email.message import EmailMessage as ParsedMessage
from html.parser import HTMLParser

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives

VOID = {"meta", "br", "img"}


class MailHtml(HTMLParser):
    """The HTML of a mail: its text without the header and the labels of buttons, its tags and its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.buttons: list[str] = []  # their labels
        self.quotations: list[str] = []
        self.tags: set[str] = set()
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self._open == [], "each element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if tag == "img":  # an image of a story, whose URL reveals nothing about the recipient
            assert "alt" in values
            path = (values["src"] or "").removeprefix(settings.SITE_URL)
            assert re.fullmatch(r"/images/[0-9]+/(w[0-9]+|full)\.(jpg|png)", path), path
        if href := values.get("href"):
            self.links.append(href)
        if tag not in VOID:
            self._open.append((tag, values.get("class") or ""))
        if tag in {"p", "blockquote"}:
            assert values.get("dir") == "auto", "each paragraph has the direction of its own letters"
        if tag == "blockquote":
            self.quotations.append("")
        if tag in {"p", "br", "td", "blockquote"}:
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if ("a", "on-accent") in self._open:
            self.buttons.append(data)
        elif not any(tag == "head" or (tag, name) == ("a", "ink") for tag, name in self._open):
            self.text += data
            if any(tag == "blockquote" for tag, _name in self._open):
                self.quotations[-1] += data


def html_of(mail: EmailMessage | ParsedMessage) -> str:
    """Return the HTML of a mail, sent or received."""
    if isinstance(mail, ParsedMessage):
        part = mail.get_body(("html",))
        assert isinstance(part, ParsedMessage)
        return str(part.get_content())
    assert isinstance(mail, EmailMultiAlternatives), mail.subject
    ((html, mimetype),) = mail.alternatives
    assert mimetype == "text/html"
    return str(html)


def text_of(mail: EmailMessage | ParsedMessage) -> str:
    """Return the text of a mail, sent or received."""
    if isinstance(mail, EmailMessage):
        return str(mail.body)
    part = mail.get_body(("plain",))
    assert isinstance(part, ParsedMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def check_mail(mail: EmailMessage | ParsedMessage) -> MailHtml:
    """Check that both parts of a mail have the same words, and links of the site only. Return the HTML."""
    html, text = MailHtml(html_of(mail)), text_of(mail)
    assert _words(html.text) == _words(text)
    assert html.tags <= {
        *("html", "head", "meta", "title", "style", "body", "table", "tr", "td"),
        *("p", "br", "a", "blockquote", "img"),
    }
    assert len(html.buttons) <= 1
    shown = text.split()
    for link in html.links:
        assert link.removeprefix("mailto:") in shown
        assert link.startswith((settings.SITE_URL, "mailto:"))
    return html


def _words(text: str) -> list[str]:
    """Return the words without the dashes that are above the footer in the text only."""
    return [word for word in text.split() if word != "--"]
