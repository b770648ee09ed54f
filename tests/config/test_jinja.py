"""The Jinja2 environment escapes what people wrote, in each filter that makes HTML of a text."""

import pytest
from django.template import engines

HOSTILE = "<b>'\""


@pytest.mark.parametrize(
    "expression",
    [
        "text",
        "text|linebreaks",
        "text|truncatechars(9)",
        "text|urlencode",
        "3|matches(text)",
        "[text]|join(' ')",
        "_('<i>%(text)s</i>')|format(text=text)",
    ],
)
def test_text_is_escaped(expression: str) -> None:
    html = engines["jinja2"].from_string("{{ " + expression + " }}").render({"text": HOSTILE})
    assert "<b>" not in html
    assert "'" not in html
    assert html.count('"') == 0


def test_a_translation_may_contain_html() -> None:
    assert engines["jinja2"].from_string("{{ _('<i>a</i>') }}").render() == "<i>a</i>"
