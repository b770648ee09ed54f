from django.urls import path

from moderation.views import acts, history, log, move, people, queue

app_name = "moderation"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("decide/", acts.decide, name="decide"),
    path("acts/", history.history, name="history"),
    path("acts/<uuid:pk>/", history.batch, name="batch"),
    path("acts/<uuid:pk>/undo/", acts.undo, name="undo"),
    path("comments/<int:pk>/move/", move.move_comment, name="move"),
    path("people/<str:key>/", people.person, name="person"),
    # The log
    path("log/", log.lines, name="log"),
    path("log/decisions.csv", log.as_csv, name="log-csv"),
]
