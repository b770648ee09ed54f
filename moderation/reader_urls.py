"""Pages of the moderation that readers and authors open, beside those of the discussion."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
