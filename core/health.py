"""Health checks for load balancers and operators: is the process alive, and can it serve readers?"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from core.database.migration_state import unapplied_migrations

NO_ANSWER = {"status": "unready", "database": "no answer"}
LIVENESS_PATH = "/healthz"
MONITORING_PATHS = {LIVENESS_PATH, "/readyz", "/metrics"}
SITE_HOST = urlsplit(settings.SITE_URL).netloc


class HealthMiddleware:
    """Answer health checks and metrics for any Host header. The answers contain no host.

    Load balancers, Prometheus, operators and `serve` use an IP address, which is not in ALLOWED_HOSTS.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in MONITORING_PATHS:
            request.META["HTTP_HOST"] = SITE_HOST
        return self.get_response(request)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Return 200 as long as the process answers, without asking the database."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if the database answers and every migration is applied, else 503."""
    try:
        unapplied = unapplied_migrations()
    except DatabaseError:
        return JsonResponse(NO_ANSWER, status=503)
    if unapplied:
        return JsonResponse({"status": "unready", "database": "ok", "unapplied": unapplied}, status=503)
    return JsonResponse({"status": "ready", "database": "ok", "unapplied": []})
