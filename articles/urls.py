from django.urls import path, re_path

from articles import views
from articles.editing import preview
from articles.images import views as images
from articles.models.slugs import SLUG_PATTERN
from articles.newsletter import views as newsletter
from articles.site import branding
from articles.syndication import feeds, sitemap
from articles.syndication.oembed import oembed

SLUG = f"(?P<slug>{SLUG_PATTERN})/"
YEAR = r"(?P<year>[12][0-9]{3})/"
POINT = "-[0-9]{1,3}-[0-9]{1,3}"
IMAGE = f"(?P<name>full|moving|w[0-9]{{1,5}}|c[0-9]{{1,5}}{POINT}|og{POINT})"
MONTH = r"(?P<month>0[1-9]|1[0-2])/"

urlpatterns = [
    # Used by the article editor in the admin. The admin's own URLs come later.
    path("admin/articles/article/render/", preview.preview_article, name="editor-render"),
    path("admin/articles/standingpage/render/", preview.preview_page, name="editor-render-page"),
    path("admin/articles/article/pasted/", preview.convert_pasted_html, name="editor-pasted"),
    re_path(f"^topics/{SLUG}feed/$", feeds.topic_feed, name="topic-feed"),
    re_path(f"^authors/{SLUG}$", views.author, name="author"),
    re_path(f"^pages/{SLUG}$", views.page, name="page"),
    path("archive/", views.archive, name="archive"),
    re_path(rf"^archive/{YEAR}$", views.archive_span, name="archive-year"),
    re_path(rf"^archive/{YEAR}{MONTH}$", views.archive_span, name="archive-month"),
    path("feed/", feeds.feed, name="feed"),
    path("newsletter/", newsletter.subscribe, name="newsletter"),
    path("newsletter/<int:pk>/", newsletter.sent, name="newsletter-sent"),
    path("newsletter/asked/", newsletter.confirmation_sent, name="newsletter-confirmation-sent"),
    path("newsletter/confirm/<str:token>/", newsletter.confirm, name="newsletter-confirm"),
    path("newsletter/mails/<str:token>/", newsletter.manage, name="newsletter-manage"),
    path("account/newsletter/", newsletter.account, name="newsletter-account"),
    path("rules/", views.rules, name="rules"),
    path("theme/", views.theme, name="theme"),
    path("site/logo-<int:pk>.png", branding.serve_logo, name="site-logo"),
    path("site/icon-<int:pk>-<int:size>.png", branding.serve_icon, name="site-icon"),
    re_path(r"^site/accent-(?P<color>[0-9a-f]{6})\.css$", branding.serve_accent, name="site-accent"),
    path("favicon.ico", branding.favicon),
    path("oembed/", oembed, name="oembed"),
    path("robots.txt", sitemap.robots, name="robots"),
    path("sitemap.xml", sitemap.index, name="sitemap"),
    path("sitemap/lists.xml", sitemap.lists, name="sitemap-lists"),
    path("sitemap/news.xml", sitemap.news, name="sitemap-news"),
    re_path(r"^sitemap/(?P<file>[1-9][0-9]{0,8})\.xml$", sitemap.stories, name="sitemap-stories"),
    re_path(
        rf"^images/(?P<pk>[1-9][0-9]{{0,17}})/{IMAGE}\.(?P<suffix>avif|webp|jpg|png)$",
        images.image,
        name="image",
    ),
    re_path(rf"^stories/{SLUG}preview/(?P<token>[^/]+)/$", views.preview, name="preview"),
]
