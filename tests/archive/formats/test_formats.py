"""The table of import formats, which needs no Django."""

import subprocess
import sys

import pytest

from archive.formats import FORMATS
from archive.formats import parse as parse_any
from tests.archive.formats.soundoff.pages import OK, SAMPLE


def test_soundoff_is_the_only_supported_format() -> None:
    assert set(FORMATS) == {"soundoff"}
    with pytest.raises(KeyError):
        parse_any(OK.encode(), "gazette")


def test_the_parser_needs_no_django() -> None:
    program = "import archive.formats, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=SAMPLE.parents[2]).returncode == 0
