from articles.models.articles import PREVIEW_FOR, Article, ArticleQuerySet, Topic, free_slug
from articles.models.images import Image, ImageUse
from articles.models.sites import Site, check_time_zone
from articles.models.writing import Correction, Note, Presence, Revision, Text, Unsaved

__all__ = [
    "PREVIEW_FOR",
    "Article",
    "ArticleQuerySet",
    "Correction",
    "Image",
    "ImageUse",
    "Note",
    "Presence",
    "Revision",
    "Site",
    "Text",
    "Topic",
    "Unsaved",
    "check_time_zone",
    "free_slug",
]
