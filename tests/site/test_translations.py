"""Every text that readers, guests and members see is translated into every language of the interface.

Texts of the newsroom, of moderation and of the owner's pages appear in English where they are not
translated. They are those of the files in only_for_staff.txt; all other files are for readers.

The texts are collected with the tools of gettext. Where they are not installed these tests are skipped; in
the gate's own run (CI=1) they fail.
"""

import gettext
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.core.management import call_command
from django.utils import translation
from django.utils.translation import ngettext

from core.data_folder import PROJECT
from core.dates.formats import time_formatter

LANGUAGES = [code for code, _name in project_settings.LANGUAGES if code != "en"]
DOMAINS = ["django", "djangojs"]
PACKAGES = ["accounts", "archive", "articles", "comments", "config", "core", "moderation"]
FOLDERS = [*PACKAGES, "static", "templates"]
ONLY_FOR_STAFF = Path(__file__).with_name("only_for_staff.txt").read_text().split()
PLACEHOLDER = re.compile(r"%\(\w+\)s|%[ds]|\{\w*\}")
TAG = re.compile(r"</?[a-z][^>]*>")
AT = datetime(2026, 1, 15, 12, 40, tzinfo=UTC)
WITHOUT_NUMBER = 3  # the first plural forms, which may say "none", "one" and "two" instead of a number
NUMBERS = {"%(n)s", "%(count)s", "%(days)s"}

gettext_tools = pytest.mark.skipif(
    not (shutil.which("xgettext") or os.environ.get("CI")), reason="gettext is not installed"
)


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the translations as `manage.py makemessages` would leave them.

    The command writes temporary modules beside the texts, which tests that read the project would find.
    """
    folder = tmp_path_factory.mktemp("project")
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / "locale", folder / "locale")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(project_settings, "LOCALE_PATHS", [folder / "locale"])
        for domain in DOMAINS:
            call_command("makemessages", domain=domain, verbosity=0)
    return folder / "locale"


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def is_for_readers(entry: str) -> bool:
    files = [name for line in entry.splitlines() if line.startswith("#:") for name in line[2:].split()]
    return any(not any(fnmatch(name, pattern) for pattern in ONLY_FOR_STAFF) for name in files)


@gettext_tools
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_for_readers_is_translated(collected: Path, language: str, domain: str) -> None:
    path = collected / language / "LC_MESSAGES" / f"{domain}.po"
    missing = [
        entry
        for only in ("--untranslated", "--only-fuzzy")
        for entry in run("msgattrib", only, "--no-obsolete", "--no-wrap", path).split("\n\n")[1:]
        if is_for_readers(entry)
    ]
    command = f"manage.py makemessages -d {domain}; translate these; manage.py compilemessages"
    assert not missing, f"{len(missing)} texts are not translated ({command}):\n\n" + "\n\n".join(missing)


@gettext_tools
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_apostrophes_and_quotes_are_curly(collected: Path, language: str, domain: str) -> None:
    path = collected / language / "LC_MESSAGES" / f"{domain}.po"
    entries = run("msgattrib", "--no-obsolete", "--no-wrap", path).split("\n\n")[1:]
    lines = [line for entry in entries for line in entry.splitlines() if not line.startswith("#")]
    assert lines
    texts = [TAG.sub("", line.partition('"')[2].removesuffix('"')) for line in lines]
    assert [text for text in texts if "'" in text or '"' in text] == []


@gettext_tools
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_has_these_translations(language: str, domain: str, tmp_path: Path) -> None:
    source = PROJECT / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
    run("msgfmt", "--check-format", "-o", tmp_path / "made.mo", source)
    assert read_catalog(tmp_path / "made.mo") == read_catalog(source.with_suffix(".mo"))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_same_placeholders_and_tags(language: str, domain: str) -> None:
    catalog = read_catalog(PROJECT / "locale" / language / "LC_MESSAGES" / f"{domain}.mo")
    wrong = []
    for key, text in catalog.items():
        if not key:
            continue
        source, form = key if isinstance(key, tuple) else (key, None)
        source = source.rpartition("\x04")[2]
        wanted, found = placeholders(source), placeholders(text)
        needs_number = bool(wanted & NUMBERS) and form is not None and form >= WITHOUT_NUMBER
        lacks_number = needs_number and not found & NUMBERS
        if form is not None:  # the singular may say "one", and the plural have a number nevertheless
            wanted, found = wanted - NUMBERS, found - NUMBERS
        has_other_tags = form is None and sorted(TAG.findall(source)) != sorted(TAG.findall(text))
        if found != wanted or lacks_number or has_other_tags:
            wrong.append((source, text))
    assert wrong == []


def read_catalog(path: Path) -> dict[Any, str]:
    with path.open("rb") as file:
        catalog: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    return {key: text for key, text in catalog.items() if key}


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "لا تعليقات"),
        (1, "تعليق واحد"),
        (2, "تعليقان"),
        (3, "3 تعليقات"),
        (11, "11 تعليقًا"),
        (100, "100 تعليق"),
        (103, "103 تعليقات"),
    ],
)
def test_arabic_has_six_plural_forms(count: int, words: str) -> None:
    with translation.override("ar"):
        assert ngettext("%(n)s comment", "%(n)s comments", count) % {"n": count} == words


def test_dates_are_arabic_with_the_digits_of_arabic_news() -> None:
    with translation.override("ar"):
        formatter = time_formatter("Africa/Cairo")
        assert formatter.moment_text(AT) == "15 يناير 2026، 14:40"
        assert formatter.zone_name(AT) == "EET"
