from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("", include("articles.urls")),
    path("", include("comments.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("moderation/", include("moderation.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
