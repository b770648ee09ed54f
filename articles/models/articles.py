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
from django.db.models.lookups import IsNull
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list, slugify
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models.authors import Byline, Signed
from articles.models.lengths import longest
from articles.models.redirects import Redirect
from articles.paging import Place
from articles.search import weighed

TITLE_MAX, STANDFIRST_MAX = 300, 5_000  # characters
BODY_MAX = 200_000  # a short book, which is rendered in a few seconds
TAKEN_BACK_WHY_MAX = 2_000
PREVIEW_FOR = timedelta(days=7)
NOT_PUBLISHED = gettext_noop("A story that is not published")  # to whoever may not read its title
PREVIEW_SALT = "articles.preview"


class TopicQuerySet(models.QuerySet["Topic"]):
    def shown(self) -> Self:
        return self.filter(shown=True)

    def with_stories(self, articles: "ArticleQuerySet | None" = None) -> Self:
        """Those under which a reader finds something: one of these articles, else one that is published."""
        # Two questions that are asked one by one until one is found. As a join, which EXISTS would be made,
        # they would read every article: 20 ms for 10,000, on each page.
        found = Article.objects.published() if articles is None else articles
        article = found.filter(pk=OuterRef("article")).order_by().values("pk")[:1]
        stands = Article.topics.through.objects.filter(topic=OuterRef("pk"))
        first = stands.filter(IsNull(Subquery(article), False)).values("pk")[:1]
        return self.filter(IsNull(Subquery(first), False))


