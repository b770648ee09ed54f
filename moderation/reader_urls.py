"""Pages of the moderation that readers and authors open, beside those of the discussion."""

from django.urls import URLPattern, URLResolver, path

from moderation.views import log, standing

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/standing/", standing.standing, name="standing"),
    path("moderation-log/", log.public, name="public-log"),
]
