"""The registry of the metrics that web processes count, and those of apps. docs/operate.md lists all metrics.

Labels hold a few fixed words, names of URLs or addresses of replicas: never a path, a name or anything else
of a person.
"""

import prometheus_client
from prometheus_client import CollectorRegistry, Counter

# Otherwise each counter has a second line with the time of its first use.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()  # config/monitoring/requests.py registers those of requests

COMMENTS_POSTED = Counter(
    "soundoff_comments_posted",
    "Comments that were posted on the site, by the verdict of the checks.",
    ["verdict"],
    registry=REGISTRY,
)
for _verdict in ("publish", "hold", "spam"):  # so that Prometheus sees the first of each
    COMMENTS_POSTED.labels(_verdict)

REPLICA_PAGES = Counter(
    "soundoff_replica_pages", "Pages that read replicas have made.", ["replica"], registry=REGISTRY
)
