from django.urls import path

from moderation.move import move_comment

app_name = "moderation"

urlpatterns = [
    path("comments/<int:pk>/move/", move_comment, name="move"),
]
