"""Helpers for tests with a frozen database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.page_cache.application import PageCacheApp
from tests.helpers.servers import processes
from tests.helpers.waiting import until
from tests.helpers.wsgi_requests import send_request

NOTICE = "The site can’t reach its database. This is the page as of"


@contextmanager
def frozen() -> Iterator[None]:
    """Freeze the server of the tests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = Path("/proc") / str(cursor.fetchone()[0])
    status = dict(line.split(":\t", 1) for line in (backend / "status").read_text().splitlines())
    with processes.frozen(processes.with_children(int(status["PPid"]))):
        yield


def until_back(site: PageCacheApp) -> None:
    until(lambda: send_request(site, "/readyz").status == 200)
