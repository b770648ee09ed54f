"""No failing or hanging test affects the next one: a run of pytest over badly behaved tests."""

import os
import re
import subprocess
import sys

import pytest
from django.db import connection

from core.data_folder import PROJECT
from tests import badly_behaved


@pytest.mark.django_db
def test_the_settings_of_the_test_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings "
            "WHERE name IN ('autovacuum', 'lock_timeout', 'idle_in_transaction_session_timeout')"
        )
        assert dict(cursor.fetchall()) == {
            "autovacuum": "off",
            "lock_timeout": "60000",
            "idle_in_transaction_session_timeout": "300000",
        }


@pytest.mark.timeout(1200)  # two workers, one after the other, each make a server and a database
@pytest.mark.browser
def test_no_failure_reaches_the_next_test() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", badly_behaved.__file__, "-n", "1", "-rA"],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outcomes: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE):
        outcomes.setdefault(name, set()).add(outcome)
    names = {name for name in vars(badly_behaved) if name.startswith("test_")}
    assert outcomes.keys() == names, done.stdout
    for name in names:
        if name.startswith("test_passes"):
            assert outcomes[name] == {"PASSED"}, done.stdout
        else:
            assert outcomes[name] & {"FAILED", "ERROR"}, done.stdout
    # The last of the three steps prints where the process hung.
    assert "badly_behaved.py" in done.stdout.partition("Timeout (0:00:12)!")[2][:5000], done.stdout
