"""The pages of the admin are registered with the URLs, or by the check of them, whichever comes first."""

import os
import subprocess
import sys

import pytest

from core.data_folder import PROJECT

REGISTERED = """
import sys
import django
django.setup()
import archive.management.commands.import_archive
from django.contrib import admin
from articles.models import Article
print(admin.site.is_registered(Article), "config.urls" in sys.modules)
{load}
print(admin.site.is_registered(Article))
"""


@pytest.mark.parametrize(
    "load",
    [
        "import config.urls",
        "from django.core.checks import run_checks; assert run_checks(tags=['admin']) == []",
    ],
)
def test_commands_load_no_pages_before_they_need_a_url(load: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    argv = [sys.executable, "-c", REGISTERED.format(load=load)]
    assert subprocess.check_output(argv, cwd=PROJECT, env=env, text=True) == "False False\nTrue\n"
