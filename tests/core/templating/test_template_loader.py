"""The template loader removes indentation."""

import pytest
from django.conf import settings
from django.template import Context, Engine
from django.template.loader import get_template

from core.templating.template_loader import strip_indentation


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("<ul>\n  <li>a</li>\n\n  <li>b</li>\n</ul>\n", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("{# Expects: x. #}\n{% load i18n %}\n<p>\n", "{# Expects: x. #}{% load i18n %}<p>\n"),
        ("a\n{% if x %}\n  b\n{% endif %}\nc\n", "a\n{% if x %}b\n{% endif %}c\n"),
        ('{% translate "Colours:" %}\n<button>\n', '{% translate "Colours:" %}\n<button>\n'),
        ('<b>a</b>\n{% include "x" %}\n<b>c</b>\n', '<b>a</b>\n{% include "x" %}<b>c</b>\n'),
        ("{% if x %}{{ x }}{% endif %}\ny\n", "{% if x %}{{ x }}{% endif %}\ny\n"),
    ],
)
def test_indentation_is_removed_from_lines(written, sent):
    assert strip_indentation(written) == sent


@pytest.mark.parametrize("x", ["", "b"])
def test_no_words_are_joined(x):
    written = (
        "a\n{% if x %}\n  {{ x }}\n{% else %}\n  d\n{% endif %}\n{% for n in x %}\n{{ n }}\n{% endfor %}\nc"
    )
    before, after = (
        Engine().from_string(text).render(Context({"x": x})) for text in (written, strip_indentation(written))
    )
    assert before.split() == after.split()


def test_text_templates_are_unchanged():
    name = "moderation/mail/decision.txt"
    written = (settings.BASE_DIR / "templates" / name).read_text()
    assert get_template(name).template.source == written
