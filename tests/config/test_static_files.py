"""The minified static files."""

import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from playwright.sync_api import Page

from config.static_files import StaticFilesStorage, minify
from core.data_folder import PROJECT

STATIC = PROJECT / "static"
SCRIPTS = sorted(path.name for path in STATIC.glob("js/*.js"))
STYLES = sorted(path.name for path in STATIC.glob("css/*.css"))
PARSE = "text => { new Function(text); return true; }"
RULES = """text => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text);
  return [...sheet.cssRules].map((rule) => rule.cssText); }"""


@pytest.mark.browser
def test_every_script_still_parses(page: Page) -> None:
    for name in SCRIPTS:
        source = (STATIC / "js" / name).read_text()
        minified = minify(name, source.encode()).decode()
        assert page.evaluate(PARSE, minified), name
        assert len(minified) < len(source), name


@pytest.mark.browser
def test_every_style_sheet_has_the_same_rules(page: Page) -> None:
    for name in STYLES:
        source = (STATIC / "css" / name).read_text()
        minified = minify(name, source.encode()).decode()
        before, after = (normalized(page.evaluate(RULES, text)) for text in (source, minified))
        assert before == after, name
        assert "/*" not in minified, name


def normalized(rules: list[str]) -> list[str]:
    """Return rules without the white space that a browser keeps where a value has a variable."""
    return [re.sub(r"\s*([,;:{}()/+*-])\s*", r"\1", rule) for rule in rules]


def test_other_files_stay() -> None:
    for name in ("fonts/sans.woff2", "js/library.min.js"):
        assert minify(name, b"a  b // c") == b"a  b // c"


def test_the_collected_files_are_minified_and_not_empty(tmp_path: Path) -> None:
    storage = StaticFilesStorage(location=tmp_path, base_url="/static/")
    source = FileSystemStorage(STATIC)
    found = {name: (source, name) for name in ("css/account.css", "js/site.js", "img/favicon.svg")}
    for name in found:
        with source.open(name) as content:
            storage.save(name, content)
    for _name, _hashed, processed in storage.post_process(found):
        assert processed is True
    for name in found:
        expected = minify(name, (STATIC / name).read_bytes())
        hashed = storage.stored_name(name)
        assert hashed != name
        assert (tmp_path / hashed).read_bytes() == (tmp_path / name).read_bytes() == expected
