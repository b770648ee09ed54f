"""Models of articles, authors, editing, images, pages, redirects and the site."""

from articles.models.articles import (
    BODY_MAX,
    PREVIEW_LIFETIME,
    STANDFIRST_MAX,
    UNPUBLISHED_REASON_MAX,
    UNPUBLISHED_TITLE,
    Article,
    ArticleQuerySet,
    Topic,
    preview_article_id,
    slug_from_title,
    title_for,
    title_visible_to,
    unique_slug,
)
from articles.models.authors import AUTHORS_MAX, Author, Byline, BylineAuthor, unique_author_slug
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
    INTRODUCTION_MAX,
    SUBJECT_MAX,
    Newsletter,
    NewsletterQuerySet,
    NewsletterRecipient,
    NewsletterStory,
    Subscriber,
    Subscription,
)
from articles.models.pins import Pin
from articles.models.redirects import OLD_PATH_MAX, PATH_SUFFIX_MAX, Redirect
from articles.models.site import Site, validate_time_zone
from articles.models.standing_pages import StandingPage

__all__ = [
    "AUTHORS_MAX",
    "BODY_MAX",
    "INTRODUCTION_MAX",
    "OLD_PATH_MAX",
    "PATH_SUFFIX_MAX",
    "PREVIEW_LIFETIME",
    "STANDFIRST_MAX",
    "SUBJECT_MAX",
    "UNPUBLISHED_REASON_MAX",
    "UNPUBLISHED_TITLE",
    "Article",
    "ArticleQuerySet",
    "Author",
    "Autosave",
    "Byline",
    "BylineAuthor",
    "Correction",
    "Document",
    "DocumentText",
    "EditorNote",
    "Image",
    "ImageUse",
    "Newsletter",
    "NewsletterQuerySet",
    "NewsletterRecipient",
    "NewsletterStory",
    "OpenForm",
    "Pin",
    "Presence",
    "Redirect",
    "Revision",
    "Site",
    "StandingPage",
    "Subscriber",
    "Subscription",
    "Topic",
    "preview_article_id",
    "slug_from_title",
    "title_for",
    "title_visible_to",
    "unique_author_slug",
    "unique_slug",
    "validate_time_zone",
]
