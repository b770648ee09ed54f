from articles.models.articles import (
    BODY_MAX,
    NOT_PUBLISHED,
    PREVIEW_FOR,
    STANDFIRST_MAX,
    TAKEN_BACK_WHY_MAX,
    Article,
    ArticleQuerySet,
    Topic,
    free_slug,
    known_to,
    previewed,
    slug_of,
    title_for,
)
from articles.models.authors import AUTHORS_MAX, Author, Byline, Signed, free_author_slug
from articles.models.editing import Correction, Note, Presence, Revision, Sheet, Text, Unsaved, Written
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
    "PREVIEW_FOR",
    "REST_MAX",
    "STANDFIRST_MAX",
    "TAKEN_BACK_WHY_MAX",
    "Article",
    "ArticleQuerySet",
    "Author",
    "Byline",
    "Correction",
    "Image",
    "ImageUse",
    "Note",
    "Pin",
    "Presence",
    "Redirect",
    "Revision",
    "Sheet",
    "Signed",
    "Site",
    "StandingPage",
    "Text",
    "Topic",
    "Unsaved",
    "Written",
    "check_time_zone",
    "free_author_slug",
    "free_slug",
    "known_to",
    "previewed",
    "slug_of",
    "title_for",
]
