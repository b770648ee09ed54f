"""Fill an empty site with one example of every state, and back it up: fill.py HOME BACKUP.

This runs once, on the code before the change. The package site_content creates the content. The clock is
libfaketime's, so the site has a history of weeks that ends at `END`; record.py continues from there on
whatever day it runs. Beside BACKUP it writes BACKUP.json: who may log in, the guest's cookie, the ids of the
objects that actions.txt names, and every stored UUID.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from served_site import FAKETIME, ROOT, clock_environment, clock_of_postgres, write_offset

SECRET = "golden-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
END = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)  # of the history
START = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # of the recording


def main() -> None:
    home, backup = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    clock = backup.with_suffix(".clock")
    if os.environ.get("LD_PRELOAD") != FAKETIME:
        backup.parent.mkdir(parents=True, exist_ok=True)
        write_offset(clock, 0)
        env = os.environ | {
            "SOUNDOFF_HOME": str(home),
            "SECRET_KEY": SECRET,
            "REAL": f"{time.time() - time.monotonic()}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        env |= clock_environment(clock)
        argv = [sys.executable, __file__, str(home), str(backup)]
        with clock_of_postgres(env):
            sys.exit(subprocess.run(argv, env=env, cwd=ROOT).returncode)

    def set_clock(days: float, hours: float = 0) -> None:
        """Set the clock to this long before the end."""
        wanted = (END - timedelta(days=days, hours=hours)).timestamp()
        write_offset(clock, wanted - float(os.environ["REAL"]) - time.monotonic())
        time.sleep(1.2)

    sys.path.insert(0, str(ROOT))
    set_clock(45)
    manage("upgrade", "--without-backup")
    from config.server import postgres

    with postgres.database_available():
        import django

        django.setup()
        from site_content import fill
        from site_content.people import ROLES

        write_fixture(backup, fill(home, set_clock, run_jobs, end=END, start=START), ROLES)
    manage("backup", str(backup))


def manage(*argv: str) -> None:
    subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, check=True)


def run_jobs() -> None:
    manage("db_worker", "--batch", "--queue-name", "*", "--no-reload")


def write_fixture(backup: Path, fixture: dict[str, Any], roles: Iterable[str]) -> None:
    """Write who may log in and which UUIDs are stored and so appear in responses."""
    from django.core import signing
    from django.db import connection

    from accounts.models import Guest

    uuids: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE udt_name = 'uuid'"
            " AND table_schema = 'public'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT DISTINCT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            uuids.update(row[0] for row in cursor.fetchall())
    people = {role: {"email": f"{role}@example.org", "password": f"golden-{role}-2026"} for role in roles}
    cookie = signing.dumps(Guest.objects.get(name="Greta").pk, salt="guest")
    fixture |= {
        "people": people,
        "guest_cookie": cookie,
        "secret": SECRET,
        "start": START.timestamp(),
        "uuids": sorted(uuids),
    }
    backup.with_suffix(".json").write_text(json.dumps(fixture))


if __name__ == "__main__":
    main()
