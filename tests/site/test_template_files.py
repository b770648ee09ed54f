"""Tests of all template files.

No template has inline scripts or styles, which the content policy forbids, except for styles in mails and in
the page of a file that people download, which can have no others. Every string can be translated.
"""

import re

import pytest
from django.utils.translation.template import templatize

from core.data_folder import PROJECT

TEMPLATES = PROJECT / "templates"
WITH_STYLES = {
    *(TEMPLATES / "mail").iterdir(),
    TEMPLATES / "archive/personal_data/file.jinja",
}
FORBIDDEN = {
    "inline style": re.compile(r"<style\b|<[^>]*\sstyle\s*=", re.IGNORECASE),
    "inline handler": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "inline script": re.compile(
        r"""<script\b(?![^>]*(\ssrc\s*=|type=["']application/(ld\+)?json))""", re.IGNORECASE
    ),
    "script in a link": re.compile(r"""=\s*["']?\s*javascript:""", re.IGNORECASE),
}
PLANTED = {
    "inline style": '<p class="x" style="color: red">',
    "inline handler": '<button class="x" onclick="go()">',
    "inline script": "<script>go()</script>",
    "script in a link": '<a href="javascript:go()">',
}


def test_no_template_has_inline_script_or_style() -> None:
    files = [path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".jinja"}]
    assert files
    found = [
        f"{path.relative_to(TEMPLATES)}: {kind}: {match[0]}"
        for path in files
        for kind, pattern in FORBIDDEN.items()
        if not (kind == "inline style" and path in WITH_STYLES)
        if (match := pattern.search(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize("kind", PLANTED)
def test_an_inline_script_or_style_is_detected(kind: str) -> None:
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(PLANTED[kind])] == [kind]


def test_scripts_with_a_source_and_data_are_fine() -> None:
    for fine in ('<script src="x.js" defer></script>', '<script type="application/json" id="x">{}</script>'):
        assert not any(pattern.search(fine) for pattern in FORBIDDEN.values())


def test_a_button_that_deletes_permanently_is_red() -> None:
    button = re.compile(r"<button\b([^>]*)>(?=[^<]*permanently)", re.IGNORECASE)
    files = [path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".jinja"}]
    found = [(path, match[1]) for path in files for match in button.finditer(path.read_text())]
    assert {path.name for path, _attributes in found} >= {
        "purge_list.html",
        "restricted_comment.html",
        "person.html",
        "redact.html",
    }
    assert [path for path, attributes in found if 'class="btn btn-danger last"' not in attributes] == []
    # The button that only opens the form is plain.
    assert [path for path, _attributes in found if '<summary class="btn btn-danger' in path.read_text()] == []


STRING = r"""_\(("[^"]*"|'[^']*')"""


def test_makemessages_finds_every_string_of_the_jinja_templates() -> None:
    for path in TEMPLATES.rglob("*.jinja"):
        code = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert set(re.findall(STRING, code)) == set(re.findall(STRING, templatize(code))), path.name
        assert "gettext(" not in code, path.name  # makemessages does not find such calls


def test_jinja_templates_call_the_methods_of_models() -> None:
    for path in TEMPLATES.rglob("*.jinja"):
        code = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert re.findall(r"\.get_\w+\b(?!\()", code) == [], path.name
