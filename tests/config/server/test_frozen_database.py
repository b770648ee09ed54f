"""`manage.py serve` with a frozen database, which accepts requests and never answers."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.config.serving import Guest, Served, frozen, serving
from tests.helpers.waiting import until

LINE = "The site can’t reach its database. This is the page as of"
READERS = 400


@pytest.fixture(scope="module")
def site(environment: dict[str, str]) -> Iterator[Served]:
    with serving(environment | {"WEB_PROCESSES": "2"}) as served:
        yield served


def copies(home: Path) -> list[Path]:
    """Return the files of complete copies: one that is being written has a suffix."""
    return [path for path in home.glob("cache/pages/*/*") if path.name != "confirmed" and not path.suffix]


def wait_for_copies(home: Path, pages: Iterable[str]) -> None:
    """Wait until these pages are stored."""

    def stored() -> set[str]:
        found = set()
        for copy in copies(home):
            with suppress(FileNotFoundError):  # replaced by a later one
                path, query, _cookies = json.loads(copy.read_bytes().partition(b"\n")[0])["key"]
                found.add(f"{path}?{query}".rstrip("?"))
        return found

    until(lambda: stored() >= set(pages))


def test_every_process_serves_the_copies_of_all(site: Served, home: Path) -> None:
    """Each page was requested once, so one of the two web processes has it in memory."""
    pages = ["/", "/archive/", "/feed/", site.story, f"{site.story}?order=oldest", f"{site.story}version/"]
    html = {"/", "/archive/", site.story, f"{site.story}?order=oldest"}
    for page in pages:
        assert site.read(page)[0] == 200
    wait_for_copies(home, pages)
    with frozen(site), ThreadPoolExecutor(16) as readers:
        requested = [pages[number % len(pages)] for number in range(READERS)]
        answers = list(zip(requested, readers.map(site.read, requested), strict=True))
        assert site.read("/healthz")[0] == 200
        assert site.read("/readyz")[0] == 503
        assert site.read("/admin/")[0] == 503
    statuses = Counter(status for _page, (status, _text) in answers)
    assert statuses[200] >= 0.99 * READERS, statuses
    assert all(LINE in text for page, (status, text) in answers if status == 200 and page in html)
    assert LINE not in site.read(site.story)[1]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in copies(home))


def test_a_writer_gets_the_text_back_and_sends_it_again(site: Served) -> None:
    guest = Guest(site)
    hidden = guest.open_form()
    with frozen(site):
        status, page = guest.post("Words that are kept.", hidden)
        assert status == 503
        assert "Words that are kept." in page
        assert hidden["nonce"] in page
    status, page = guest.post("Words that are kept.", hidden)
    assert status == 200, page
    assert "Words that are kept." in page
