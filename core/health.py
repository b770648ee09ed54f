"""Health checks for load balancers and operators: is the process alive, and can it serve readers?"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

NO_ANSWER = {"status": "unready", "database": "no answer"}
PATHS = {"/healthz", "/readyz"}
SITE = urlsplit(settings.SITE_URL).netloc


class HealthMiddleware:
    """Answer health checks for any Host header. The answers contain no host.

    Load balancers, operators and `serve` use an IP address, which is not in ALLOWED_HOSTS.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PATHS:
            request.META["HTTP_HOST"] = SITE
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


def later_migrations() -> list[str]:
    """Return our applied migrations that this version does not have. There are some after a downgrade."""
    loader = MigrationExecutor(connection).loader
    ours = {"config", "accounts", "articles", "comments", "moderation", "archive"}
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    return sorted(f"{app}.{name}" for app, name in unknown if app in ours)


def unapplied_migrations() -> list[str]:
    """Return names such as "comments.0002_log", in the order in which `migrate` would apply them."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
