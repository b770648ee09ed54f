"""The URLs of the owner's pages."""

from django.urls import path

from config.owner import views

urlpatterns = [
    path("setup/<str:token>/", views.set_up, name="setup"),
    path("owner/mail/", views.test_mail, name="owner-mail"),
    path("owner/have/", views.status, name="owner-have"),
    path("owner/jobs/", views.change_job, name="owner-job"),
    path("owner/settings/", views.site_settings, name="owner-settings"),
]
