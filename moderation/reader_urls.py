"""Pages of the moderation that readers and authors open, beside those of the discussion."""

from django.urls import path, re_path

from comments.urls import KEY, STORY
from moderation.views import author, log, reports, requests, standing

OWN = "^comments/" + KEY.removesuffix("$")

urlpatterns = [
    re_path(STORY + "report/" + KEY, reports.report, name="report"),
    path("report-illegal/", reports.illegal, name="report-illegal"),
    path("report-illegal/<uuid:receipt>/", reports.receipt, name="receipt"),
    path("ask/", requests.ask, name="ask"),
    path("ask/<uuid:receipt>/", requests.receipt, name="ask-receipt"),
    re_path(OWN + "decision/$", author.decision, name="decision"),
    re_path(OWN + "again/$", author.send_again, name="send-again"),
    path("account/standing/", standing.standing, name="standing"),
    path("moderation-log/", log.public, name="public-log"),
]
