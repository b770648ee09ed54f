"""Articles and topics: the models, and who may read the title of an article."""

from datetime import UTC, datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core import signing
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list, slugify
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models.authors import Byline, BylineAuthor
from articles.models.lengths import max_length_constraint
from articles.models.queries import has_any_article
from articles.models.redirects import Redirect
from articles.models.slugs import MAX_SLUG_LENGTH, first_unused_slug, unused_slug_of_name
from articles.search import weighted_vector

MAX_TITLE_LENGTH, MAX_STANDFIRST_LENGTH = 300, 5_000  # characters
MAX_BODY_LENGTH = 200_000  # characters: a short book, which is rendered in a few seconds
MAX_UNPUBLISHED_REASON_LENGTH = 2_000  # characters
PREVIEW_LIFETIME = timedelta(days=7)
# Shown in place of a title that a person may not read.
UNPUBLISHED_TITLE = gettext_noop("A story that is not published")
PREVIEW_SALT = "articles.preview"


class TopicQuerySet(models.QuerySet["Topic"]):
    def shown(self) -> Self:
        """Return the topics that readers see."""
        return self.filter(shown=True)

    def with_articles(self, articles: "ArticleQuerySet | None" = None) -> Self:
        """Return the topics of at least one of these articles; by default, of a published article."""
        memberships = Article.topics.through.objects.filter(topic=OuterRef("pk"))
        return self.filter(
            has_any_article(memberships, Article.objects.published() if articles is None else articles)
        )


class Topic(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("URL slug"), max_length=80, unique=True, allow_unicode=True)
    shown = models.BooleanField(
        _("shown to readers"),
        default=True,
        help_text=_("If this is off, stories keep the topic, but readers do not see it."),
    )

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("topic", args=[self.slug])


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self, now: datetime | None = None) -> Self:
        """Return the articles that readers may see at `now`."""
        return self.filter(published_at__lte=now or timezone.now())

    def syndicated(self, now: datetime | None = None) -> Self:
        """Return the published articles with known rights, for feeds, sitemaps and structured data."""
        return self.published(now).exclude(rights=Article.Rights.UNKNOWN)

    def within(self, start: datetime, end: datetime) -> Self:
        """Return the articles published from `start` on and before `end`."""
        return self.filter(published_at__gte=start, published_at__lt=end)

    def listed(self) -> Self:
        """Load the data that lists show, and defer fields that only the page of an article shows.

        Lists show the number of comments, the lead image, the authors and the first topic.
        """
        deferred = ["body", "body_html", "search_vector", "keywords"]
        topics = Topic.objects.shown().filter(articles=OuterRef("pk")).order_by("name")
        return (
            self.select_related("discussion", "lead_image")
            .with_author_names()
            .annotate(first_topic=Subquery(topics.values(link=JSONObject(name="name", slug="slug"))[:1]))
            .defer(*deferred)
        )

    def with_author_names(self) -> Self:
        """Annotate `author_names`, in the order of the byline, without another query."""
        names = Byline.objects.filter(article=OuterRef("pk")).exclude(author__user__name="")
        return self.annotate(
            author_names=ArraySubquery(names.order_by("position", "pk").values("author__user__name"))
        )

    def editable_by(self, user: User) -> Self:
        """Return the articles that this person may edit; one without editors is open to every editor."""
        if user.is_administrator:
            return self
        if not user.is_editor:
            return self.none()
        return self.filter(Q(editors=user) | Q(editors=None))  # one join, of which one row matches

    def with_title_visible_to(self, user: User | None) -> Self:
        """Return the articles whose title this person may read; None is an anonymous reader."""
        return self.filter(title_visible_to(user))


