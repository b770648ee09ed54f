from django.urls import path, re_path

from articles import feeds, views

SLUG = r"(?P<slug>[-\w]{1,120})/"  # in any script, and nothing that Postgres refuses

urlpatterns = [
    path("", views.home, name="home"),
    re_path(f"^topics/{SLUG}$", views.topic, name="topic"),
    path("feed/", feeds.feed, name="feed"),
    re_path(rf"^stories/{SLUG}preview/(?P<token>[^/]+)/$", views.preview, name="preview"),
]
