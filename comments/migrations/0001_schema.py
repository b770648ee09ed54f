import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
import mptt.fields
from django.conf import settings
from django.db import migrations, models

from core.database.independent_operations import IndependentOperations


class Migration(migrations.Migration):
    """Create the tables of comments."""

    replaces = [
        ("comments", "0001_initial"),
        ("comments", "0003_reading"),
        ("comments", "0004_words_at_once"),
        ("comments", "0005_desk"),
        ("comments", "0007_sealed"),
        ("comments", "0008_redaction"),
        ("comments", "0009_copies_and_log"),
        ("comments", "0010_lines_in_their_discussion"),
        ("comments", "0011_as_the_settings_say"),
        ("comments", "0012_policy_of_an_article"),
        ("comments", "0013_statistics_after_an_import"),
    ]

    initial = True
    dependencies = [
        ("accounts", "0001_schema"),
        ("accounts", "__first__"),
        ("articles", "0002_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="Discussion",
            fields=[
                (
                    "article",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="discussion",
                        serialize=False,
                        to="articles.article",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("closed", "closed"), ("hidden", "hidden")],
                        default="open",
                        max_length=10,
                        verbose_name="comments are",
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Leave empty to close by the number of days.",
                        null=True,
                        verbose_name="closes at",
                    ),
                ),
                (
                    "close_after_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Counted from publication. Leave empty to use the site’s setting.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="closes after (days)",
                    ),
                ),
                (
                    "members_only",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Guests can't comment.",
                        verbose_name="members only",
                    ),
                ),
                (
                    "moderation",
                    models.CharField(
                        choices=[
                            ("conditional", "First comment reviewed: newcomers and flagged comments wait"),
                            ("pre", "Pre-moderation: review everything first"),
                            ("post", "Post-moderation: publish at once, review afterwards"),
                        ],
                        default="conditional",
                        max_length=12,
                        verbose_name="moderation",
                    ),
                ),
                (
                    "declared_count",
                    models.PositiveIntegerField(
                        blank=True, editable=False, null=True, verbose_name="comments announced by the source"
                    ),
                ),
                ("copied_count", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("visible_count", models.PositiveIntegerField(default=0, editable=False)),
                ("tally", models.JSONField(db_default={}, default=dict, editable=False)),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "discussion",
                "verbose_name_plural": "discussions",
            },
        ),
        migrations.CreateModel(
            name="RemovalReason",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.SlugField(
                        help_text="It can't be changed later: the audit log uses it.",
                        max_length=20,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty to use the built-in name.",
                        max_length=60,
                        verbose_name="name",
                    ),
                ),
                (
                    "told",
                    models.TextField(
                        blank=True,
                        help_text="One or two sentences.",
                        max_length=1000,
                        verbose_name="message to the author",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=100, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "verbose_name": "removal reason",
                "verbose_name_plural": "removal reasons",
                "ordering": ["position", "code"],
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tree_id", models.PositiveIntegerField(editable=False)),
                ("lft", models.PositiveIntegerField(editable=False)),
                ("rght", models.PositiveIntegerField(editable=False)),
                ("level", models.PositiveIntegerField(editable=False)),
                ("author_name", models.CharField(max_length=200, verbose_name="name")),
                ("author_email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("body", models.TextField(blank=True, verbose_name="text")),
                ("is_plain_text", models.BooleanField(default=False, editable=False)),
                ("body_html", models.TextField(blank=True, editable=False)),
                (
                    "text_missing",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("all", "Text missing in the original"),
                            ("rest", "The rest is missing in the original"),
                        ],
                        editable=False,
                        max_length=4,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="posted"),
                ),
                ("edited_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("erased_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for review"),
                            ("published", "Published"),
                            ("rejected", "Removed by a moderator"),
                            ("spam", "Removed as spam"),
                            ("deleted", "Deleted by its author"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "state_reason",
                    models.CharField(
                        choices=[
                            ("posted", "posted"),
                            ("screened", "held by a check"),
                            ("imported", "imported"),
                            ("import_undone", "import undone"),
                            ("author", "deleted by its author"),
                            ("approved", "approved"),
                            ("off_topic", "off-topic"),
                            ("insult", "insult"),
                            ("name", "offensive name"),
                            ("repeat", "duplicate"),
                            ("text_missing", "text missing"),
                            ("other", "other"),
                            ("spam", "spam"),
                            ("sealed", "access restricted"),
                            ("moved", "moved to another parent"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reply_count", models.PositiveIntegerField(default=0, editable=False)),
                ("recommend_count", models.PositiveIntegerField(default=0, editable=False)),
                ("is_pick", models.BooleanField(db_default=False, default=False, editable=False)),
                ("is_locked", models.BooleanField(db_default=False, default=False, editable=False)),
                ("is_redacted", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "shown",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Q(("state", "published"), ("reply_count__gt", 0), _connector="OR"),
                        output_field=models.BooleanField(),
                    ),
                ),
                ("nonce", models.UUIDField(editable=False, null=True)),
                ("source", models.CharField(blank=True, editable=False, max_length=64)),
                ("source_id", models.CharField(blank=True, editable=False, max_length=300)),
                ("source_parent", models.CharField(blank=True, editable=False, max_length=300)),
                ("source_number", models.PositiveIntegerField(blank=True, editable=False, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="accounts.guest",
                    ),
                ),
                (
                    "in_reply_to",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "parent",
                    mptt.fields.TreeForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replies",
                        to="comments.comment",
                    ),
                ),
                (
                    "repeat_of",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "discussion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="comments.discussion",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "indexes": [
                    models.Index(fields=["discussion", "created_at", "id"], name="comment_discussion"),
                    models.Index(
                        condition=models.Q(("parent", None), ("shown", True)),
                        fields=["discussion", "created_at", "id"],
                        name="comment_roots",
                    ),
                    models.Index(
                        condition=models.Q(("parent", None), ("shown", True)),
                        fields=["discussion", "recommend_count", "id"],
                        name="comment_roots_recommended",
                    ),
                    models.Index(
                        condition=models.Q(("parent", None), ("shown", True)),
                        fields=["discussion", "reply_count", "id"],
                        name="comment_roots_discussed",
                    ),
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["created_at", "id"],
                        name="comment_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("is_pick", True)),
                        fields=["discussion", "created_at", "id"],
                        name="comment_picks",
                    ),
                    models.Index(
                        condition=models.Q(("parent", None), _negated=True),
                        fields=["parent"],
                        name="comment_parent",
                    ),
                    models.Index(
                        condition=models.Q(("author", None), _negated=True),
                        fields=["author", "created_at"],
                        name="comment_author",
                    ),
                    models.Index(
                        condition=models.Q(("guest", None), _negated=True),
                        fields=["guest", "created_at"],
                        name="comment_guest",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "published", "rejected", "spam", "deleted"])
                        ),
                        name="comment_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("body__regex", "^\\s*$"), _negated=True),
                            ("text_missing", "all"),
                            ("erased_at__isnull", False),
                            ("state_reason", "sealed"),
                            _connector="OR",
                        ),
                        name="comment_body_or_missing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            django.db.models.lookups.LessThanOrEqual(
                                django.db.models.functions.text.Length("body"), 10000
                            ),
                            models.Q(("source", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="comment_body_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lft__lt", models.F("rght"))), name="comment_lft_before_rght"
                    ),
                    models.CheckConstraint(condition=models.Q(("level__lt", 64)), name="comment_depth"),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["IMMEDIATE"],
                        fields=("tree_id", "lft"),
                        name="comment_place",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("parent", None)),
                        fields=("tree_id",),
                        name="comment_one_root_a_tree",
                    ),
                    models.UniqueConstraint(fields=("id", "discussion"), name="comment_in_discussion"),
                    models.UniqueConstraint(
                        condition=models.Q(("nonce", None), _negated=True),
                        fields=("nonce",),
                        name="comment_nonce_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("source", ""), _negated=True),
                        fields=("source", "source_id"),
                        name="comment_source_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DiscussionDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("visible_count", models.IntegerField(default=0)),
                (
                    "discussion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="days",
                        to="comments.discussion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("discussion", "day"), name="discussionday_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Recommendation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("given", models.BooleanField(default=True)),
                ("counted", models.BooleanField(default=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recommendations",
                        to="comments.comment",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.guest",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given", models.F("counted")), _negated=True),
                        fields=["comment"],
                        name="recommendation_to_fold",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("guest__isnull", False), ("user", None)),
                            models.Q(("guest", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="recommendation_by_one_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("user", None), _negated=True),
                        fields=("comment", "user"),
                        name="recommendation_once_a_user",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("guest", None), _negated=True),
                        fields=("comment", "guest"),
                        name="recommendation_once_a_guest",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("state", "state"), ("move", "move")], default="state", max_length=5
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("from_state", models.CharField(blank=True, max_length=10)),
                ("to_state", models.CharField(blank=True, max_length=10)),
                ("from_reason", models.CharField(blank=True, max_length=20)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("posted", "posted"),
                            ("screened", "held by a check"),
                            ("imported", "imported"),
                            ("import_undone", "import undone"),
                            ("author", "deleted by its author"),
                            ("approved", "approved"),
                            ("off_topic", "off-topic"),
                            ("insult", "insult"),
                            ("name", "offensive name"),
                            ("repeat", "duplicate"),
                            ("text_missing", "text missing"),
                            ("other", "other"),
                            ("spam", "spam"),
                            ("sealed", "access restricted"),
                            ("moved", "moved to another parent"),
                        ],
                        max_length=20,
                    ),
                ),
                ("batch", models.UUIDField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seq", models.PositiveBigIntegerField(editable=False)),
                ("hash", models.BinaryField()),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="comments.comment",
                    ),
                ),
                (
                    "discussion",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.discussion",
                    ),
                ),
                (
                    "new_parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "old_parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
            ],
            options={
                "verbose_name": "decision",
                "verbose_name_plural": "decisions",
                "indexes": [
                    models.Index(fields=["comment", "id"], name="transition_comment"),
                    models.Index(fields=["at", "id"], name="transition_at"),
                    models.Index(
                        condition=models.Q(("actor", None), _negated=True),
                        fields=["actor", "at", "id"],
                        name="transition_actor",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("discussion", "seq"), name="transition_seq_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("batch", None), _negated=True),
                        fields=("batch", "comment"),
                        name="transition_once_a_batch",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentText",
            fields=[
                (
                    "comment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="text",
                        serialize=False,
                        to="comments.comment",
                    ),
                ),
                ("folded", models.TextField()),
                (
                    "vector",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector(
                            models.Func("folded", function="search_fold", output_field=models.TextField()),
                            config="english",
                            weight="D",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["vector"], name="commenttext_vector"
                    ),
                    django.contrib.postgres.indexes.HashIndex(fields=["folded"], name="commenttext_same"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["folded"], name="commenttext_alike", opclasses=["gin_trgm_ops"]
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentRevision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("body", models.TextField()),
                ("is_redacted", models.BooleanField(db_default=False, default=False)),
                ("replaced_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="comments.comment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("comment", "revision"), name="commentrevision_once")
                ],
            },
        ),
    ]
    operations = [IndependentOperations(operations)]
