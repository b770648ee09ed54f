"""The minified static files."""

import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from playwright.sync_api import Page

from config import static_files
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


def test_other_files_are_not_minified() -> None:
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


@pytest.mark.django_db
def test_a_name_of_another_version_gets_our_file_which_is_not_cached(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = StaticFilesStorage(location=tmp_path, base_url="/static/")
    source = FileSystemStorage(STATIC)
    with source.open("js/site.js") as content:
        storage.save("js/site.js", content)
    assert all(done is True for *_names, done in storage.post_process({"js/site.js": (source, "js/site.js")}))
    monkeypatch.setattr(static_files, "staticfiles_storage", storage)
    answer = client.get("/static/js/site.0123456789ab.js")
    assert b"".join(answer) == minify("js/site.js", (STATIC / "js/site.js").read_bytes())
    assert answer["Content-Type"] == "text/javascript"
    assert "no-store" in answer["Cache-Control"]
    for unknown in (
        "js/none.0123456789ab.js",
        "js/site.js",
        "js/../site.0123456789ab.js",
        "site.0123456789ab",
    ):
        assert client.get(f"/static/{unknown}").status_code == 404, unknown
    assert client.post("/static/js/site.0123456789ab.js").status_code == 405
