"""What a load balancer or an operator asks: does the process live, and may it be given readers."""

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
    """Answer health checks by whatever name or address this machine is reached; their answers name no host.

    A load balancer, an operator and `serve` ask by an IP address, which ALLOWED_HOSTS does not hold.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PATHS:
            request.META["HTTP_HOST"] = SITE
        return self.get_response(request)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answers as long as the process does; asks nobody else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers and every migration is applied, else 503."""
    try:
        waiting = unapplied_migrations()
    except DatabaseError:
        return JsonResponse(NO_ANSWER, status=503)
    if waiting:
        return JsonResponse({"status": "unready", "database": "ok", "unapplied": waiting}, status=503)
    return JsonResponse({"status": "ready", "database": "ok", "unapplied": []})


def later_migrations() -> list[str]:
    """Those of ours that were applied and that this program does not have: a later version was here."""
    loader = MigrationExecutor(connection).loader
    ours = {"config", "accounts", "articles", "comments", "moderation", "archive"}
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    return sorted(f"{app}.{name}" for app, name in unknown if app in ours)


def unapplied_migrations() -> list[str]:
    """Names such as "comments.0002_log", in the order in which `migrate` would apply them."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
