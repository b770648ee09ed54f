from django.urls import path

from moderation import views
from moderation.move import move_comment

app_name = "moderation"

urlpatterns = [
    path("", views.queue, name="queue"),
    path("decide/", views.decide, name="decide"),
    path("acts/", views.history, name="history"),
    path("acts/<uuid:pk>/", views.batch, name="batch"),
    path("acts/<uuid:pk>/undo/", views.undo, name="undo"),
    path("comments/<int:pk>/move/", move_comment, name="move"),
]
