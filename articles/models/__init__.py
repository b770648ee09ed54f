"""Models of articles, authors, editing, images, pages, redirects and the site."""

from articles.models.articles import (
    MAX_BODY_LENGTH,
    MAX_STANDFIRST_LENGTH,
    MAX_UNPUBLISHED_REASON_LENGTH,
    PREVIEW_LIFETIME,
    UNPUBLISHED_TITLE,
    Article,
    ArticleQuerySet,
    Topic,
    preview_article_id,
    slug_from_title,
    title_for,
    title_visible_to,
    unique_slug,
    unique_topic_slug,
)
from articles.models.authors import MAX_AUTHORS, Author, Byline, BylineAuthor, unique_author_slug
from articles.models.editing import (
    Autosave,
    Correction,
    Document,
    DocumentText,
    EditorNote,
    OpenForm,
    Presence,
    Revision,
)
from articles.models.images import Image, ImageUse
from articles.models.newsletters import (
    Newsletter,
    NewsletterRecipient,
    NewsletterStory,
    Subscriber,
    Subscription,
)
from articles.models.pins import Pin
from articles.models.redirects import MAX_OLD_PATH_LENGTH, MAX_PATH_SUFFIX_LENGTH, Redirect
from articles.models.site import Site
from articles.models.standing_pages import StandingPage
