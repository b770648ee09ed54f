import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import articles.models.site
from core.database.independent_operations import IndependentOperations


class Migration(migrations.Migration):
    """Create the tables of articles."""

    replaces = [
        ("articles", "0001_initial"),
        ("articles", "0004_reading"),
        ("articles", "0005_comments_of_the_site"),
        ("articles", "0006_public_log"),
        ("articles", "0007_writing"),
        ("articles", "0008_settings_of_the_owner"),
        ("articles", "0009_images"),
        ("articles", "0010_image_permissions"),
        ("articles", "0011_readers_side"),
        ("articles", "0012_unsaved_without_its_article"),
        ("articles", "0013_images_of_standing_pages"),
        ("articles", "0014_late_autosaves"),
        ("articles", "0015_images_of_the_rules"),
        ("articles", "0016_nightly_backups"),
        ("articles", "0017_all_that_is_typed"),
        ("articles", "0018_standing_pages_are_written_too"),
        ("articles", "0019_language_of_the_stories"),
        ("articles", "0020_images_that_rules_have_shown"),
    ]

    initial = True
    dependencies = [
        ("articles", "0001_search_function"),
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="StandingPage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                (
                    "slug",
                    models.SlugField(
                        allow_unicode=True, max_length=100, unique=True, verbose_name="URL slug"
                    ),
                ),
                ("body", models.TextField(blank=True, help_text="Markdown.", verbose_name="body")),
                ("body_html", models.TextField(blank=True, editable=False)),
                (
                    "menu",
                    models.CharField(
                        choices=[
                            ("top", "in the header and footer"),
                            ("foot", "in the footer"),
                            ("none", "not linked"),
                        ],
                        default="foot",
                        max_length=10,
                        verbose_name="menu",
                    ),
                ),
                (
                    "place",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="Lower numbers come first.", verbose_name="position in the menu"
                    ),
                ),
                (
                    "shown",
                    models.BooleanField(
                        default=True,
                        help_text="If this is off, its URL answers “Page not found”.",
                        verbose_name="shown to readers",
                    ),
                ),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("version", models.PositiveBigIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "verbose_name": "page",
                "verbose_name_plural": "pages",
                "ordering": ["place", "title"],
            },
        ),
        migrations.CreateModel(
            name="Topic",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                (
                    "slug",
                    models.SlugField(allow_unicode=True, max_length=80, unique=True, verbose_name="URL slug"),
                ),
                (
                    "shown",
                    models.BooleanField(
                        default=True,
                        help_text="If this is off, articles keep the topic, but readers do not see it.",
                        verbose_name="shown to readers",
                    ),
                ),
            ],
            options={
                "verbose_name": "topic",
                "verbose_name_plural": "topics",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Author",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.SlugField(
                        allow_unicode=True, max_length=100, unique=True, verbose_name="URL slug"
                    ),
                ),
                (
                    "line",
                    models.CharField(
                        blank=True,
                        help_text="Shown on the author page: what they write about and how to reach them.",
                        max_length=300,
                        verbose_name="bio",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="author",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "author",
                "verbose_name_plural": "authors",
                "ordering": ["user__name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Image",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("suffix", models.CharField(editable=False, max_length=4)),
                ("width", models.PositiveIntegerField(editable=False, verbose_name="width")),
                ("height", models.PositiveIntegerField(editable=False, verbose_name="height")),
                ("is_animated", models.BooleanField(default=False, editable=False, verbose_name="animated")),
                ("has_alpha", models.BooleanField(default=False, editable=False)),
                ("filename", models.CharField(editable=False, max_length=255, verbose_name="file")),
                (
                    "alt",
                    models.CharField(
                        blank=True,
                        help_text="Describe the image for people who can’t see it, in one or two sentences.",
                        max_length=500,
                        verbose_name="alternative text",
                    ),
                ),
                (
                    "is_decorative",
                    models.BooleanField(
                        default=False,
                        help_text="The image adds nothing to the text. Screen readers skip it.",
                        verbose_name="purely decorative",
                    ),
                ),
                (
                    "caption",
                    models.CharField(
                        blank=True,
                        help_text="Shown under the image, unless a story has its own caption for it.",
                        max_length=500,
                        verbose_name="caption",
                    ),
                ),
                (
                    "credit",
                    models.CharField(
                        blank=True,
                        help_text="Who made the image, such as “Ida Lund / Harbour News”.",
                        max_length=200,
                        verbose_name="credit",
                    ),
                ),
                (
                    "focal_x",
                    models.PositiveSmallIntegerField(
                        default=50,
                        help_text="Per cent. This point stays visible where the image is cropped.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="focal point, from the left",
                    ),
                ),
                (
                    "focal_y",
                    models.PositiveSmallIntegerField(
                        default=50,
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="focal point, from the top",
                    ),
                ),
                ("sizes", models.JSONField(default=dict, editable=False)),
                (
                    "uploaded_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="uploaded at"
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="images",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "image",
                "verbose_name_plural": "images",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["digest"], name="image_digest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("alt", ""), _negated=True), ("is_decorative", True), _connector="OR"
                        ),
                        name="image_alt_or_decorative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("focal_x__lte", 100), ("focal_y__lte", 100)),
                        name="image_focal_inside",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        default="Soundoff",
                        max_length=80,
                        validators=[articles.models.site.validate_one_line],
                        verbose_name="name",
                    ),
                ),
                ("tagline", models.CharField(blank=True, max_length=160, verbose_name="tagline")),
                (
                    "language",
                    models.CharField(
                        db_default="en",
                        default="en",
                        max_length=12,
                        validators=[articles.models.site.validate_language],
                        verbose_name="language",
                    ),
                ),
                (
                    "written_in",
                    models.CharField(
                        blank=True,
                        db_default="",
                        max_length=12,
                        validators=[articles.models.site.validate_story_language],
                        verbose_name="language of the stories",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[articles.models.site.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "contact_email",
                    models.EmailField(
                        blank=True, db_default="", max_length=254, verbose_name="contact address"
                    ),
                ),
                (
                    "mail_name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        max_length=80,
                        validators=[articles.models.site.validate_one_line],
                        verbose_name="sender’s name in e-mails",
                    ),
                ),
                (
                    "moderation",
                    models.CharField(
                        choices=[
                            ("conditional", "First comment reviewed"),
                            ("pre", "Pre-moderation: review everything first"),
                            ("post", "Post-moderation: review after publication"),
                        ],
                        db_default="conditional",
                        default="conditional",
                        max_length=12,
                        verbose_name="new discussions",
                    ),
                ),
                (
                    "review_after_days",
                    models.PositiveSmallIntegerField(
                        db_default=30, default=30, verbose_name="days until late comments are reviewed first"
                    ),
                ),
                (
                    "close_after_days",
                    models.PositiveSmallIntegerField(
                        db_default=365,
                        default=365,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="days until discussions close",
                    ),
                ),
                (
                    "rules_in_short",
                    models.TextField(blank=True, db_default="", verbose_name="rules in short"),
                ),
                ("rules", models.TextField(blank=True, db_default="", verbose_name="rules in full")),
                (
                    "backs_up_nightly",
                    models.BooleanField(db_default=False, default=False, verbose_name="back up every night"),
                ),
                (
                    "backups_kept",
                    models.PositiveSmallIntegerField(
                        db_default=7,
                        default=7,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(400),
                        ],
                        verbose_name="nightly backups to keep",
                    ),
                ),
                (
                    "comment_status",
                    models.CharField(
                        choices=[("open", "open"), ("closed", "closed"), ("hidden", "hidden")],
                        db_default="open",
                        default="open",
                        max_length=10,
                        verbose_name="comments are",
                    ),
                ),
                (
                    "review_everything",
                    models.BooleanField(
                        db_default=False, default=False, verbose_name="pre-moderation of every discussion"
                    ),
                ),
                (
                    "has_public_log",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Without authors’ names. Reasons that were given fewer than three times are merged.",
                        verbose_name="public moderation log",
                    ),
                ),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "site",
                "verbose_name_plural": "site",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="site_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="Article",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=300, verbose_name="title")),
                (
                    "slug",
                    models.SlugField(
                        allow_unicode=True, max_length=120, unique=True, verbose_name="URL slug"
                    ),
                ),
                ("standfirst", models.TextField(blank=True, verbose_name="standfirst")),
                (
                    "byline",
                    models.CharField(
                        blank=True,
                        help_text="Other authors, who have no author page here.",
                        max_length=200,
                        verbose_name="byline",
                    ),
                ),
                ("body", models.TextField(blank=True, help_text="Markdown.", verbose_name="body")),
                ("body_html", models.TextField(blank=True, editable=False)),
                (
                    "published_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Leave empty for a draft. A time in the future schedules it.",
                        null=True,
                        verbose_name="publish at",
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[("draft", "draft"), ("ready", "ready for review"), ("private", "private")],
                        db_default="draft",
                        default="draft",
                        help_text="Only while it is unpublished. Preview links of a private story do not work.",
                        max_length=10,
                        verbose_name="stage",
                    ),
                ),
                ("embargo_until", models.DateTimeField(editable=False, null=True)),
                ("taken_back_at", models.DateTimeField(editable=False, null=True)),
                ("taken_back_why", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("was_published_at", models.DateTimeField(editable=False, null=True)),
                ("corrected_at", models.DateTimeField(editable=False, null=True)),
                (
                    "rights",
                    models.CharField(
                        choices=[
                            ("ours", "ours"),
                            ("licensed", "licensed"),
                            ("public_domain", "public domain"),
                            ("unknown", "unknown"),
                        ],
                        default="ours",
                        max_length=20,
                        verbose_name="rights",
                    ),
                ),
                ("source_name", models.CharField(blank=True, max_length=120, verbose_name="source")),
                ("source_url", models.URLField(blank=True, max_length=500, verbose_name="source's URL")),
                (
                    "canonical_url",
                    models.URLField(
                        blank=True,
                        help_text="The URL that search engines should index. Leave empty for the URL here.",
                        max_length=500,
                        verbose_name="first published at",
                    ),
                ),
                ("source_zone", models.CharField(blank=True, editable=False, max_length=64)),
                ("source_key", models.CharField(blank=True, editable=False, max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "keywords",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_default=[], default=list, editable=False, size=None
                    ),
                ),
                (
                    "vector",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.CombinedSearchVector(
                            django.contrib.postgres.search.CombinedSearchVector(
                                django.contrib.postgres.search.SearchVector(
                                    models.Func(
                                        "title", function="search_fold", output_field=models.TextField()
                                    ),
                                    config="english",
                                    weight="A",
                                ),
                                "||",
                                django.contrib.postgres.search.SearchVector(
                                    models.Func(
                                        "standfirst", function="search_fold", output_field=models.TextField()
                                    ),
                                    config="english",
                                    weight="B",
                                ),
                                django.contrib.postgres.search.SearchConfig("english"),
                            ),
                            "||",
                            django.contrib.postgres.search.SearchVector(
                                models.Func("body", function="search_fold", output_field=models.TextField()),
                                config="english",
                                weight="D",
                            ),
                            django.contrib.postgres.search.SearchConfig("english"),
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "editors",
                    models.ManyToManyField(
                        blank=True,
                        help_text="They can edit it and moderate its discussion. Leave empty to let every editor edit.",
                        related_name="articles",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="editors",
                    ),
                ),
                (
                    "lead_image",
                    models.ForeignKey(
                        blank=True,
                        help_text="Shown above the story, in lists, and in link previews on other sites.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="led",
                        to="articles.image",
                        verbose_name="lead image",
                    ),
                ),
                (
                    "topics",
                    models.ManyToManyField(
                        blank=True, related_name="articles", to="articles.topic", verbose_name="topics"
                    ),
                ),
            ],
            options={
                "verbose_name": "article",
                "verbose_name_plural": "articles",
                "ordering": ["-published_at", "-pk"],
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("published_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="article_published",
                    ),
                    django.contrib.postgres.indexes.GinIndex(fields=["vector"], name="article_vector"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("source_key", ""), _negated=True),
                        fields=("source_key",),
                        name="article_source_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("embargo_until", None),
                            ("published_at", None),
                            ("published_at__gte", models.F("embargo_until")),
                            _connector="OR",
                        ),
                        name="article_not_before_its_embargo",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Byline",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField()),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bylines",
                        to="articles.article",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bylines",
                        to="articles.author",
                    ),
                ),
            ],
            options={
                "verbose_name": "byline",
                "verbose_name_plural": "bylines",
                "ordering": ["place", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("article", "author"), name="byline_author_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("text", models.TextField(max_length=2000, verbose_name="correction")),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="corrections",
                        to="articles.article",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "correction",
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("body", models.TextField(max_length=5000, verbose_name="note")),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="articles.article",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Pin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField(verbose_name="place")),
                (
                    "article",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pin",
                        to="articles.article",
                        verbose_name="article",
                    ),
                ),
            ],
            options={
                "verbose_name": "pinned story",
                "verbose_name_plural": "front page",
                "ordering": ["place", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("title", models.CharField(max_length=300)),
                ("standfirst", models.TextField(blank=True)),
                ("body", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_aside", models.BooleanField(default=False)),
                ("base", models.PositiveIntegerField(null=True)),
                ("restored", models.PositiveIntegerField(null=True)),
                ("nonce", models.UUIDField(null=True)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="articles.article",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="articles.standingpage",
                    ),
                ),
            ],
            options={
                "verbose_name": "version",
                "ordering": ["-number"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("nonce__isnull", False)), fields=["nonce"], name="revision_nonce"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("article", "number"), name="revision_number_once"),
                    models.UniqueConstraint(fields=("page", "number"), name="revision_number_once_a_page"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("article__isnull", False), ("page", None)),
                            models.Q(("article", None), ("page__isnull", False)),
                            _connector="OR",
                        ),
                        name="revision_of_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Presence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("typed_at", models.DateTimeField(null=True)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="articles.article",
                    ),
                ),
                (
                    "editor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="articles.standingpage",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("article", "editor"), name="presence_once"),
                    models.UniqueConstraint(fields=("page", "editor"), name="presence_once_a_page"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("article__isnull", False), ("page", None)),
                            models.Q(("article", None), ("page__isnull", False)),
                            _connector="OR",
                        ),
                        name="presence_of_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImageUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="image_uses",
                        to="articles.article",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="articles.image"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="image_uses",
                        to="articles.site",
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="image_uses",
                        to="articles.standingpage",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("image", "article"), name="image_use_once"),
                    models.UniqueConstraint(fields=("image", "page"), name="image_use_once_a_page"),
                    models.UniqueConstraint(fields=("image", "site"), name="image_use_once_in_the_rules"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("article__isnull", False), ("page", None), ("site", None)),
                            models.Q(("article", None), ("page__isnull", False), ("site", None)),
                            models.Q(("article", None), ("page", None), ("site__isnull", False)),
                            _connector="OR",
                        ),
                        name="image_use_of_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Redirect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "old",
                    models.CharField(
                        help_text="Path and query, such as /2013/06/19/slug/ or /?p=12.",
                        max_length=500,
                        unique=True,
                        verbose_name="old URL",
                    ),
                ),
                ("path", models.CharField(blank=True, editable=False, max_length=500)),
                ("rest", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="since"
                    ),
                ),
                (
                    "article",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="redirects",
                        to="articles.article",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="articles.author",
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="articles.standingpage",
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="articles.topic",
                    ),
                ),
            ],
            options={
                "verbose_name": "redirect",
                "verbose_name_plural": "redirects",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("path", ""), _negated=True), fields=["path"], name="redirect_path"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("article__isnull", False),
                                ("author", None),
                                ("page", None),
                                ("path", ""),
                                ("topic", None),
                            ),
                            models.Q(
                                ("article", None),
                                ("author", None),
                                ("page", None),
                                ("path", ""),
                                ("topic__isnull", False),
                            ),
                            models.Q(
                                ("article", None),
                                ("author", None),
                                ("page__isnull", False),
                                ("path", ""),
                                ("topic", None),
                            ),
                            models.Q(
                                ("article", None),
                                ("author__isnull", False),
                                ("page", None),
                                ("path", ""),
                                ("topic", None),
                            ),
                            models.Q(
                                models.Q(("path", ""), _negated=True),
                                ("article", None),
                                ("author", None),
                                ("page", None),
                                ("topic", None),
                            ),
                            _connector="OR",
                        ),
                        name="redirect_leads_to_one",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Unsaved",
            fields=[
                ("nonce", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(db_default="article", default="article", max_length=20)),
                ("typed", models.JSONField(default=dict)),
                ("read", models.TextField(blank=True)),
                ("turn", models.PositiveIntegerField(db_default=0, default=0)),
                ("is_done", models.BooleanField(db_default=False, default=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="unsaved",
                        to="articles.article",
                    ),
                ),
                (
                    "editor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="unsaved",
                        to="articles.standingpage",
                    ),
                ),
            ],
            options={
                "verbose_name": "unsaved text",
                "ordering": ["-at"],
            },
        ),
        migrations.AddField(
            model_name="article",
            name="authors",
            field=models.ManyToManyField(
                editable=False, related_name="articles", through="articles.Byline", to="articles.author"
            ),
        ),
        # Finds the latest story of a topic, however many it has.
        migrations.RunSQL(
            "CREATE INDEX article_topic_last ON articles_article_topics (topic_id, article_id DESC)",
            "DROP INDEX article_topic_last",
        ),
    ]
    operations = [IndependentOperations(operations[:-2]), *operations[-2:]]
