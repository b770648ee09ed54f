"""Models of articles, authors, editing, images, pages, redirects and the site."""

from articles.models.articles import (
    BODY_MAX,
    NOT_PUBLISHED,
    PREVIEW_LIFETIME,
    STANDFIRST_MAX,
    TAKEN_BACK_WHY_MAX,
    Article,
    ArticleQuerySet,
    Topic,
    free_slug,
    known_to,
    previewed,
    slug_from_title,
    title_for,
)
from articles.models.authors import AUTHORS_MAX, Author, Byline, Signed, unique_author_slug
from articles.models.editing import (
    Correction,
    Document,
    DocumentText,
    Note,
    OpenForm,
    Presence,
    Revision,
    Unsaved,
)
from articles.models.images import Image, ImageUse
from articles.models.pins import Pin
from articles.models.redirects import OLD_MAX, REST_MAX, Redirect
from articles.models.site import Site, check_time_zone
from articles.models.standing_pages import StandingPage

__all__ = [
    "AUTHORS_MAX",
    "BODY_MAX",
    "NOT_PUBLISHED",
    "OLD_MAX",
    "PREVIEW_LIFETIME",
    "REST_MAX",
    "STANDFIRST_MAX",
    "TAKEN_BACK_WHY_MAX",
    "Article",
    "ArticleQuerySet",
    "Author",
    "Byline",
    "Correction",
    "Document",
    "DocumentText",
    "Image",
    "ImageUse",
    "Note",
    "OpenForm",
    "Pin",
    "Presence",
    "Redirect",
    "Revision",
    "Signed",
    "Site",
    "StandingPage",
    "Topic",
    "Unsaved",
    "check_time_zone",
    "free_slug",
    "known_to",
    "previewed",
    "slug_from_title",
    "title_for",
    "unique_author_slug",
]
