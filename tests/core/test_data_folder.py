import os
import subprocess
import sys
import tempfile

import pytest

from core.data_folder import PROJECT

MAKE = """
import os, sys
from pathlib import Path
from core.data_folder import DataFolderError, make_data_folder
os.setuid(12345)
try:
    make_data_folder(Path(sys.argv[1]))
except DataFolderError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
def test_the_message_about_a_folder_of_others_names_a_user_without_a_name() -> None:
    """In a container the user is often only a number."""
    with tempfile.TemporaryDirectory() as closed:
        argv = [sys.executable, "-c", MAKE, closed]
        printed = subprocess.check_output(argv, cwd=PROJECT, text=True)
    assert printed.startswith(f"12345 cannot enter the data folder {closed}")
    assert f"As root: chown -R 12345 {closed};" in printed
