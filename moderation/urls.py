"""URLs of the moderation pages for moderators and editors."""

from django.urls import path

from moderation.actions import comment_views, discussion_views, history_views, saved_line_views, views
from moderation.erasure import purge_views, restriction_views
from moderation.people import views as people
from moderation.queue import second_opinion_views
from moderation.queue import views as queue
from moderation.reply_structure import proposal_views
from moderation.reply_structure import views as move
from moderation.reports import removal_request_views
from moderation.rules import views as rules
from moderation.similar import views as similar
from moderation.spam_filter import views as filter
from moderation.transparency import dashboard_views, log_views

app_name = "moderation"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("cases/<int:pk>/", queue.case, name="case"),
    path("comments/<int:pk>/", queue.comment, name="comment"),
    path("lists/new/", queue.create_group, name="create-group"),
    path("decide/", views.decide, name="decide"),
    path("actions/", history_views.history, name="history"),
    path("actions/<uuid:pk>/", history_views.action, name="action"),
    path("actions/<uuid:pk>/undo/", views.undo, name="undo"),
    path("comments/<int:pk>/move/", move.move_comment, name="move"),
    path("comments/<int:pk>/restrict/", restriction_views.restrict, name="restrict"),
    path("restricted/", restriction_views.restricted_comments, name="restricted"),
    path("restricted/<int:pk>/", restriction_views.restricted_comment, name="restricted-comment"),
    path("restricted/<int:pk>/text/", restriction_views.show_text, name="restricted-text"),
    path("restricted/<int:pk>/evidence/", restriction_views.download_evidence, name="evidence"),
    path("restricted/<int:pk>/legal-hold/", restriction_views.set_legal_hold, name="legal-hold"),
    path("restricted/<int:pk>/lift/", restriction_views.lift_restriction, name="lift-restriction"),
    path("restricted/<int:pk>/purge/", restriction_views.purge_text, name="purge-text"),
    # Requests for removal or correction
    path("requests/", removal_request_views.removal_requests_page, name="requests"),
    path("requests/<int:pk>/", removal_request_views.removal_request_page, name="request"),
    # People
    path("people/", people.people, name="people"),
    path("purge/", purge_views.new_purge_list, name="purge"),
    path("purge/<uuid:pk>/", purge_views.purge_list, name="purge-list"),
    path("purge/<uuid:pk>/all/", purge_views.purge_list_comments, name="purge-list-comments"),
    path("people/<str:key>/", people.person, name="person"),
    path("people/<str:key>/child/", people.restrict_child_data, name="restrict-child-data"),
    path("people/<str:key>/erase/", people.erase_person, name="person-erase"),
    # The URL of the previous version, on pages that are open during an upgrade.
    path("people/<str:key>/blank/", people.erase_person, name="person-erase-before"),
    path("people/<str:key>/<slug:kind>/", people.impose_sanction, name="impose-sanction"),
    path("sanctions/<int:pk>/end/", people.end_sanction, name="sanction-end"),
    path("sanctions/<int:pk>/uphold/", people.uphold_sanction, name="sanction-uphold"),
    path("notes/", people.add_note, name="note"),
    path("notes/<int:pk>/delete/", people.delete_note, name="note-delete"),
    # Rules
    path("rules/", rules.index, name="rules"),
    path("rules/new/<slug:kind>/", rules.new, name="rule-new"),
    path("rules/<int:pk>/", rules.rule, name="rule"),
    path("rules/<int:pk>/change/", rules.change, name="rule-change"),
    path("rules/<int:pk>/switch/", rules.switch, name="rule-switch"),
    path("rules/<int:pk>/apply/", rules.apply, name="rule-apply"),
    # Spam filter
    path("filter/", filter.filter_page, name="filter"),
    path("filter/use/", filter.activate_version, name="filter-use"),
    # Actions on comments, discussions and the site
    path("comments/<int:pk>/pick/", comment_views.pick, name="pick"),
    path("comments/<int:pk>/lock/", comment_views.lock, name="lock"),
    path("comments/<int:pk>/duplicate/", comment_views.duplicate, name="duplicate"),
    path("comments/<int:pk>/redact/", comment_views.redact, name="redact"),
    path("lines/", saved_line_views.lines, name="saved-lines"),
    path("discussions/", discussion_views.discussions, name="discussions"),
    path("discussions/<int:pk>/proposed-parents/", proposal_views.proposals_page, name="proposals"),
    path("discussions/<int:pk>/proposed-parents/accept/", proposal_views.accept, name="accept-proposals"),
    path("discussions/<int:pk>/proposed-parents/dismiss/", proposal_views.dismiss, name="dismiss-proposal"),
    path("discussions/<int:pk>/proposed-parents/find/", proposal_views.find_again, name="find-proposals"),
    path("discussions/<int:pk>/<slug:name>/", discussion_views.quick_action, name="quick-action"),
    path("site/<slug:name>/", discussion_views.site_quick_action, name="site-quick-action"),
    # Similar comments
    path("similar/", similar.groups, name="similar"),
    path("similar/rescan/", similar.rescan, name="rescan"),
    path("similar/<uuid:pk>/", similar.group, name="group"),
    # Audit log
    path("log/", log_views.audit_log_page, name="audit-log"),
    path("log/decisions.csv", log_views.audit_log_csv, name="audit-log-csv"),
    # Dashboard
    path("dashboard/", dashboard_views.show_dashboard, name="dashboard"),
    path("second-opinions/", second_opinion_views.second_opinions, name="opinions"),
    path("second-opinions/<int:pk>/", second_opinion_views.give_opinion, name="opinion"),
]
