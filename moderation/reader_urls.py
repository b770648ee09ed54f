"""URLs of the moderation pages for readers and authors, such as reports and appeals, and of the log-in."""

from functools import partial

from django.urls import path, re_path
from django.views.generic import RedirectView

from comments.urls import KEY, STORY
from moderation.notifications import views
from moderation.people import account_status, own_comments
from moderation.queue import views as queue_views
from moderation.reports import removal_request_views
from moderation.reports import views as reports
from moderation.transparency import log_views

OWN = "^comments/" + KEY.removesuffix("$")
_redirect = partial(RedirectView.as_view, permanent=True, query_string=True)

urlpatterns = [
    re_path(STORY + "report/" + KEY, reports.report, name="report"),
    path("report-illegal/", reports.report_illegal, name="report-illegal"),
    path("report-illegal/<str:receipt>/", reports.receipt_page, name="illegal-content-receipt"),
    path("removal-request/", removal_request_views.request_removal, name="removal-request"),
    path(
        "removal-request/<str:receipt>/", removal_request_views.receipt_page, name="removal-request-receipt"
    ),
    re_path(OWN + "decision/$", views.decision, name="decision"),
    re_path(OWN + "resubmit/$", views.edit_and_resubmit, name="edit-and-resubmit"),
    path("account/comments/", own_comments.my_comments, name="my-comments"),
    path("account/status/", account_status.account_status, name="account-status"),
    path("accounts/start/", queue_views.after_login, name="after-login"),
    path("moderation-log/", log_views.public_log_page, name="public-log"),
    # Earlier URLs, which stand in mails that were already sent
    path("ask/", _redirect(pattern_name="removal-request")),
    path("ask/<str:receipt>/", _redirect(pattern_name="removal-request-receipt")),
    path("account/standing/", _redirect(pattern_name="account-status")),
]
