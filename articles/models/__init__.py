from articles.models.articles import PREVIEW_FOR, Article, ArticleQuerySet, Topic, free_slug
from articles.models.sites import Site, check_time_zone

__all__ = ["PREVIEW_FOR", "Article", "ArticleQuerySet", "Site", "Topic", "check_time_zone", "free_slug"]
