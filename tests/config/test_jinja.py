"""The Jinja2 environment escapes what people wrote, in each filter that makes HTML of a text."""

import pytest
from django.template import engines

HOSTILE = "<b>'\""


@pytest.mark.parametrize(
    ("expression", "html"),
    [
        ("text", "&lt;b&gt;&#39;&#34;"),
        ("text|linebreaks", "<p>&lt;b&gt;&#x27;&quot;</p>"),
        ("text|truncatechars(3)", "&lt;b…"),
        ("text|urlencode", "%3Cb%3E%27%22"),
        ("3|matches(text)", "3 comments mention <bdi>“&lt;b&gt;&#x27;&quot;”</bdi>"),
        ("[text]|join(' ')", "&lt;b&gt;&#39;&#34;"),
        ("_('<i>%(text)s</i>')|format(text=text)", "<i>&lt;b&gt;&#39;&#34;</i>"),
    ],
)
def test_text_is_escaped(expression: str, html: str) -> None:
    template = engines["jinja2"].from_string("{{ " + expression + " }}")
    assert template.render({"text": HOSTILE}) == html


def test_a_translation_may_contain_html() -> None:
    assert engines["jinja2"].from_string("{{ _('<i>a</i>') }}").render() == "<i>a</i>"
