"""The URLs of the pages for administrators."""

from django.urls import path
from django.views.generic import RedirectView

from config.owner import views

urlpatterns = [
    path("setup/<str:token>/", views.set_up, name="setup"),
    path("owner/mail/", views.test_mail, name="owner-mail"),
    path("owner/status/", views.status, name="owner-status"),
    path("owner/jobs/", views.change_job, name="owner-jobs"),
    path("owner/settings/", views.site_settings, name="owner-settings"),
    # An earlier URL, to which mails that were already sent link
    path("owner/have/", RedirectView.as_view(pattern_name="owner-status", permanent=True)),
]
