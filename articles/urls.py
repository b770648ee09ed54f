from django.urls import path

from articles import feeds, views

urlpatterns = [
    path("", views.home, name="home"),
    path("topics/<str:slug>/", views.topic, name="topic"),  # slugs are in any script
    path("feed/", feeds.feed, name="feed"),
    path("stories/<str:slug>/preview/<str:token>/", views.preview, name="preview"),
]
