"""URLs of the moderation pages for readers and authors, such as reports and appeals."""

from django.urls import path, re_path

from comments.urls import KEY, STORY
from moderation.notifications import views
from moderation.people import account_status
from moderation.reports import removal_request_views
from moderation.reports import views as reports
from moderation.transparency import log_views

OWN = "^comments/" + KEY.removesuffix("$")

urlpatterns = [
    re_path(STORY + "report/" + KEY, reports.report, name="report"),
    path("report-illegal/", reports.report_illegal, name="report-illegal"),
    path("report-illegal/<uuid:receipt>/", reports.receipt, name="illegal-content-receipt"),
    path("ask/", removal_request_views.request_removal, name="removal-request"),
    path("ask/<uuid:receipt>/", removal_request_views.receipt, name="removal-request-receipt"),
    re_path(OWN + "decision/$", views.decision, name="decision"),
    re_path(OWN + "again/$", views.edit_and_resubmit, name="edit-and-resubmit"),
    path("account/standing/", account_status.account_status, name="account-status"),
    path("moderation-log/", log_views.public_log_page, name="public-log"),
]
