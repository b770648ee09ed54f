"""Readers and writers of a cluster at a steady pace, who count what they get.

It runs on the host of the client: `python -m bench.cluster.load FILE`, which has the Load as JSON; the
Outcome is printed as JSON. A comment is acknowledged by the redirect to it. One that was not is sent again
with the same nonce, as the page 503 does, until it is.
"""

import http.client
import json
import random
import secrets
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode
from zlib import crc32

from bench.fixture import Words

TIMEOUT = 10  # seconds, after which a browser's reader gives up
READ_EVERY, WRITE_EVERY, RETRY_AFTER = 1.0, 1.0, 0.5  # seconds
OUTAGE_NOTICE = b"reach its database"  # in a page that is a copy
GIVE_UP_SECONDS = 60  # seconds after the end, for comments that were not acknowledged


@dataclass(frozen=True)
class Load:
    """A load. `writers` are (name, e-mail, cookie), `members` the session cookies of readers."""

    host: str
    story: str  # path
    comments: list[int]  # to reply to
    writers: list[tuple[str, str, str]]
    members: list[str]
    anonymous_readers: int
    seconds: float
    mark: str  # in each comment
    image: str = ""  # path of a picture that anonymous readers request after each page
    read_every: float = READ_EVERY
    servers: list[str] = field(default_factory=list)  # addresses; unless given, the host is asked


@dataclass
class Outcome:
    """The result of a load. Times are in seconds since the start."""

    acknowledged: list[str] = field(default_factory=list)  # the marks of comments
    sent_again: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # of readers, by kind
    images: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)
    read_at: list[float] = field(default_factory=list)  # when readers got a page, also an old one
    posted_at: list[float] = field(default_factory=list)
    no_page_at: list[float] = field(default_factory=list)
    not_posted_at: list[float] = field(default_factory=list)


class Client:
    """One connection that is kept, and opened again after an error, to any of the servers."""

    def __init__(self, load: Load) -> None:
        self.host = load.host
        self.servers = load.servers or [load.host]
        self.connection: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[str, bytes]:
        """Return the status, or the name of the error, and the page."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(random.choice(self.servers), timeout=TIMEOUT)
            self.connection.request(method, path, body or None, headers | {"Host": self.host})
            response = self.connection.getresponse()
            page = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return type(error).__name__, b""
        if response.will_close:
            self.close()
        return str(response.status), page

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None


def run(load: Load, is_over: threading.Event | None = None) -> Outcome:
    """Read and write until the time is over or the event is set, in one thread for each person."""
    outcome, began, lock = Outcome(), time.monotonic(), threading.Lock()
    end = began + load.seconds
    is_over = is_over or threading.Event()

    def read(cookie: str) -> None:
        client, headers = Client(load), {"Cookie": cookie} if cookie else {}
        for _turn in _turns(load.read_every, end, is_over):
            status, page = client.request("GET", load.story, headers)
            is_copy = OUTAGE_NOTICE in page
            with lock:
                outcome.answers[f"copy {status}" if is_copy and status == "200" else status] += 1
                times = outcome.read_at if status == "200" else outcome.no_page_at
                times.append(time.monotonic() - began)
            if load.image and not cookie:
                status, _image = client.request("GET", load.image, headers)
                with lock:
                    outcome.images[status] += 1

    def write(number: int) -> None:
        client, words = Client(load), Words(crc32(f"{load.mark}-{number}".encode()))
        name, email, cookie = load.writers[number]
        for turn in _turns(WRITE_EVERY, end, is_over):
            mark = f"{load.mark}-{number}-{turn}-{secrets.token_hex(3)}"
            token = secrets.token_hex(16)
            path = f"{load.story}reply/{load.comments[(turn * 7 + number) % len(load.comments)]}/"
            fields = {"name": name, "email": email, "nonce": uuid.uuid4(), "csrfmiddlewaretoken": token}
            body = urlencode(fields | {"body": f"{words.body()} {mark}"})
            headers = {
                "Cookie": f"guest={cookie}; csrftoken={token}",
                "Origin": f"http://{load.host}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            while time.monotonic() < end + GIVE_UP_SECONDS:
                status, _page = client.request("POST", path, headers, body)
                is_accepted = status == str(HTTPStatus.FOUND.value)
                with lock:
                    outcome.posts[status] += 1
                    if is_accepted:
                        outcome.acknowledged.append(mark)
                        outcome.posted_at.append(time.monotonic() - began)
                    else:
                        outcome.sent_again += 1
                        outcome.not_posted_at.append(time.monotonic() - began)
                if is_accepted:
                    break
                time.sleep(RETRY_AFTER)

    people: list[Callable[[], None]] = [lambda: read("") for _ in range(load.anonymous_readers)]
    people += [lambda cookie=cookie: read(f"sessionid={cookie}") for cookie in load.members]  # type: ignore[misc]
    people += [lambda number=number: write(number) for number in range(len(load.writers))]  # type: ignore[misc]
    threads = [threading.Thread(target=person) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def longest_gap(times: Iterable[float], seconds: float) -> float:
    """Return the longest time without an event, within this number of seconds."""
    inside = sorted(at for at in times if at < seconds)
    return max(after - before for before, after in pairwise([0.0, *inside, seconds]))


def _turns(every: float, end: float, is_over: threading.Event) -> Iterator[int]:
    """Yield numbers, one each `every` seconds, or later after a slow turn, until the end."""
    number = 0
    while not is_over.is_set() and (started := time.monotonic()) < end:
        yield (number := number + 1)
        is_over.wait(max(0.0, started + every - time.monotonic()))


if __name__ == "__main__":
    print(json.dumps(vars(run(Load(**json.loads(Path(sys.argv[1]).read_text()))))))
