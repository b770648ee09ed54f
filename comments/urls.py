"""URLs of the front page, stories with their discussions, search, people, topics, follows, muted
people, and the confirmation of guests' e-mails."""

from django.urls import path, re_path

from articles.urls import SLUG
from comments.thread import feeds
from comments.views import (
    following,
    front_page,
    guest_comments,
    guest_confirmation,
    muting,
    people,
    reading,
    recommending,
    searching,
    topics,
    writing,
)

# Slugs may be in any script. Keys are limited to what Postgres accepts, and each can be written in one way
# only: "007" or digits of another script would be a further page in the cache.
STORY = f"^stories/{SLUG}"
KEY = r"(?P<pk>[1-9][0-9]{0,17})/$"

urlpatterns = [
    path("", front_page.home, name="home"),
    re_path(STORY + "$", reading.story, name="story"),
    re_path(STORY + r"order/(?P<order>\w{1,20})/$", reading.choose_order, name="story-order"),
    re_path(STORY + "version/$", reading.discussion_version, name="story-version"),
    re_path(STORY + "new/$", reading.new_comments, name="story-new"),
    re_path(STORY + "recommend/" + KEY, recommending.recommendation, name="recommend"),
    re_path(STORY + "comments/" + KEY, reading.comment, name="comment"),
    re_path(STORY + "feed/$", feeds.feed, name="story-feed"),
    re_path(STORY + "reply/$", writing.reply, name="reply"),
    re_path(STORY + "reply/" + KEY, writing.reply, name="reply"),
    re_path(STORY + "mute/" + KEY, muting.mute, name="mute"),
    re_path(STORY + "since/$", reading.comments_since, name="story-since"),
    re_path(STORY + "find/$", searching.search_discussion, name="find"),
    path("search/", searching.search_site, name="search"),
    re_path("^comments/" + KEY.removesuffix("$") + "edit/$", writing.edit, name="comment-edit"),
    re_path("^comments/" + KEY.removesuffix("$") + "delete/$", writing.delete, name="comment-delete"),
    re_path("^comments/" + KEY.removesuffix("$") + "unpost/$", writing.undo_posting, name="comment-unpost"),
    re_path("^people/" + KEY, people.person, name="public-page"),
    re_path(STORY + "follow/$", following.follow_story, name="follow-story"),
    re_path(f"^topics/{SLUG}$", topics.topic, name="topic"),
    re_path(f"^topics/{SLUG}follow/$", following.follow_topic, name="follow-topic"),
    path("account/following/", following.following, name="following"),
    path("account/following/send-again/", following.send_again, name="send-mails-again"),
    path("account/notifications/", following.notifications, name="notifications"),
    path("stop-mails/<str:token>/", following.stop_following, name="stop-following"),
    path("account/muted/", muting.muted_people, name="muted-people"),
    path("account/guest-comments/", guest_comments.guest_comments, name="guest-comments"),
    path("guests/confirm/<str:token>/", guest_confirmation.confirm, name="guest-confirm"),
]
