"""manage.py ends quietly when nobody reads its output any more, as `manage.py help | head -1` does."""

import os
import subprocess
import sys

import pytest

from core.data_folder import PROJECT

# Another pipe or socket breaks, while the output can be written.
BROKEN_ELSEWHERE = """
import sys
import django.core.management
import manage

def execute(argv):
    raise BrokenPipeError

django.core.management.execute_from_command_line = execute
sys.argv = ["manage.py", "help"]
manage.main()
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])  # the output fails at the end, or at once
def test_a_command_whose_reader_has_ended_ends_quietly(unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=PROJECT,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_another_broken_pipe_is_an_error():
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_ELSEWHERE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "BrokenPipeError" in done.stderr
