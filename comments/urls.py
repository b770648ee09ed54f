from django.urls import path, re_path

from comments import feeds, people, search_views, views

# Slugs are in any script; keys stop below what Postgres takes for one. Each is written in one way only: "007"
# or the digits of another script would be one more page to keep.
STORY = r"^stories/(?P<slug>[-\w]{1,120})/"
KEY = r"(?P<pk>[1-9][0-9]{0,17})/$"

urlpatterns = [
    re_path(STORY + "$", views.story, name="story"),
    re_path(STORY + r"order/(?P<order>\w{1,20})/$", views.choose_order, name="story-order"),
    re_path(STORY + "version/$", views.version, name="story-version"),
    re_path(STORY + "new/$", views.new, name="story-new"),
    re_path(STORY + "recommend/" + KEY, views.recommendation, name="recommend"),
    re_path(STORY + "comments/" + KEY, views.comment, name="comment"),
    re_path(STORY + "feed/$", feeds.feed, name="story-feed"),
    re_path(STORY + "reply/$", views.reply, name="reply"),
    re_path(STORY + "reply/" + KEY, views.reply, name="reply"),
    re_path(STORY + "find/$", search_views.find, name="find"),
    path("search/", search_views.search, name="search"),
    re_path("^comments/" + KEY.removesuffix("$") + "edit/$", views.edit, name="comment-edit"),
    re_path("^comments/" + KEY.removesuffix("$") + "delete/$", views.delete, name="comment-delete"),
    re_path("^people/" + KEY, people.person, name="person"),
    path("guests/confirm/<str:token>/", views.confirm, name="guest-confirm"),
]
