"""Ask each web host for a page again and again, and print when each showed a text last.

It runs on the host of the client: `python -m bench.cluster.watch SITE PATH TEXT SECONDS HOST …`
"""

import http.client
import json
import sys
import time

PAUSE = 0.02  # seconds between two rounds


def main(site: str, path: str, text: str, seconds: str, *hosts: str) -> None:
    last = dict.fromkeys(hosts, 0.0)
    end = time.time() + float(seconds)
    while time.time() < end:
        for host in hosts:
            connection = http.client.HTTPConnection(host, 8000, timeout=5)
            connection.request("GET", path, headers={"Host": site})
            asked_at = time.time()
            if text.encode() in connection.getresponse().read():
                last[host] = asked_at
            connection.close()
        time.sleep(PAUSE)
    print(json.dumps(last))


if __name__ == "__main__":
    main(*sys.argv[1:])