class Topic(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("part of the URL"), max_length=80, unique=True, allow_unicode=True)
    shown = models.BooleanField(
        _("shown to readers"),
        default=True,
        help_text=_("Switched off, the topic stays on its articles but is on no page."),
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
        """What readers may see: its moment has come."""
        return self.filter(published_at__lte=now or timezone.now())

    def syndicated(self, now: datetime | None = None) -> Self:
        """What may leave the site in feeds, sitemaps and structured data: published, with known rights."""
        return self.published(now).exclude(rights=Article.Rights.UNKNOWN)

    def within(self, start: datetime, end: datetime) -> Self:
        """Those of a year or a month: from `start`, before `end`."""
        return self.filter(published_at__gte=start, published_at__lt=end)

    def before(self, place: Place) -> Self:
        """What follows in a list, newest first."""
        return self.filter(place.behind("published_at"))

    def listed(self) -> Self:
        """As lists show them: with the count of comments and who signed, without what only the story's own
        page reads."""
        unread = ["body", "body_html", "vector", "keywords"]
        return self.select_related("discussion", "lead_image").signed().defer(*unread)

    def signed(self) -> Self:
        """With the names of the authors, in order, in the same statement."""
        names = Byline.objects.filter(article=OuterRef("pk")).exclude(author__user__name="")
        return self.annotate(
            author_names=ArraySubquery(names.order_by("place", "pk").values("author__user__name"))
        )

    def editable_by(self, user: User) -> Self:
        """The articles of one editor; a story without an editor belongs to every editor."""
        if user.is_administrator:
            return self
        if not user.is_editor:
            return self.none()
        return self.filter(Q(editors=user) | Q(editors=None))  # one join, of which one row matches

    def known_to(self, user: User | None) -> Self:
        """The articles whose title this person may read; None: anybody."""
        return self.filter(known_to(user))


class Article(models.Model):
    """A story. Its body is Markdown, with the rendered HTML beside it: services.save_article writes both."""

    class Rights(models.TextChoices):
        OURS = "ours", _("ours")
        LICENSED = "licensed", _("licensed")
        PUBLIC_DOMAIN = "public_domain", _("public domain")
        UNKNOWN = "unknown", _("unknown")

    class Stage(models.TextChoices):
        """Of what is not published: words between editors, which hide nothing by themselves."""

        DRAFT = "draft", _("draft")
        READY = "ready", _("ready for review")
        PRIVATE = "private", _("private")

    title = models.CharField(_("title"), max_length=TITLE_MAX)
    slug = models.SlugField(_("part of the URL"), max_length=120, unique=True, allow_unicode=True)
    standfirst = models.TextField(_("standfirst"), max_length=STANDFIRST_MAX, blank=True)
    authors = models.ManyToManyField(
        "articles.Author", through="articles.Byline", related_name="articles", editable=False
    )
    byline = models.CharField(
        _("byline"),
        max_length=200,
        blank=True,
        help_text=_("Others who signed it, in words; they have no page here."),
    )
    body = models.TextField(_("body"), max_length=BODY_MAX, blank=True, help_text=_("Markdown."))
    body_html = models.TextField(editable=False, blank=True)
    lead_image = models.ForeignKey(
        "articles.Image",
        models.PROTECT,
        verbose_name=_("lead image"),
        null=True,
        blank=True,
        related_name="led",
        help_text=_("Above the story, in lists, and where others show a link to it."),
    )
    topics = models.ManyToManyField(Topic, verbose_name=_("topics"), blank=True, related_name="articles")
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("editors"),
        blank=True,
        related_name="articles",
        help_text=_("They may change it and moderate its discussion. With nobody here, every editor may."),
    )
    published_at = models.DateTimeField(
        _("publish at"), null=True, blank=True, help_text=_("Empty: a draft. In the future: scheduled.")
    )
    stage = models.CharField(
        _("stage"),
        max_length=10,
        choices=Stage,
        default=Stage.DRAFT,
        db_default=Stage.DRAFT,
        help_text=_("Until it is published. Links to the preview of a private story do not open."),
    )
    embargo_until = models.DateTimeField(null=True, editable=False)  # never published before
    taken_back_at = models.DateTimeField(null=True, editable=False)
    taken_back_why = models.TextField(  # for readers
        max_length=TAKEN_BACK_WHY_MAX, blank=True, default="", db_default="", editable=False
    )
    was_published_at = models.DateTimeField(null=True, editable=False)  # before it was taken back
    corrected_at = models.DateTimeField(null=True, editable=False)  # the last correction; null: there is none
    rights = models.CharField(_("rights"), max_length=20, choices=Rights, default=Rights.OURS)
    source_name = models.CharField(_("source"), max_length=120, blank=True)
    source_url = models.URLField(_("source's URL"), max_length=500, blank=True)
    canonical_url = models.URLField(
        _("first published at"),
        max_length=500,
        blank=True,
        help_text=_("The URL at which search engines should look for it. Empty: here."),
    )
    source_zone = models.CharField(
        max_length=64, blank=True, editable=False
    )  # zone of the saved page's times
    source_key = models.CharField(max_length=64, blank=True, editable=False)  # which saved page this was
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveBigIntegerField(default=0, editable=False)
    # Its rarest words that other stories have as well: see related.py.
    keywords = ArrayField(models.TextField(), default=list, db_default=[], editable=False)
    vector = models.GeneratedField(
        expression=weighed("title", "A") + weighed("standfirst", "B") + weighed("body", "D"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ["-published_at", "-pk"]
        indexes = [
            models.Index(F("published_at").desc(), F("id").desc(), name="article_published"),
            GinIndex(fields=["vector"], name="article_vector"),
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
            longest("standfirst", STANDFIRST_MAX, name="article_standfirst_length"),
            longest("body", BODY_MAX, name="article_body_length"),
            longest("taken_back_why", TAKEN_BACK_WHY_MAX, name="article_why_length"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("story", args=[self.slug])

    def is_published(self, now: datetime | None = None) -> bool:
        return self.published_at is not None and self.published_at <= (now or timezone.now())

    def is_embargoed(self, now: datetime | None = None) -> bool:
        return self.embargo_until is not None and self.embargo_until > (now or timezone.now())

    def is_syndicated(self, now: datetime | None = None) -> bool:
        """As ArticleQuerySet.syndicated: whether it may leave the site."""
        return self.is_published(now) and self.rights != Article.Rights.UNKNOWN

    @property
    def changed_at(self) -> datetime:
        """Since when readers see it as it is: its publication, or a change after that."""
        return max(self.published_at or self.updated_at, self.updated_at)

    def preview_url(self) -> str:
        """The path of a draft for whoever is sent it, good for a week. Nothing is stored."""
        return reverse("preview", args=[self.slug, signing.dumps(self.pk, salt=PREVIEW_SALT)])

    def preview_until(self, token: str, reader: User | None = None) -> datetime | None:
        """The moment until which that link opens the preview; None if it does not. That of a private story
        opens for its editors alone, and none from before the story was taken back does."""
        if previewed(token) != self.pk:
            return None
        made = signed_at(token)
        return made + PREVIEW_FOR if self.opens_previews(made, reader) else None

    def opens_previews(self, made: datetime, reader: User | None = None) -> bool:
        """Whether what was given out at that moment, a link or what it opened, still shows the story."""
        if made < (self.taken_back_at or made):
            return False
        return self.stage != Article.Stage.PRIVATE or bool(reader and self.can_be_edited_by(reader))

    def signed_by(self) -> list[Signed]:
        """Its authors, in order."""
        if self.pk is None:
            return []
        found = Byline.objects.filter(article=self).exclude(author__user__name="").order_by("place", "pk")
        return [Signed(*row) for row in found.values_list("author__user__name", "author__slug")]

    @property
    def signature(self) -> str:
        """Who wrote it, in words: the authors in their order, and whoever else is named."""
        words: str = get_text_list([*self._names, *filter(None, [self.others])], str(_("and")))
        return words

    @property
    def others(self) -> str:
        """Who is named beside the authors."""
        return "" if self.byline in self._names else self.byline

    @property
    def _names(self) -> list[str]:
        """Lists and the story's page have read them along (`signed`)."""
        names: list[str] | None = vars(self).get("author_names")
        return [author.name for author in self.signed_by()] if names is None else names

    @property
    def zone(self) -> str:
        """IANA name of the zone in which its times are told: the saved page's, else the site's."""
        return self.source_zone or timezone.get_current_timezone_name()

    @property
    def is_archived(self) -> bool:
        """Brought in from a saved page."""
        return bool(self.source_key)

    def is_known_to(self, user: User | None) -> bool:
        """Return whether `user` may read the title, as ArticleQuerySet.known_to asks it of many."""
        return self.is_published() or bool(user and self.can_be_edited_by(user))

    def title_for(self, user: User | None) -> str:
        """The title, or words in its place for whoever may not read it; None: anybody."""
        return self.title if self.is_known_to(user) else gettext(NOT_PUBLISHED)

    def can_be_edited_by(self, user: User) -> bool:
        if user.is_administrator:
            return True
        return Article.objects.editable_by(user).filter(pk=self.pk).exists()


def known_to(user: User | None, prefix: str = "") -> Q:
    """Match the articles whose title this person may read: a draft's title is known to its editors alone, and
    neither to moderators nor to colleagues. `prefix` leads to the article ("discussion__article__")."""
    if user and user.is_administrator:
        return Q(**{f"{prefix}pk__isnull": False})
    known = Q(**{f"{prefix}published_at__lte": timezone.now()})
    if user and user.is_editor:
        known |= Q(**{f"{prefix}pk__in": Article.objects.editable_by(user).values("pk")})
    return known


def title_for(user: User | None, prefix: str = "") -> Case:
    """Article.title_for as an expression."""
    title = When(known_to(user, prefix), then=F(f"{prefix}title"))
    return Case(title, default=Value(gettext(NOT_PUBLISHED)), output_field=models.TextField())


def previewed(token: str) -> int | None:
    """The key of the article of which this is the token of a preview, if it is not too old."""
    try:
        key: int = signing.loads(token, salt=PREVIEW_SALT, max_age=PREVIEW_FOR)
    except signing.BadSignature:
        return None
    return key


def signed_at(token: str) -> datetime:
    """When this was signed, to the second; the signature is not looked at."""
    return datetime.fromtimestamp(signing.b62_decode(token.rsplit(":", 2)[1]), UTC)


def free_slug(title: str) -> str:
    """A slug for a new article: from its title in its own script, numbered if another story has it."""
    base = slug_of(title)
    taken = set(Article.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    begins = reverse("story", args=["-"]).removesuffix("-/")
    once = Redirect.objects.filter(old__startswith=begins + base).values_list("old", flat=True)
    taken |= {old.removeprefix(begins).strip("/") for old in once}  # links to those lead elsewhere
    return next(
        slug for n in range(1, len(taken) + 2) if (slug := base if n == 1 else f"{base}-{n}") not in taken
    )


def slug_of(title: str) -> str:
    return slugify(title, allow_unicode=True)[:100].strip("-") or "story"
