from django.urls import path

from config.owner import views

urlpatterns = [
    path("setup/<str:token>/", views.set_up, name="setup"),
    path("owner/mail/", views.test_mail, name="owner-mail"),
    path("owner/settings/", views.site_settings, name="owner-settings"),
]
