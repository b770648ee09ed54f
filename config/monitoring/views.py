"""The page /metrics, which Prometheus reads."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from config.monitoring.database_metrics import DatabaseMetrics, MachineMetrics, ReplicaMetrics
from core.monitoring.process_totals import totals


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics for somebody who sends METRICS_TOKEN. Without that setting there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        return HttpResponse(
            "Send the METRICS_TOKEN of this site as a bearer token.\n",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            content_type="text/plain; charset=utf-8",
        )
    registry = CollectorRegistry(auto_describe=False)  # which would collect everything once more
    for collector in (totals, MachineMetrics(), DatabaseMetrics(), ReplicaMetrics()):
        registry.register(collector)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
