"""Mails as text and as HTML from one template: their words, links and look."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from playwright.sync_api import Browser

from core.appearance.accent import palette, theme_colors
from core.data_folder import PROJECT
from core.mail.composition import compose_mail
from tests.helpers.axe import faults
from tests.helpers.mails import check_mail, html_of

SITE = SimpleNamespace(name="The Slip", contact_email="desk@example.org", accent="")
SENDING = re.compile(r"(?<!\.)(?<!def )\b(EmailMessage|EmailMultiAlternatives|send_mail|mail_admins)\(")
HOSTILE = [
    'Buy <a href="https://spam.example">here</a><img src="https://spam.example/x.png">',
    "https://spam.example/",
    "First.\n\nhttps://spam.example/\n\n<table><tr><td>Last.",
    "<blockquote><p>\r\n\r\n<script>alert(1)</script>",
    '{% button "https://spam.example" "Log in" %} {{ url }}',
    "-- \nThe Slip\nhttps://spam.example",
    "”</blockquote>\n\n“\x0b\u2028&lt;b&gt;",
]


def sanction(text: str, **changes: Any) -> EmailMultiAlternatives:
    """Return a mail with this text in it, which may be appealed."""
    site = SimpleNamespace(**{**vars(SITE), **changes})
    context = {"event": "imposed", "text": text, "removed": 2, "is_guest": True, "can_appeal": True}
    return compose_mail("moderation/mail/sanction.txt", "A decision", "a@example.org", site=site, **context)


STOP_PATH = "/stop-mails/f1-0/"


def decision(text: str, *highlights: str, is_single: bool = True) -> EmailMultiAlternatives:
    """Return a mail about a removed comment that says this."""
    comment = SimpleNamespace(discussion=SimpleNamespace(article=Story()), state="rejected")
    url = "http://127.0.0.1:8000/comments/1/decision/"
    notice = SimpleNamespace(comment=comment, kind="removed", excerpt=text, highlights=highlights, url=url)
    part = {"sentences": ["Removed by a moderator: spam."], "next_step": "", "notices": [notice]}
    parts = [part] if is_single else [part, part]
    context = {"parts": parts, "is_single": is_single, "stop_url": STOP_PATH}
    template = "moderation/mail/decision.txt"
    return compose_mail(template, "Your comment was removed", "a@example.org", site=SITE, **context)


class Story:
    """A story with a title for everybody."""

    def title_for(self, _user: object) -> str:
        return "The <four o’clock> boat"


def test_one_action_is_a_button_with_its_url_below() -> None:
    html = check_mail(decision("Words."))
    assert html.buttons == ["See the decision"]
    assert html.links.count("http://127.0.0.1:8000/comments/1/decision/") == 2


def test_several_actions_are_links() -> None:
    html = check_mail(decision("Words.", is_single=False))
    assert html.buttons == []
    assert html.links.count("http://127.0.0.1:8000/comments/1/decision/") == 2


@pytest.mark.parametrize("is_single", [True, False])
def test_the_text_of_a_decision_has_one_blank_line_between_paragraphs(is_single: bool) -> None:
    text = decision("Words.", is_single=is_single).body
    assert "\n\n\n" not in text
    assert text.count("\n\nThe <four o’clock> boat\n\n“Words.”\n\n") == 2 - is_single
    assert re.search(r"/decision/\n\nStop mails", text)


def test_a_comment_is_a_quotation_with_its_line_breaks() -> None:
    mail = decision("One.\n\nTwo.")
    assert [quoted.strip() for quoted in check_mail(mail).quotations] == ["“One.Two.”"]
    assert "One.<br><br>Two." in html_of(mail)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_line_beside_a_quotation_is_on_the_side_where_its_text_begins(language: str) -> None:
    with translation.override(language):
        assert "border-left:3px" in html_of(decision("1. Words."))
        assert "border-right:3px" in html_of(decision("كلمات."))
        assert "border-left:3px" in html_of(decision("1 + 1 = 2")), "as dir=auto without a letter"


def test_a_title_and_an_answer_have_their_own_direction_in_an_arabic_mail() -> None:
    title, answer = "The <boat> stays!", "We have corrected it.\nThank you!"
    outcome = SimpleNamespace(
        article_title=title, get_outcome_display="تم التصحيح", answer=answer, receipt="0" * 32
    )
    with translation.override("ar"):
        mail = compose_mail(
            "moderation/mail/request_outcome.txt", "s", "a@example.org", site=SITE, removal_request=outcome
        )
    check_mail(mail)
    html = html_of(mail)
    assert 'dir="rtl"' in html
    assert '<p dir="auto">The &lt;boat&gt; stays!</p>' in html
    assert '<p dir="auto">We have corrected it.<br>Thank you!</p>' in html


@pytest.mark.parametrize("text", HOSTILE)
def test_typed_text_in_a_mail_stays_plain_text(text: str) -> None:
    own = {"http://127.0.0.1:8000", "mailto:desk@example.org"}
    html = check_mail(decision(text, text))
    stop = f"http://127.0.0.1:8000{STOP_PATH}"
    assert set(html.links) == {*own, stop, "http://127.0.0.1:8000/comments/1/decision/"}
    assert html.buttons == ["See the decision"]
    assert len(html.quotations) == 1
    html = check_mail(sanction(text, name=text))
    assert set(html.links) == {*own, "http://127.0.0.1:8000/account/status/"}
    assert html.buttons == ["Appeal this decision"]
    assert html.quotations == []


def test_the_mail_has_the_language_and_its_direction() -> None:
    with translation.override("ar"):
        html = html_of(decision("كلمات."))
    assert '<html lang="ar" dir="rtl">' in html
    assert "border-right:3px" in html
    assert '<html lang="en" dir="ltr">' in html_of(decision("Words."))


def test_every_colour_is_one_of_the_themes() -> None:
    light, dark = theme_colors("")
    assert set(light) >= {"paper", "ink", "soft", "line", "accent", "on_accent"}
    colors = set(re.findall(r"#[0-9a-f]{3,6}\b", html_of(decision("Words."))))
    assert colors <= {*light.values(), *dark.values()}
    templates = (PROJECT / "templates/mail").iterdir()
    assert all(not re.search(r":\s*#[0-9a-f]{3,6}\b", path.read_text()) for path in templates)


def test_the_owners_accent_is_the_colour_of_the_button() -> None:
    html, ours = html_of(sanction("Words.", accent="#ffd400")), palette("#ffd400")
    assert f'class="button" style="border-radius:8px;background:{ours.light.accent}"' in html
    assert f".button {{ background: {ours.dark.accent} !important; }}" in html
    assert theme_colors("").light["accent"] not in html


def test_every_mail_is_composed_here() -> None:
    packages = ("core", "accounts", "articles", "comments", "moderation", "archive", "config")
    files = [path for package in packages for path in (PROJECT / package).rglob("*.py")]
    found = {str(path.relative_to(PROJECT)) for path in files if SENDING.search(path.read_text())}
    assert found == {"core/mail/composition.py"}


@pytest.mark.browser
def test_a_mail_is_accessible_in_both_themes(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        for mail in (
            decision("Words. " * 20 + "x" * 200, "https://one.example/" + "y" * 200),
            decision("Words.", is_single=False),
            sanction("Words.", accent="#ffd400", name="N" * 80),
        ):
            page.set_content(html_of(mail))
            for width in (390, 768):
                assert faults(page, "document.querySelector('table')", [width]) == []
                box = page.locator("table table").first.bounding_box()
                assert box is not None
                assert box["width"] <= 600
