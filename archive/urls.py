from django.urls import path

from archive.personal_data import views

urlpatterns = [
    path("privacy/", views.privacy, name="privacy"),
    path("account/data/", views.my_data, name="my-data"),
    path("account/data/file/", views.download, name="my-data-file"),
    path("account/data/erase/", views.erase, name="erase-account"),
    path("account/data/erase/<str:token>/", views.confirm_erasure, name="erase-account-confirm"),
]
