from django.urls import path

from config.owner import views

urlpatterns = [
    path("owner/settings/", views.site_settings, name="owner-settings"),
]
