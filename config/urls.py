"""The URLs of the site."""

from django.contrib import admin
from django.urls import include, path

from config import static_files, well_known
from config.monitoring.views import metrics
from core import health
from core.templating import script_texts

handler400 = "articles.site.error_pages.bad_request"
handler403 = "articles.site.error_pages.no_access"
handler404 = "articles.redirects.not_found"
handler429 = "core.fallback_pages.rate_limited"  # allauth's
handler500 = "core.fallback_pages.server_error"

admin.autodiscover()

urlpatterns = [
    path("", include("comments.urls")),  # first, as they are asked for most: Django tries them in order
    path("", include("articles.urls")),
    path("", include("accounts.urls")),
    path("", include("moderation.reader_urls")),
    path("", include("archive.urls")),
    path("", include("config.owner.urls")),
    path("accounts/", include("allauth.urls")),
    path("moderation/", include("moderation.urls")),
    path("admin/", admin.site.urls),
    path(".well-known/security.txt", well_known.security_txt, name="security-txt"),
    path("texts/<str:language>/<str:version>.js", script_texts.script_texts, name="script-texts"),
    path("static/<path:name>", static_files.file_of_another_version, name="static-file"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