class Article(models.Model):
    """A story. Its body is Markdown, with the rendered HTML next to it; services.save_article writes both."""

    class Rights(models.TextChoices):
        OURS = "ours", _("ours")
        LICENSED = "licensed", _("licensed")
        PUBLIC_DOMAIN = "public_domain", _("public domain")
        UNKNOWN = "unknown", _("unknown")

    class Stage(models.TextChoices):
        """Status of an unpublished article, for editors. It hides nothing from editors by itself."""

        DRAFT = "draft", _("draft")
        READY = "ready", _("ready for review")
        PRIVATE = "private", _("private")

    title = models.CharField(_("title"), max_length=MAX_TITLE_LENGTH)
    slug = models.SlugField(_("URL slug"), max_length=MAX_SLUG_LENGTH, unique=True, allow_unicode=True)
    standfirst = models.TextField(_("standfirst"), max_length=MAX_STANDFIRST_LENGTH, blank=True)
    authors = models.ManyToManyField(
        "articles.Author", through="articles.Byline", related_name="articles", editable=False
    )
    byline = models.CharField(
        _("byline"),
        max_length=200,
        blank=True,
        help_text=_("Other authors, who have no author page here."),
    )
    body = models.TextField(_("body"), max_length=MAX_BODY_LENGTH, blank=True, help_text=_("Markdown."))
    body_html = models.TextField(editable=False, blank=True)
    lead_image = models.ForeignKey(
        "articles.Image",
        models.PROTECT,
        verbose_name=_("lead image"),
        null=True,
        blank=True,
        related_name="led",
        help_text=_("Shown above the story, in lists, and in link previews on other sites."),
    )
    topics = models.ManyToManyField(Topic, verbose_name=_("topics"), blank=True, related_name="articles")
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("editors"),
        blank=True,
        related_name="articles",
        help_text=_("They can edit it and moderate its discussion. Leave empty to let every editor edit."),
    )
    published_at = models.DateTimeField(
        _("publish at"),
        null=True,
        blank=True,
        help_text=_("Leave empty for a draft. A time in the future schedules it."),
    )
    stage = models.CharField(
        _("stage"),
        max_length=10,
        choices=Stage,
        default=Stage.DRAFT,
        db_default=Stage.DRAFT,
        help_text=_("Only while it is unpublished. Preview links of a private story do not work."),
    )
    embargo_until = models.DateTimeField(null=True, editable=False)  # cannot be published before
    unpublished_at = models.DateTimeField(null=True, editable=False)
    unpublished_reason = models.TextField(  # for readers
        max_length=MAX_UNPUBLISHED_REASON_LENGTH, blank=True, default="", db_default="", editable=False
    )
    was_published_at = models.DateTimeField(null=True, editable=False)  # before it was unpublished
    corrected_at = models.DateTimeField(null=True, editable=False)  # date of the last correction
    rights = models.CharField(_("rights"), max_length=20, choices=Rights, default=Rights.OURS)
    source_name = models.CharField(_("source"), max_length=120, blank=True)
    source_url = models.URLField(_("source’s URL"), max_length=500, blank=True)
    canonical_url = models.URLField(
        _("canonical URL"),
        max_length=500,
        blank=True,
        help_text=_("The URL that search engines should index. Leave empty for the URL here."),
    )
    source_zone = models.CharField(max_length=64, blank=True, editable=False)  # of the imported page's times
    source_key = models.CharField(max_length=64, blank=True, editable=False)  # identifies the imported page
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveBigIntegerField(default=0, editable=False)
    # The rarest words that it shares with other articles (related.py).
    keywords = ArrayField(models.TextField(), default=list, db_default=[], editable=False)
    search_vector = models.GeneratedField(
        expression=weighted_vector("title", "A")
        + weighted_vector("standfirst", "B")
        + weighted_vector("body", "D"),
        output_field=SearchVectorField(),
        db_persist=True,
        db_column="vector",
    )

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("story")
        verbose_name_plural = _("stories")
        ordering = ["-published_at", "-pk"]
        indexes = [
            models.Index(F("published_at").desc(), F("id").desc(), name="article_published"),
            GinIndex(fields=["search_vector"], name="article_vector"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source_key"], condition=~Q(source_key=""), name="article_source_once"
            ),
            models.CheckConstraint(
                condition=Q(embargo_until=None)
                | Q(published_at=None)
                | Q(published_at__gte=F("embargo_until")),
                name="article_not_before_its_embargo",
            ),
            max_length_constraint("standfirst", MAX_STANDFIRST_LENGTH, name="article_standfirst_length"),
            max_length_constraint("body", MAX_BODY_LENGTH, name="article_body_length"),
            max_length_constraint(
                "unpublished_reason", MAX_UNPUBLISHED_REASON_LENGTH, name="article_unpublished_reason_length"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("story", args=[self.slug])

    def is_published(self, now: datetime | None = None) -> bool:
        """Return whether readers may see it at `now`."""
        return self.published_at is not None and self.published_at <= (now or timezone.now())

    def is_embargoed(self, now: datetime | None = None) -> bool:
        """Return whether its embargo has not ended at `now`."""
        return self.embargo_until is not None and self.embargo_until > (now or timezone.now())

    def is_syndicated(self, now: datetime | None = None) -> bool:
        """Return whether feeds, sitemaps and structured data may contain it (ArticleQuerySet.syndicated)."""
        return self.is_published(now) and self.rights != Article.Rights.UNKNOWN

    @property
    def changed_at(self) -> datetime:
        """Return the time of the last change that readers see: its publication, or a later update."""
        return max(self.published_at or self.updated_at, self.updated_at)

    @property
    def full_text(self) -> str:
        """Return the standfirst and the body, with which comments are compared."""
        return f"{self.standfirst}\n{self.body}"

    def preview_url(self) -> str:
        """Return the path of a preview link, valid for PREVIEW_LIFETIME. Nothing is stored."""
        return reverse("preview", args=[self.slug, signing.dumps(self.pk, salt=PREVIEW_SALT)])

    def preview_until(self, token: str, reader: User | None) -> datetime | None:
        """Return the time at which this preview link expires; None if it does not work.

        A link of a private article works only for its editors. A link that was made before the article was
        unpublished no longer works.
        """
        if preview_article_id(token) != self.pk:
            return None
        signed_at = token_signing_time(token)
        return signed_at + PREVIEW_LIFETIME if self.accepts_preview_link(signed_at, reader) else None

    def accepts_preview_link(self, signed_at: datetime, reader: User | None = None) -> bool:
        """Return whether a preview link that was signed at this time still shows the story to this reader."""
        if signed_at < (self.unpublished_at or signed_at):
            return False
        return self.stage != Article.Stage.PRIVATE or bool(reader and self.can_be_edited_by(reader))

    def byline_authors(self) -> list[BylineAuthor]:
        """Return the authors that have a page, in the order of the byline."""
        if self.pk is None:
            return []
        found = Byline.objects.filter(article=self).exclude(author__user__name="").order_by("position", "pk")
        return [BylineAuthor(*row) for row in found.values_list("author__user__name", "author__slug")]

    @property
    def byline_text(self) -> str:
        """Return the byline as text: the authors in their order, then the other names."""
        text: str = get_text_list([*self._author_names, *filter(None, [self.other_authors])], str(_("and")))
        return text

    @property
    def other_authors(self) -> str:
        """Return the part of the byline that names people who have no author page."""
        return "" if self.byline in self._author_names else self.byline

    @property
    def _author_names(self) -> list[str]:
        """Return the authors' names; lists and the story's page have annotated them (`with_author_names`)."""
        names: list[str] | None = vars(self).get("author_names")
        return [author.name for author in self.byline_authors()] if names is None else names

    @property
    def comment_count(self) -> int:
        """Return the number of comments that readers see; 0 if the discussion is hidden."""
        discussion = getattr(self, "discussion", None)
        return 0 if discussion is None or discussion.is_hidden else discussion.visible_count

    @property
    def time_zone(self) -> str:
        """Return the IANA name of the time zone of its times: that of the imported page, else the site's."""
        return self.source_zone or str(timezone.get_current_timezone())

    @property
    def is_imported(self) -> bool:
        """Return whether it was imported from a saved page."""
        return bool(self.source_key)

    def is_title_visible_to(self, user: User | None) -> bool:
        """Return whether `user` may read the title. See ArticleQuerySet.with_title_visible_to."""
        return self.is_published() or bool(user and self.can_be_edited_by(user))

    def title_for(self, user: User | None) -> str:
        """Return the title, or UNPUBLISHED_TITLE if `user` may not read it; None is an anonymous reader."""
        return self.title if self.is_title_visible_to(user) else gettext(UNPUBLISHED_TITLE)

    def can_be_edited_by(self, user: User) -> bool:
        """Return whether `user` may edit it, as ArticleQuerySet.editable_by does for many articles."""
        if user.is_administrator:
            return True
        return Article.objects.editable_by(user).filter(pk=self.pk).exists()


def title_visible_to(user: User | None, prefix: str = "") -> Q:
    """Return a condition that matches the articles whose title `user` may read.

    Only its editors may read the title of a draft: neither moderators nor other editors. `prefix` is the
    lookup that leads to the article ("discussion__article__").
    """
    if user and user.is_administrator:
        return Q(**{f"{prefix}pk__isnull": False})
    is_visible = Q(**{f"{prefix}published_at__lte": timezone.now()})
    if user and user.is_editor:
        is_visible |= Q(**{f"{prefix}pk__in": Article.objects.editable_by(user).values("pk")})
    return is_visible


def title_for(user: User | None, prefix: str = "") -> Case:
    """Return Article.title_for as an expression for queries."""
    title = When(title_visible_to(user, prefix), then=F(f"{prefix}title"))
    return Case(title, default=Value(gettext(UNPUBLISHED_TITLE)), output_field=models.TextField())


def preview_article_id(token: str) -> int | None:
    """Return the id of the article to which this preview token belongs; None if it is invalid or expired."""
    try:
        key: int = signing.loads(token, salt=PREVIEW_SALT, max_age=PREVIEW_LIFETIME)
    except signing.BadSignature:
        return None
    return key


def token_signing_time(token: str) -> datetime:
    """Return the time at which the token was signed, to the second. The signature is not checked."""
    return datetime.fromtimestamp(signing.b62_decode(token.rsplit(":", 2)[1]), UTC)


def unique_slug(title: str, *, exclude: int = 0) -> str:
    """Return an unused slug for an article: its title in its own script, numbered if that is taken.

    `exclude` is the id of the article itself, if it is stored.
    """
    base = slug_from_title(title)
    stem = base[: MAX_SLUG_LENGTH - 10].rstrip("-")  # leaves room for a number
    others = Article.objects.exclude(pk=exclude)
    taken = set(others.filter(slug__startswith=stem).values_list("slug", flat=True))
    path = "/stories/"  # not by reverse(): commands, such as an import, would load all views first
    redirects = Redirect.objects.filter(old__startswith=path + stem).exclude(article=exclude)
    taken |= {old.removeprefix(path).strip("/") for old in redirects.values_list("old", flat=True)}
    return first_unused_slug(base, taken, stem=stem)


def slug_from_title(title: str) -> str:
    """Return a slug in the script of the title, cut where the script of the editor page cuts it."""
    return slugify(title, allow_unicode=True)[:MAX_SLUG_LENGTH].strip("-") or "story"


def unique_topic_slug(name: str, *, exclude: int = 0) -> str:
    """Return a slug for a topic of this name, numbered if another topic has it.

    `exclude` is the id of the topic itself, if it is stored.
    """
    return unused_slug_of_name(name, Topic.objects.exclude(pk=exclude), max_length=70, fallback="topic")
