from django.urls import path

from moderation.views import (
    acts,
    dashboard,
    discussions,
    emptying,
    filter,
    history,
    log,
    marks,
    move,
    people,
    queue,
    requests,
    rules,
    seals,
    similar,
)

app_name = "moderation"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("cases/<int:pk>/", queue.case, name="case"),
    path("comments/<int:pk>/", queue.comment, name="comment"),
    path("gather/", queue.gather, name="gather"),
    path("decide/", acts.decide, name="decide"),
    path("acts/", history.history, name="history"),
    path("acts/<uuid:pk>/", history.batch, name="batch"),
    path("acts/<uuid:pk>/undo/", acts.undo, name="undo"),
    path("comments/<int:pk>/move/", move.move_comment, name="move"),
    path("comments/<int:pk>/seal/", seals.seal, name="seal"),
    path("sealed/", seals.sealed, name="sealed"),
    path("sealed/<int:pk>/", seals.sealed_comment, name="sealed-comment"),
    path("sealed/<int:pk>/words/", seals.words, name="sealed-words"),
    path("sealed/<int:pk>/evidence/", seals.take_out, name="evidence"),
    path("sealed/<int:pk>/hold/", seals.hold, name="hold"),
    path("sealed/<int:pk>/lift/", seals.lift, name="lift"),
    path("sealed/<int:pk>/erase/", seals.erase, name="erase-sealed"),
    # Requests for removal or correction
    path("requests/", requests.index, name="requests"),
    path("requests/<int:pk>/", requests.one, name="request"),
    # People
    path("people/", people.index, name="people"),
    path("emptying/", emptying.choose, name="emptying"),
    path("emptying/<uuid:pk>/", emptying.emptying_list, name="emptying-list"),
    path("emptying/<uuid:pk>/all/", emptying.members, name="emptying-members"),
    path("people/<str:key>/", people.person, name="person"),
    path("people/<str:key>/child/", people.child, name="child"),
    path("people/<str:key>/blank/", people.blank, name="person-blank"),
    path("people/<str:key>/<slug:kind>/", people.hold, name="person-hold"),
    path("sanctions/<int:pk>/end/", people.end, name="sanction-end"),
    path("sanctions/<int:pk>/keep/", people.keep, name="sanction-keep"),
    path("notes/", people.note, name="note"),
    path("notes/<int:pk>/delete/", people.delete_note, name="note-delete"),
    # Rules
    path("rules/", rules.index, name="rules"),
    path("rules/new/<slug:kind>/", rules.new, name="rule-new"),
    path("rules/<int:pk>/", rules.rule, name="rule"),
    path("rules/<int:pk>/change/", rules.change, name="rule-change"),
    path("rules/<int:pk>/switch/", rules.switch, name="rule-switch"),
    path("rules/<int:pk>/apply/", rules.apply, name="rule-apply"),
    # The filter
    path("filter/", filter.filter_page, name="filter"),
    path("filter/use/", filter.use, name="filter-use"),
    # Acts on comments, discussions and the site
    path("comments/<int:pk>/pick/", marks.pick, name="pick"),
    path("comments/<int:pk>/lock/", marks.lock, name="lock"),
    path("comments/<int:pk>/repeat/", marks.repeat, name="repeat"),
    path("comments/<int:pk>/redact/", marks.redact, name="redact"),
    path("discussions/", discussions.discussions, name="discussions"),
    path("discussions/<int:pk>/<slug:name>/", discussions.press, name="press"),
    path("site/<slug:name>/", discussions.press_site, name="press-site"),
    # Similar comments
    path("similar/", similar.groups, name="similar"),
    path("similar/look/", similar.look_again, name="look"),
    path("similar/<uuid:pk>/", similar.group, name="group"),
    # The log
    path("log/", log.lines, name="log"),
    path("log/decisions.csv", log.as_csv, name="log-csv"),
    # The mirror
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("opinions/", dashboard.second_opinions, name="opinions"),
    path("opinions/<int:pk>/", dashboard.give_opinion, name="opinion"),
]
