from django.urls import path

from accounts import views

urlpatterns = [
    path("accounts/page/", views.page, name="page-switch"),
]
