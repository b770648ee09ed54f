"""Ask each web host for a page again and again, and print when each showed a text last.

It runs on the host of the client: `python -m bench.cluster.watch SITE PATH TEXT SECONDS HOST …`
"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

PAUSE = 0.05  # seconds between two requests to a host
TIMEOUT = 5  # seconds


def watch(host: str, site: str, path: str, text: str, end: float) -> float:
    """Return the time of the last request to this host whose answer had the text; 0 if none had."""
    last = 0.0
    while time.time() < end:
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection(host, 8000, timeout=TIMEOUT)) as connection,
        ):
            asked_at = time.time()
            connection.request("GET", path, headers={"Host": site})
            if text.encode() in connection.getresponse().read():
                last = asked_at
        time.sleep(PAUSE)
    return last


def main(site: str, path: str, text: str, seconds: str, *hosts: str) -> None:
    end = time.time() + float(seconds)
    with ThreadPoolExecutor(len(hosts)) as pool:
        found = pool.map(lambda host: watch(host, site, path, text, end), hosts)
        print(json.dumps(dict(zip(hosts, found, strict=True))))


if __name__ == "__main__":
    main(*sys.argv[1:])
