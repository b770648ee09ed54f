"""The URLs of accounts that are not allauth's."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from accounts import views

urlpatterns = [
    path("accounts/sign-up/<str:token>/", views.confirm_sign_up, name="sign-up-confirm"),
    path("accounts/page/", views.public_page, name="public-page-settings"),
    path("account/language/", views.language, name="language"),
    path("account/devices/", views.devices, name="devices"),
    # In place of allauth's views of the same URLs
    path("accounts/confirm-email/<str:key>/", views.ConfirmEmailView.as_view()),
    re_path(
        r"^accounts/password/reset/key/(?!done/)(?:(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)|.+)/$",
        views.reset_password,
    ),
    path("accounts/oidc/<str:provider_id>/login/", views.oidc_login, name="oidc-login"),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="devices")),  # in place of allauth's page
]
