"""Tests of manage.py: output that nobody reads any more, and errors of commands that `serve` runs."""

import json
import os
import subprocess
import sys

import pytest

from core.data_folder import PROJECT
from tests.helpers.servers.ports import free_port

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


def test_a_supervised_command_logs_its_error_as_json():
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    environment = os.environ | {"SOUNDOFF_SUPERVISED": "1", "LOG_FORMAT": "json", "DATABASE_URL": url}
    command = [sys.executable, "manage.py", "db_worker", "--skip-checks"]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert "manage.py db_worker failed." in lines[-1]["message"]
    assert "OperationalError" in lines[-1]["exception"]
