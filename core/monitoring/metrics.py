"""The metrics that the web processes count, in the terms of Prometheus. docs/operate.md lists all metrics.

Labels hold a few fixed words or names of URLs: never a path, a name or anything else of a person.
"""

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram

# Otherwise each counter has a second line with the time of its first use.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "soundoff_requests",
    "Requests by the kind of their answer and the class of its status.",
    ["answer", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "soundoff_request_duration_seconds",
    "Seconds from a complete request to the start of its answer, by the name of the URL.",
    ["page"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2),
    registry=REGISTRY,
)
COMMENTS_POSTED = Counter(
    "soundoff_comments_posted",
    "Comments that were posted on the site, by the verdict of the checks.",
    ["verdict"],
    registry=REGISTRY,
)
